"""TDengine's own clients for Python against one server of ours: 200,000 rows over WebSocket and over REST."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import taosrest
import taosws

ROWS = 200_000
START = 1_700_000_000_000
FORETELL = [sys.executable, "-c", "from foretell.cli import main; main()"]


@dataclass(frozen=True)
class Fetches:
    """Each fetches all rows of one table, as the client's users do: taosws by its own way and by the DB-API (whose
    times are datetimes, which cost it more than all the rest), taosrest by the DB-API."""

    query: Callable[[], object]
    cursor: Callable[[], object]
    rest: Callable[[], object]


@contextlib.contextmanager
def fetches(folder: Path) -> Iterator[Fetches]:
    """The clients, connected to a server over a new file in the folder."""
    with serving(folder) as host:
        fill(f"http://{host}")
        sql = "SELECT ts, v, n, name FROM bench.t"
        socket = taosws.connect(f"taosws://root:taosdata@{host}/bench")
        rest = taosrest.connect(url=f"http://{host}", timezone="UTC")
        found = Fetches(
            lambda: list(socket.query(sql)),
            lambda: rows(socket.cursor(), sql),
            lambda: rows(rest.cursor(), sql),
        )
        assert [len(fetch()) for fetch in (found.query, found.cursor, found.rest)] == [ROWS] * 3  # type: ignore[arg-type]
        yield found


def rows(cursor: Any, sql: str) -> list[Any]:
    cursor.execute(sql)
    return list(cursor.fetchall())


@contextlib.contextmanager
def serving(folder: Path) -> Iterator[str]:
    """host:port of a server over a new file, which may read the folder."""
    settings = {"FORETELL_SQL_FOLDERS": json.dumps([str(folder)]), "FORETELL_STATE_DIR": str(folder / "state")}
    command = [*FORETELL, "serve", "--db", str(folder / "bench.db"), "--port", "0", "--workers", "1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ, **settings}) as server:
        try:
            assert server.stdout is not None
            yield server.stdout.readline().strip().removeprefix("listening on http://")
        finally:
            server.send_signal(signal.SIGTERM)


def fill(url: str) -> None:
    """A table of a time, a DOUBLE, an INT and a short text."""
    taosrest.connect(url=url).execute("CREATE DATABASE bench")
    connection = taosrest.connect(url=url, database="bench")
    connection.execute("CREATE TABLE t (ts TIMESTAMP, v DOUBLE, n INT, name VARCHAR(16))")
    for first in range(0, ROWS, 10_000):
        values = " ".join(f"({START + i}, {i / 7}, {i}, 'dev{i % 100}')" for i in range(first, first + 10_000))
        connection.execute(f"INSERT INTO t VALUES {values}")
