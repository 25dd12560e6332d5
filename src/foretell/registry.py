"""The one list of everything that can forecast, detect, impute or correlate, by name.

A model is a class with the attributes of `Named` and the method of its kind. It enters through the entry-point group
`foretell.models`, ours as anybody's: an entry point names a class (`package.module:Class`) or a package, whose modules
are then searched for classes that say their `kind`. Importing such a module must be cheap: heavy libraries are imported
where they are used, so that names can be listed without them.
"""

from __future__ import annotations

import importlib
import math
import pkgutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cache
from importlib import metadata
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar, Literal, Protocol, cast

from foretell.errors import ForetellError, InvalidInput, NameTwice, NotAvailable, UnknownName
from foretell.results import Correlation, Detection, Imputation
from foretell.series import Batch, Forecast
from foretell.settings import settings

GROUP = "foretell.models"
Kind = Literal["forecast", "anomaly", "imputation", "correlation"]
VERBS: Mapping[Kind, str] = {
    "forecast": "forecast",
    "anomaly": "detect",
    "imputation": "impute",
    "correlation": "correlate",
}
"""What a model of each kind does: the name of its method, and of the engine's."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a model can take.

    Contexts and horizons count points; a longer context is cut to its newest points. `intervals`: gives quantiles
    at any level that is asked for (otherwise they come from engine/conformal.py). `prefix_consistent`: the first
    points of a long forecast equal a short one, so that horizons can share a batch. `missing`: takes NaN itself.
    `cost` is the rough CPU time of one point of context or horizon, in microseconds: big calls are cut by it.
    `together`: so many points may share a call whatever they cost, for a model that answers several series faster at
    once than one after the other.
    `scale_equivariant`: a series in other units (a * x, a > 0) gets the same forecast in those units;
    `shift_equivariant`: so does x + b. The contract suite holds a model to what it claims.
    """

    min_context: int = 1
    max_context: int = 1_000_000
    max_horizon: int = 100_000
    intervals: bool = True
    covariates: bool = False
    prefix_consistent: bool = False
    missing: bool = False
    cost: float = 1.0
    together: int = 0
    scale_equivariant: bool = True
    shift_equivariant: bool = False


@dataclass(frozen=True, slots=True)
class Option:
    """One option of a model: `read` turns text from SQL or HTTP into the type of `default` and checks it."""

    default: Any
    doc: str
    type: type = str
    choices: tuple[str, ...] = ()
    low: float | None = None
    high: float | None = None

    def read(self, name: str, value: Any) -> Any:
        """The value in the option's type; the first letters of a choice, in any case, are enough."""
        if value is None:
            return None
        if self.type is bool:
            return _read_bool(name, value)
        if self.choices:
            return _read_choice(name, value, self.choices)
        return self._read_number(name, value) if self.type in (int, float) else str(value)

    def values(self) -> str:
        """What it takes, for people."""
        if self.choices:
            return ", ".join(self.choices)
        if self.low is None and self.high is None:
            return {bool: "0, 1", int: "whole number", float: "number"}.get(self.type, "text")
        return f"at least {self.low:g}" if self.high is None else f"{self.low or 0:g} to {self.high:,.10g}"

    def _read_number(self, name: str, value: Any) -> float | int:
        if isinstance(value, bool):
            raise InvalidInput(name, f"must be a number, got {value}")
        try:
            number = float(value)
        except (TypeError, ValueError, OverflowError):
            raise InvalidInput(name, f"must be a number, got {value!r}") from None
        if not math.isfinite(number):
            raise InvalidInput(name, f"must be a finite number, got {value!r}")
        if self.type is int and not number.is_integer():
            raise InvalidInput(name, f"must be a whole number, got {value!r}")
        low, high = self.low, self.high
        if (low is not None and number < low) or (high is not None and number > high):
            bounds = f"at least {low:g}" if high is None else f"between {low or 0:g} and {high:g}"
            raise InvalidInput(name, f"must be {bounds}, got {value}")
        return int(number) if self.type is int else number


def _read_bool(name: str, value: Any) -> bool:
    text = str(value).strip().lower()
    if text not in ("0", "1", "true", "false"):
        raise InvalidInput(name, f"must be one of 0, 1, true, false, got {value!r}")
    return text in ("1", "true")


def _read_choice(name: str, value: Any, choices: tuple[str, ...]) -> str:
    text = str(value).strip().lower()
    exact = [c for c in choices if c.lower() == text]
    begun = [c for c in choices if text and c.lower().startswith(text)]
    if len(exact or begun) != 1:
        raise InvalidInput(name, f"must be one of {', '.join(choices)}, got {value!r}")
    return (exact or begun)[0]


Options = Mapping[str, Any]


class Named(Protocol):
    """What every model says of itself, whatever it does.

    A model that does not run everywhere has a classmethod `missing() -> str | None` as well, which says what would
    make it run here; one with weights to fetch has a classmethod `pull(progress) -> Path`, one that can be written in a
    form that runs without its library a classmethod `export() -> Path`. A name that stands for
    another model has a classmethod `stands_for() -> type[Named]`, asked at the start and at a reload. One that
    remembers has a method `new_state()`: each worker keeps what it returns and gives it as a last argument to every
    call.
    """

    name: ClassVar[str]
    aliases: ClassVar[tuple[str, ...]]
    kind: ClassVar[Kind]
    description: ClassVar[str]
    license: ClassVar[str]
    limits: ClassVar[Limits]
    options: ClassVar[Mapping[str, Option]]


class Model(Named, Protocol):
    """A forecaster. `forecast` is a plain function of its arguments, which it never changes.

    It gets at least `limits.min_context` points a row, no missing value unless `limits.missing`, and options that
    are complete and of the declared types; so do the other kinds. It returns quantiles at exactly `levels`
    (ascending) or None.
    """

    def forecast(self, batch: Batch, horizon: int, levels: tuple[float, ...], options: Options) -> Forecast: ...


class Detector(Named, Protocol):
    """Labels every point of every row."""

    def detect(self, batch: Batch, options: Options) -> Detection: ...


class Imputer(Named, Protocol):
    """Fills every gap of every row and keeps what was seen; rows have gaps, so `limits.missing` is True."""

    def impute(self, batch: Batch, options: Options) -> Imputation: ...


class Correlator(Named, Protocol):
    """Compares row i of `first` with row i of `second`; one answer for each pair."""

    def correlate(self, first: Batch, second: Batch, options: Options) -> tuple[Correlation, ...]: ...


def nothing() -> str | None:
    """What most models need to run."""
    return None


@dataclass(frozen=True, slots=True)
class Entry:
    """What the registry knows of a model without running it; `target` is the entry-point string of its class.

    `missing()` says what would make it run here, or None where it can; `pull` fetches its weights, if it has some,
    `export` writes them in another form.
    `stands_for` names the model that answers where that is another one, whose target, limits and options these are.
    """

    name: str
    target: str
    kind: Kind
    aliases: tuple[str, ...]
    description: str
    license: str
    limits: Limits
    options: Mapping[str, Option]
    missing: Callable[[], str | None] = nothing
    pull: Callable[..., Path] | None = None
    export: Callable[[], Path] | None = None
    stands_for: str = ""

    @property
    def title(self) -> str:
        """The name, and the model that it stands for."""
        return f"{self.name} ({self.stands_for})" if self.stands_for else self.name

    @property
    def label(self) -> str:
        """What answers say of the model where it does not say more of itself."""
        return self.name

    def read_options(self, given: Options) -> dict[str, Any]:
        """All options of the model: the given ones checked, the others at their defaults. Keys may be in any case.

        Unknown keys are errors.
        """
        read: dict[str, Any] = {}
        for written, value in given.items():
            key = self.option_key(written)
            if key is None:
                raise UnknownName(f"option of {self.name}", written, self.options, written)
            if key in read:
                raise InvalidInput(key, "is given twice")
            read[key] = self.options[key].read(key, value)
        return {key: read.get(key, option.default) for key, option in self.options.items()}

    def option_key(self, written: str) -> str | None:
        """The option that a key in any case names; None if there is none."""
        return next((key for key in self.options if key.lower() == written.lower()), None)


@dataclass(slots=True)
class Registry:
    """Names of one kind are unique and looked up in any case; `broken` says which entry points failed, and why.

    `twice` are the names that two installed models have. In Python the first of them answers; a server does not start.
    """

    _by_name: dict[tuple[Kind, str], Entry] = field(default_factory=dict)
    broken: dict[str, str] = field(default_factory=dict)
    twice: list[NameTwice] = field(default_factory=list)
    _places: dict[str, str] = field(default_factory=dict)
    """Where the entry point of a name leads."""
    _standing: list[type[Named]] = field(default_factory=list)
    """Models whose names stand for others."""

    def register(self, model: type[Named]) -> Entry:
        if hasattr(model, "stands_for"):
            self._standing.append(model)
        return self.add(_entry_of(model))

    def resolve(self) -> None:
        """Read the settings anew, and ask again which models the names mean that stand for others."""
        settings.cache_clear()
        for model in self._standing:
            entry = _entry_of(model)
            self._by_name.update({(entry.kind, name.lower()): entry for name in (entry.name, *entry.aliases)})

    def add(self, entry: Entry) -> Entry:
        """Register what is no class here, such as a server elsewhere."""
        for name in (entry.name, *entry.aliases):
            other = self._by_name.get((entry.kind, name.lower()))
            if other is not None and other.target != entry.target:
                raise NameTwice(entry.kind, name, other.target, entry.target)
        for name in (entry.name, *entry.aliases):
            self._by_name[entry.kind, name.lower()] = entry
        return entry

    def beneath(self, entries: Iterable[Entry]) -> Registry:
        """A registry where the names of `entries` hide those that are here; what loses its name goes by an alias."""
        above = {(entry.kind, entry.name.lower()): entry for entry in entries}
        found = Registry(dict(above), self.broken, _places=self._places)
        for entry in self._by_name.values():
            names = [name for name in (entry.name, *entry.aliases) if (entry.kind, name.lower()) not in above]
            if names:
                found.add(replace(entry, name=names[0], aliases=tuple(names[1:])))
        return found

    def find(self, name: str, kind: Kind | None = "forecast") -> Entry:
        """The entry of a name or alias that can run here; NotAvailable says what would make it run.

        Without a kind it is that of any, a forecaster first.
        """
        entry = self.lookup(name, kind)
        if (needed := entry.missing()) is not None:
            raise NotAvailable(f"{entry.name} cannot run here: {needed}")
        return entry

    def lookup(self, name: str, kind: Kind | None = "forecast") -> Entry:
        """The entry of a name or alias, in any case, whether it can run or not; UnknownName lists those that can."""
        if not isinstance(name, str):
            raise InvalidInput("model", f"must be a name, got {name!r}")
        entry = next((e for e in self.named(name) if kind in (None, e.kind)), None)
        if entry is None and (place := self._places.get(name.strip().lower())) in self.broken:
            raise NotAvailable(f"{name} cannot run here: {place} could not be loaded ({self.broken[place]})")
        if entry is None:
            what = f"{kind} model" if kind else "model"
            raise UnknownName(what, name, [e.name for e in self.entries(kind)], "model")
        return entry

    def named(self, name: str) -> list[Entry]:
        """The entries of a name or alias, in any case, of every kind, whether they can run or not."""
        key = name.strip().lower()
        return [self._by_name[kind, key] for kind in VERBS if (kind, key) in self._by_name]

    def sizes(self, family: str) -> dict[str, Entry]:
        """The forecasters called `family` and something (timemoe-50m), by that, whether they can run here or not."""
        named = {key: entry for (kind, key), entry in self._by_name.items() if kind == "forecast"}
        return {key.removeprefix(f"{family}-"): e for key, e in named.items() if key.startswith(f"{family}-")}

    def able(self, deed: Literal["pull", "export"]) -> str:
        """Names of the models that have weights to `pull` or a form to `export`, whether they can run here or not."""
        return ", ".join(sorted({e.name for e in self._by_name.values() if getattr(e, deed)}))

    def no_covariates(self, entry: Entry) -> InvalidInput:
        """The error of covariates for a model that takes none; it names those that do."""
        return InvalidInput("covariates", f"{entry.name} takes none; {self.about_covariates()}")

    def about_covariates(self) -> str:
        """Which models take covariates."""
        takers = [entry.name for entry in self.entries("forecast") if entry.limits.covariates]
        return f"those that take some: {', '.join(takers)}" if takers else "no model here takes any"

    def entries(self, kind: Kind | None = None) -> list[Entry]:
        """All entries that can run here, or those of one kind, by name."""
        known = {(e.kind, e.name): e for e in self._by_name.values() if kind in (None, e.kind)}
        return [known[key] for key in sorted(known) if known[key].missing() is None]

    def all_entries(self) -> list[Entry]:
        """All that is registered, whether it can run here or not, by name."""
        return sorted({e.target: e for e in self._by_name.values()}.values(), key=lambda e: (e.kind, e.name))

    def discover(self) -> Registry:
        """Register what the installed packages offer. A module that fails is noted in `broken`, the others go on."""
        for point in metadata.entry_points(group=GROUP):
            self._places[point.name.lower()] = point.value
            with self._noting(point.value):
                self._add(point.load())
        return self

    def _add(self, found: object) -> None:
        """A class, the classes of a module, or those of each module of a package."""
        if isinstance(found, type):
            self.register(cast(type[Named], found))
        elif isinstance(found, ModuleType):
            for name in [m.name for m in pkgutil.iter_modules(getattr(found, "__path__", []))]:
                path = f"{found.__name__}.{name}"
                with self._noting(path):
                    self._add(importlib.import_module(path))
            for value in list(vars(found).values()):
                if isinstance(value, type) and value.__module__ == found.__name__ and "kind" in vars(value):
                    self.register(cast(type[Named], value))
        else:
            raise ForetellError(f"an entry point of {GROUP} must name a class or a package, got {found!r}")

    @contextmanager
    def _noting(self, place: str) -> Iterator[None]:
        try:
            yield
        except Exception as error:
            self.broken[place] = f"{type(error).__name__}: {error}"
            self.twice += [error] if isinstance(error, NameTwice) else []


def _entry_of(model: type[Named]) -> Entry:
    meant: type[Named] = getattr(model, "stands_for", lambda: model)()
    other = meant is not model
    return Entry(
        name=model.name,
        target=f"{meant.__module__}:{meant.__qualname__}",
        kind=model.kind,
        aliases=tuple(model.aliases),
        description=f"{model.description}: {meant.name}, {meant.description}" if other else model.description,
        license=meant.license,
        limits=meant.limits,
        options=dict(meant.options),
        missing=getattr(meant, "missing", nothing),
        pull=getattr(model, "pull", None),
        export=getattr(model, "export", None),
        stands_for=meant.name if other else "",
    )


@cache
def registry() -> Registry:
    """The registry of this process, filled at first use."""
    return Registry().discover()


def load(target: str) -> Any:
    """A new instance of the model class that an entry-point string names. Its own ImportError comes through."""
    module_name, _, attribute = target.partition(":")
    model: Any = importlib.import_module(module_name)
    for part in attribute.split("."):
        model = getattr(model, part)
    return model()


def pull(name: str, progress: Callable[[int, int], None] | None = None) -> Path:
    """Bring the weights of a model onto this machine, and say where they lie; `progress` gets bytes done and all."""
    entry = registry().lookup(name)
    if entry.pull is None:
        raise InvalidInput("name", f"{entry.name} has no weights to fetch (known: {registry().able('pull')})")
    return entry.pull(progress)


def export(name: str) -> Path:
    """Write a model in the form that its `execution` option knows, and say where it lies."""
    entry = registry().lookup(name)
    if entry.export is None:
        raise InvalidInput("name", f"{entry.name} has no other form (known: {registry().able('export')})")
    return entry.export()


def require(module: str, extra: str) -> ModuleType:
    """Import an optional library, or say which extra brings it."""
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name != module.partition(".")[0]:
            raise
        raise NotAvailable(f"{module} is not installed; pip install 'foretell[{extra}]'") from None
