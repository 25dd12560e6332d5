"""One server for each module that asks for it, with jobs in a folder of its own."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from foretell.application import new_node
from foretell.registry import Registry
from foretell.server import in_background
from foretell.settings import read_settings

ADMIN = "only-for-tests"


@contextlib.contextmanager
def serving(state: Path, models: Registry | None = None, **values: Any) -> Iterator[str]:
    """The URL of a server."""
    settings = read_settings(**{"workers": 1, "admin_token": ADMIN, "state_dir": state, **values})
    with in_background(new_node(settings, models)) as url:
        yield url


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serving(tmp_path_factory.mktemp("state")) as found:
        yield found
