"""A server with a database, and a browser; skipped with the reason where there is none."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from foretell.application import new_node
from foretell.server import in_background
from foretell.settings import read_settings
from foretell.sql.database import Database
from foretell.sql.taos import TaosDoor

ALONE = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking")
QUIET = ("--disable-component-update", "--disable-sync")


@contextlib.contextmanager
def with_database(state: Path) -> Iterator[str]:
    """The URL of a server whose database has an empty database `plant`."""
    node = new_node(read_settings(workers=1, state_dir=state))
    with Database(engine=node.serving.engine) as database:
        database.connect().run("CREATE DATABASE plant")
        with in_background(node, TaosDoor(database)) as url:
            yield url


@contextlib.contextmanager
def chromium() -> Iterator[Any]:
    """Debian's Chromium, headless, driven by playwright."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    path = shutil.which("chromium")
    if path is None:
        pytest.skip("chromium is not installed (apt-get install chromium)")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=[*ALONE, *QUIET])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with with_database(tmp_path_factory.mktemp("state")) as found:
        yield found


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as found:
        yield found
