"""`foretell serve` as a process: ports, signals, what it says, what it imports."""

from __future__ import annotations

import contextlib
import itertools
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from foretell import admin
from foretell.errors import NotAvailable
from foretell.settings import read_settings
from tests.tdgpt import plugin_texts
from tests.tdgpt.conftest import PATIENT
from tests.tdgpt.taosd import Taosd
from tests.tdgpt.test_http import Line, head, question

COMMAND = [sys.executable, "-c", "from foretell.cli import main; import sys; sys.argv[0] = 'foretell'; main()"]
TIMES, VALUES = [*range(1000, 1020)], [float(i % 7 + i) for i in range(20)]


_numbers = itertools.count()


class Server:
    """A running `foretell serve` and the addresses that it said."""

    def __init__(self, arguments: list[str], ports: int, state: Path, **variables: str) -> None:
        environment = {**os.environ, "XDG_STATE_HOME": str(state), **variables}
        self._log = state / f"{next(_numbers)}.log"  # a pipe that nobody reads would stop the server when it is full
        with self._log.open("w") as log:
            self.process = subprocess.Popen(
                [*COMMAND, "serve", "--workers", "1", *arguments],
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env=environment,
            )
        out = self.process.stdout
        assert out is not None
        self.urls = [out.readline().removeprefix("listening on http://").strip() for _ in range(ports)]

    def stop(self) -> str:
        """What it logged."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        self.process.communicate(timeout=60)
        return self._log.read_text()


@contextlib.contextmanager
def started(arguments: list[str], state: Path, ports: int = 1, **variables: str) -> Iterator[Server]:
    server = Server(arguments, ports, state, **variables)
    try:
        yield server
    finally:
        server.process.kill()
        server.process.communicate()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return plugin_texts.write(tmp_path_factory.mktemp("own"), {"fc/repeat.py": plugin_texts.GOOD["fc/repeat.py"]})


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("state")


@pytest.fixture(scope="module")
def server(folder: Path, state: Path) -> Iterator[Server]:
    with started(["--port", "0", "--also", "0", "--plugins", str(folder)], state, 2) as found:
        yield found


def test_it_serves_on_all_its_ports(server: Server) -> None:
    for url in server.urls:
        taosd = Taosd(get_limit=PATIENT)
        taosd.create_anode(url)
        assert ("forecast", "repeat_last") in taosd.show_anodes_full()
        assert len(taosd.forecast(TIMES, VALUES, "algo=naive,wncheck=0")) == 10


def test_reload_by_the_command_of_the_same_user(server: Server, folder: Path, state: Path) -> None:
    taosd = Taosd(get_limit=PATIENT)
    taosd.create_anode(server.urls[0])
    plugin_texts.write(folder, {"ad/above.py": plugin_texts.GOOD["ad/above.py"]})
    command = [*COMMAND, "reload", "--url", f"http://{server.urls[0]}"]
    environment = {**os.environ, "XDG_STATE_HOME": str(state)}
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, env=environment, check=False)
    assert (done.stdout, done.returncode) == ("reloaded\n", 0), done.stderr
    taosd.update_anode()
    assert ("anomaly-detection", "above") in taosd.show_anodes_full()
    file = state / "foretell" / f"admin-{server.urls[0].rpartition(':')[2]}.token"
    assert file.stat().st_mode & 0o077 == 0


def test_the_secret_of_a_reload_lies_in_state_dir_and_ends_with_the_server(tmp_path: Path) -> None:
    own = str(tmp_path / "own")
    with started(["--port", "0"], tmp_path, HOME="/sys", XDG_STATE_HOME="", FORETELL_STATE_DIR=own) as server:
        url = f"http://{server.urls[0]}"
        settings = read_settings(state_dir=tmp_path / "own")
        file = admin.token_file(settings, int(url.rpartition(":")[2]))
        assert (file.parent, file.stat().st_mode & 0o077) == (tmp_path / "own", 0)
        admin.reload(settings, url)
        admin.health(settings, url)
        assert "Traceback" not in server.stop()
        assert not file.exists()
        with pytest.raises(NotAvailable, match=r"there is no .*token"):
            admin.reload(settings, url)
        with pytest.raises(NotAvailable, match="no server answers at"):
            admin.health(settings, url)


def test_a_server_that_can_keep_nothing_says_so_and_serves(tmp_path: Path) -> None:
    with started(["--port", "0"], tmp_path, HOME="/sys", XDG_STATE_HOME="") as server:
        admin.health(read_settings(), f"http://{server.urls[0]}")
        log = server.stop()
        assert "foretell reload will not work: cannot write /sys/.local" in log
        assert "Traceback" not in log


@pytest.mark.parametrize("path", ["/forecast", "/v1/forecast"])
def test_half_a_body_does_not_hold_up_the_end(tmp_path: Path, path: str) -> None:
    with started(["--port", "0"], tmp_path) as server, contextlib.ExitStack() as stack:
        taosd = Taosd(get_limit=PATIENT)
        taosd.create_anode(server.urls[0])
        line = stack.enter_context(Line(taosd))
        line.say(
            f"POST {path} HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 9\r\n\r\n".encode()
        )
        assert line.status()[0] == "HTTP/1.1 100 Continue"
        line.say(b"{")
        server.process.send_signal(signal.SIGTERM)
        assert line.is_closed()  # within 20 s, where a body has 60
        assert "Traceback" not in server.stop()


def test_sighup_drops_nothing_and_sigterm_finishes_what_is_in_flight(server: Server) -> None:
    taosd = Taosd(get_limit=PATIENT)
    taosd.create_anode(server.urls[0])
    answers: list[int] = []
    asked = threading.Barrier(5)

    def ask() -> None:
        asked.wait()
        answers.append(len(taosd.forecast(TIMES, VALUES, "algo=arima,wncheck=0,rows=3")))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    asked.wait()
    server.process.send_signal(signal.SIGHUP)
    for thread in threads:
        thread.join()
    assert answers == [3] * 4
    log = server.stop()
    assert server.process.returncode in (0, -signal.SIGTERM)
    assert "Traceback" not in log


def test_sigterm_finishes_what_is_in_flight_and_takes_no_more(tmp_path: Path) -> None:
    folder = plugin_texts.write(tmp_path, plugin_texts.SLOW)
    text = question(option="algo=slow")
    with started(["--port", "0", "--plugins", str(folder)], tmp_path) as server, contextlib.ExitStack() as stack:
        taosd = Taosd(get_limit=PATIENT)
        taosd.create_anode(server.urls[0])
        # The plugin answers one after the other: when the first has its answer, the others wait.
        asked = [stack.enter_context(Line(taosd)) for _ in range(3)]
        for line in asked:
            line.say(head(text) + text)
        assert asked[0].answer()["rows"] == 3
        server.process.send_signal(signal.SIGTERM)
        assert [line.answer()["rows"] for line in asked[1:]] == [3, 3]
        assert "Traceback" not in server.stop()
        assert server.process.returncode in (0, -signal.SIGTERM)
        assert taosd.show_anodes() == "offline"


def test_the_front_never_imports_torch_or_a_model_library() -> None:
    heavy = ("torch", "statsmodels", "sklearn", "duckdb", "ray")
    code = f"import foretell.server, sys; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True)
    assert done.stdout == "[]\n"


def test_an_open_address_warns_loudly(state: Path) -> None:
    with started(["--port", "0", "--host", "0.0.0.0"], state) as server:
        assert "ANYBODY WHO REACHES" in server.stop()


def test_a_server_with_a_database_says_what_timemoe_fc_is_and_ends_without_a_word(tmp_path: Path) -> None:
    with started(["--port", "0", "--db", str(tmp_path / "plant.db")], tmp_path) as found:
        (line,) = found.stop().splitlines()
    assert "timemoe-fc is timemoe-" in line
