"""One node for each module that asks for it, on a free port of the loopback, with all algorithms of the source tree."""

from __future__ import annotations

import contextlib
import importlib
import pkgutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from foretell import algorithms
from foretell.application import new_node
from foretell.registry import Registry
from foretell.server import in_background
from foretell.settings import read_settings
from foretell.tdgpt.node import Node
from tests.tdgpt import plugin_texts
from tests.tdgpt.taosd import Taosd, TaosError

ADMIN = "only-for-tests"
PATIENT = 5.0
"""Seconds for GETs where a test is not about time: these machines are shared."""


def all_models() -> Registry:
    """What the entry points offer, and every algorithm of the source tree."""
    models = Registry().discover()
    for package in pkgutil.iter_modules(algorithms.__path__, "foretell.algorithms."):
        if package.ispkg:
            found = importlib.import_module(package.name)
            for module in pkgutil.iter_modules(found.__path__, f"{package.name}."):
                for value in vars(importlib.import_module(module.name)).values():
                    if isinstance(value, type) and value.__module__ == module.name and "kind" in vars(value):
                        models.register(value)
    return models


@contextlib.contextmanager
def running(models: Registry | None = None, **values: Any) -> Iterator[tuple[Node, Taosd]]:
    """A node that serves, and a taosd that knows it."""
    node = new_node(read_settings(**{"workers": 1, "admin_token": ADMIN, **values}), models or all_models())
    with in_background(node) as url:
        taosd = Taosd(get_limit=PATIENT)
        taosd.create_anode(url.removeprefix("http://"))
        yield node, taosd


@pytest.fixture(scope="module")
def taosd() -> Iterator[Taosd]:
    """A taosd with a plain node."""
    with running() as (_, found):
        yield found


@pytest.fixture(scope="module")
def plugin_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return plugin_texts.write(tmp_path_factory.mktemp("plugins"), plugin_texts.GOOD)


def code_of(error: pytest.ExceptionInfo[TaosError]) -> int:
    return error.value.code
