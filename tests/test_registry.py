"""Names, options and discovery."""

from __future__ import annotations

import asyncio
import importlib
import sys
import types
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest

from foretell.application import new_node
from foretell.errors import InvalidInput, NotAvailable, UnknownName
from foretell.registry import Kind, Option, Registry, load, registry, require
from foretell.settings import read_settings
from tests.fakes import Fake, Wide


def test_names_and_aliases_in_any_case() -> None:
    models = Registry()
    entry = models.register(Wide)
    assert models.find("WIDE ") is entry
    assert models.find("broad") is entry
    assert models.entries() == [entry]
    assert models.entries("anomaly") == []


def test_registering_twice_is_fine_but_two_of_a_name_are_not() -> None:
    class Other(Fake):
        aliases: ClassVar[tuple[str, ...]] = ("Broad",)
        name = "other"
        kind: ClassVar[Kind] = "forecast"

    models = Registry()
    models.register(Wide)
    models.register(Wide)
    with pytest.raises(InvalidInput, match=r"'Broad' is both tests\.fakes:Wide and"):
        models.register(Other)
    with pytest.raises(UnknownName):
        models.find("other")  # nothing was registered halfway


def test_an_unknown_name_lists_the_known() -> None:
    models = Registry()
    models.register(Fake)
    models.register(Wide)
    with pytest.raises(UnknownName, match=r"unknown forecast model 'wyde', did you mean 'wide'\?") as caught:
        models.find("wyde")
    assert caught.value.known == ("repeat", "wide")


def test_the_target_can_be_loaded() -> None:
    assert isinstance(load("tests.fakes:Wide"), Wide)


def test_an_import_error_inside_a_model_comes_through() -> None:
    with pytest.raises(ModuleNotFoundError, match="no_such_module"):
        load("no_such_module:Model")


def test_an_optional_library_says_which_extra_brings_it() -> None:
    with pytest.raises(NotAvailable, match=r"pip install 'foretell\[torch\]'"):
        require("no_such_library", "torch")
    assert require("json", "x").loads("1") == 1


def test_built_ins_come_in_by_the_door_of_strangers() -> None:
    assert registry().broken == {}
    assert registry().find("ets").target == "foretell.algorithms.forecast.ets:Ets"
    assert registry() is registry()


def test_a_package_that_fails_is_noted(monkeypatch: pytest.MonkeyPatch) -> None:
    class Point:
        name, value = "unlucky", "broken.package"

        def load(self) -> object:
            raise ImportError("no luck")

    class Good(Point):
        name, value = "good", "tests.fakes"

        def load(self) -> object:
            return Wide

    monkeypatch.setattr("foretell.registry.metadata.entry_points", lambda group: [Point(), Good()])
    models = Registry().discover()
    assert models.broken == {"broken.package": "ImportError: no luck"}
    assert models.find("wide").name == "wide"
    with pytest.raises(
        NotAvailable, match=r"Unlucky cannot run here: broken.package could not be loaded \(ImportError"
    ):
        models.find("Unlucky")


def test_two_installed_models_of_one_name_keep_a_server_from_starting(monkeypatch: pytest.MonkeyPatch) -> None:
    class Other(Wide):
        name = "Broad"
        kind: ClassVar[Kind] = "forecast"
        aliases = ()

    points = [
        SimpleNamespace(name=model.__name__, value=model.__name__, load=lambda m=model: m) for model in (Wide, Other)
    ]
    monkeypatch.setattr("foretell.registry.metadata.entry_points", lambda group: points)
    models = Registry().discover()
    assert models.find("broad").name == "wide"
    assert list(models.broken) == ["Other"]
    node = new_node(read_settings(workers=1), models)
    with pytest.raises(InvalidInput, match=r"forecast 'Broad' is both tests\.fakes:Wide and tests"):
        asyncio.run(node.reload())


def test_a_module_that_fails_leaves_the_rest_of_its_package(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "mixed").mkdir()
    (tmp_path / "mixed" / "__init__.py").touch()
    (tmp_path / "mixed" / "bad.py").write_text("import no_such_library")
    (tmp_path / "mixed" / "good.py").write_text(
        "from tests.fakes import Wide\nclass Good(Wide):\n    name, kind = 'good', 'forecast'\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    models = Registry()
    models._add(importlib.import_module("mixed"))
    assert [entry.name for entry in models.entries()] == ["good"]
    assert models.broken == {"mixed.bad": "ModuleNotFoundError: No module named 'no_such_library'"}


def test_a_module_gives_the_classes_that_say_their_kind() -> None:
    module = types.ModuleType("strangers")
    sys.modules["strangers"] = module
    try:
        model: Any = type("Own", (Fake,), {"kind": "forecast", "__module__": "strangers"})
        vars(module).update(Own=model, Imported=Wide, number=3)
        found = Registry()
        found._add(module)
        assert [entry.target for entry in found.entries()] == ["strangers:Own"]
    finally:
        del sys.modules["strangers"]


@pytest.mark.parametrize(
    ("option", "given", "read"),
    [
        (Option(0, "x", int), "12", 12),
        (Option(0, "x", int), 12.0, 12),
        (Option(0.5, "x", float), "1e-3", 0.001),
        (Option(False, "x", bool), "1", True),
        (Option(False, "x", bool), "False", False),
        (Option(False, "x", bool), True, True),
        (Option("add", "x", choices=("add", "mul")), "M", "mul"),
        (Option("add", "x", choices=("add", "mul")), "additive"[:3], "add"),
        (Option(None, "x", int), None, None),
        (Option("", "x"), "as it is", "as it is"),
    ],
)
def test_options_are_read(option: Option, given: object, read: object) -> None:
    value = option.read("x", given)
    assert value == read
    assert type(value) is type(read)


@pytest.mark.parametrize(
    ("option", "given", "message"),
    [
        (Option(0, "x", int), "1.5", "period: must be a whole number, got '1.5'"),
        (Option(0, "x", int), "many", "period: must be a number, got 'many'"),
        (Option(0, "x", int), True, "period: must be a number, got True"),
        (Option(0, "x", float), "nan", "period: must be a finite number, got 'nan'"),
        (Option(0, "x", int, low=1), 0, "period: must be at least 1, got 0"),
        (Option(0, "x", int, low=1, high=3), 4, "period: must be between 1 and 3, got 4"),
        (Option(0, "x", bool), "yes", "period: must be one of 0, 1, true, false, got 'yes'"),
        (Option("a", "x", choices=("add", "all")), "a", "period: must be one of add, all, got 'a'"),
        (Option("a", "x", choices=("add",)), "", "period: must be one of add, got ''"),
    ],
)
def test_bad_options_are_named(option: Option, given: object, message: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        option.read("period", given)
    assert str(caught.value) == message


def test_options_are_complete_and_known() -> None:
    entry = registry().find("arima")
    assert entry.read_options({"max_p": "3"}) | {"max_p": 5} == entry.read_options({})
    with pytest.raises(UnknownName, match="unknown option of arima 'maxp', did you mean 'max_p'") as caught:
        entry.read_options({"maxp": 3})
    assert set(caught.value.known) == set(entry.options)


def test_keys_of_options_may_be_in_any_case() -> None:
    entry = registry().find("arima")
    assert entry.read_options({"MAX_P": "3"}) == entry.read_options({"max_p": 3})
    with pytest.raises(InvalidInput, match="max_p: is given twice"):
        entry.read_options({"MAX_P": "3", "max_p": 4})
