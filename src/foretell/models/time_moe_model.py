"""The names under which Time-MoE forecasts: `timemoe-200m`, `-50m`, `-mini` and, for whichever is there, `timemoe-fc`.

The network is in time_moe.py; torch is imported only when a forecast is asked for, and never for `timemoe-mini`, whose
weights come with the package and which runs in time_moe_numpy.py. A forecast is made as TDgpt's model server makes it:
each series scaled by its own mean and standard deviation (ddof = 1), generated greedily in float32, scaled back; a
constant series is continued.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Protocol

import numpy as np

from foretell.errors import InvalidInput, NotAvailable
from foretell.models.checkpoint import fingerprint, is_complete, load, read_config
from foretell.models.cycles import Changes, close_cycle
from foretell.models.published import Published
from foretell.models.rolling import Rolling
from foretell.models.time_moe_numpy import NumpyTimeMoe
from foretell.models.time_moe_onnx import OnnxTimeMoe, is_exported
from foretell.models.time_moe_rolling import Roll
from foretell.registry import Kind, Limits, Named, Option, Options, nothing, require
from foretell.series import ALL_MISSING, CONSTANT, NON_FINITE, OK, Batch, FloatArray, Forecast
from foretell.settings import settings

if TYPE_CHECKING:
    from torch import Tensor

    from foretell.models.hub import Progress
    from foretell.models.recorded_torch import Recorded
    from foretell.models.time_moe import Group, TimeMoe

TOGETHER = {"cpu": 4096, "cuda": 65536}
"""Points of context that run at once; beyond, the cache of keys and values grows and nothing gets faster."""

SMALL = Published(
    "timemoe-50m", "Maple728/TimeMoE-50M", ("timemoe-50m", "timemoe"), {"model_type": "time_moe", "hidden_size": 384}
)
LARGE = Published(
    "timemoe-200m", "Maple728/TimeMoE-200M", ("timemoe-200m", "timemoe"), {"model_type": "time_moe", "hidden_size": 768}
)


MINI = Path(__file__).parent / "weights" / "timemoe-mini"
MINI_CONTEXT = 512
"""The longest context that timemoe-mini was trained on."""


class _Forecaster:
    """What the published sizes share: `published` says whose weights."""

    name: ClassVar[str]
    published: ClassVar[Published]
    aliases: ClassVar[tuple[str, ...]] = ()
    license: ClassVar[str] = "Apache-2.0"
    limits: ClassVar[Limits]
    options: ClassVar[Mapping[str, Option]] = {
        "norm": Option(
            "instance",
            "scale each series by its own mean and standard deviation (instance), feed it as it is (none), or keep the "
            "scale of an earlier forecast of the series, so that only its new points are computed (fixed)",
            choices=("instance", "none", "fixed"),
        ),
        "head": Option(
            "greedy",
            "the largest output head that fits into the rest (greedy, as published), or the smallest that covers it "
            "(covering: fewer steps, other numbers)",
            choices=("greedy", "covering"),
        ),
        "precision": Option(
            "fp32",
            "fp32; int8 on CPUs (faster, not the same numbers); bf16 for GPUs that have it (slow on CPUs)",
            choices=("fp32", "int8", "bf16"),
        ),
        "execution": Option(
            "auto",
            "torch; onnx, by ONNX Runtime with what `foretell models export` wrote (faster on CPUs, fp32, the same "
            "numbers); graphs, torch with recorded CUDA graphs (precision bf16 on a GPU; never measured); auto takes "
            "onnx where it is there",
            choices=("auto", "torch", "onnx", "graphs"),
        ),
    }

    def __init__(self) -> None:
        self._source = self.source()

    @classmethod
    def missing(cls) -> str | None:
        """What would make this model run here; None where it can."""
        source = cls.source()
        folder = source.folder()
        if importlib.util.find_spec("torch") is None and (folder is None or not is_exported(folder)):
            return "torch is not installed; pip install 'foretell[torch]'"
        if folder is None:
            state = f"are damaged ({damage})" if (damage := source.damage()) else "are not on this machine"
            return f"its weights {state}; foretell models pull {source.name}, or {source.how_to_place()}"
        return None

    @classmethod
    def source(cls) -> Published:
        """The published weights behind the name."""
        return cls.published

    @classmethod
    def pull(cls, progress: Progress | None = None) -> Path:
        """Download the weights, unless they are there; the folder that holds them."""
        from foretell.models import hub

        return hub.pull(cls.source(), progress)

    @classmethod
    def export(cls) -> Path:
        """Write the network as an ONNX graph beside its weights."""
        from foretell.models import time_moe_export

        source = cls.source()
        if (folder := source.folder()) is None:
            raise NotAvailable(f"{cls.name} cannot be exported: {cls.missing()}")
        try:
            return time_moe_export.export(folder)
        except OSError as error:
            raise NotAvailable(f"cannot write into {folder}: {error.strerror}") from None

    def warm(self) -> None:
        """Load the network, in the form that answers where no option says otherwise."""
        if (folder := self._source.folder()) is not None:
            network_of(folder, {name: option.default for name, option in self.options.items()})

    @classmethod
    def new_state(cls) -> Rolling:
        """What a worker keeps for this model between calls."""
        return Rolling(settings().rolling_mb << 20)

    def forecast(
        self,
        batch: Batch,
        horizon: int,
        levels: tuple[float, ...],  # noqa: ARG002
        options: Options,
        state: Rolling | None = None,
    ) -> Forecast:
        """Point forecasts; bounds are the engine's. Rows are finite, or get the status that says what they are.

        Only norm=fixed looks at `state`; the details then say which scale and how much context each row had.
        """
        folder = self._source.folder()
        if folder is None:
            raise NotAvailable(f"{self.name} cannot run here: {self.missing()}")
        model = network_of(folder, options)
        label = f"{self._source.label(folder)}@{model.fingerprint}"
        if options["norm"] != "fixed":
            point, status = answer(batch, horizon, options, model.generate, TOGETHER[model.device])
            return Forecast(point, None, (), status, label)
        point, status, ready = begin(batch, horizon)
        roll = Roll(model, options, Rolling(0) if state is None else state, self.limits.max_context, scale)
        details = roll.forecast(batch, ready, point, TOGETHER[model.device])
        return Forecast(point, None, (), status, label, tuple(details.get(i, {}) for i in range(len(batch))))


class TimeMoe50M(_Forecaster):
    name: ClassVar[str] = "timemoe-50m"
    kind: ClassVar[Kind] = "forecast"
    description: ClassVar[str] = "Time-MoE base, 113 million parameters of which 50 million work on a point"
    limits: ClassVar[Limits] = Limits(
        max_context=4096,
        max_horizon=1024,
        intervals=False,
        cost=1200.0,
        together=TOGETHER["cpu"],
        shift_equivariant=True,
    )
    published: ClassVar[Published] = SMALL


class TimeMoe200M(_Forecaster):
    name: ClassVar[str] = "timemoe-200m"
    kind: ClassVar[Kind] = "forecast"
    description: ClassVar[str] = "Time-MoE large, 453 million parameters of which 198 million work on a point"
    limits: ClassVar[Limits] = Limits(
        max_context=4096,
        max_horizon=1024,
        intervals=False,
        cost=4800.0,
        together=TOGETHER["cpu"],
        shift_equivariant=True,
    )
    published: ClassVar[Published] = LARGE


class TimeMoeMini:
    """The small one that comes with the package; in NumPy, so that it runs wherever foretell does."""

    name: ClassVar[str] = "timemoe-mini"
    aliases: ClassVar[tuple[str, ...]] = ()
    kind: ClassVar[Kind] = "forecast"
    description: ClassVar[str] = "a small Time-MoE trained by this project (not published weights), built in"
    license: ClassVar[str] = "Apache-2.0"
    limits: ClassVar[Limits] = Limits(
        max_context=MINI_CONTEXT, max_horizon=1024, intervals=False, cost=35.0, shift_equivariant=True
    )
    options: ClassVar[Mapping[str, Option]] = {
        "norm": Option(
            "cycles",
            "scale each series by its own mean and standard deviation (instance), feed it as it is (none), or as "
            "instance, but of a series that repeats itself closely take the changes from cycle to cycle (cycles)",
            choices=("cycles", "instance", "none"),
        ),
        "head": _Forecaster.options["head"],
    }

    @classmethod
    def missing(cls) -> str | None:
        """Nothing, unless somebody left the weights out of the package."""
        return None if is_complete(MINI, {"model_type": "time_moe"}) else f"its weights are not in {MINI}"

    def forecast(self, batch: Batch, horizon: int, levels: tuple[float, ...], options: Options) -> Forecast:  # noqa: ARG002
        """As the published sizes do."""
        point, status = answer(batch, horizon, options, mini().generate, TOGETHER["cpu"])
        return Forecast(point, None, (), status, mini_label())


SIZES: Mapping[str, type[Named]] = {"200m": TimeMoe200M, "50m": TimeMoe50M, "mini": TimeMoeMini}
"""What the setting `timemoe_fc` can name, the largest first."""


class TimeMoeFc:
    """TDgpt's name. The setting `timemoe_fc` says which size answers; `auto` is the largest that can run here."""

    name: ClassVar[str] = "timemoe-fc"
    aliases: ClassVar[tuple[str, ...]] = ()
    kind: ClassVar[Kind] = "forecast"
    description: ClassVar[str] = "Time-MoE by TDgpt's name (setting timemoe_fc)"
    license: ClassVar[str] = "Apache-2.0"
    limits: ClassVar[Limits] = TimeMoe200M.limits
    options: ClassVar[Mapping[str, Option]] = _Forecaster.options

    @classmethod
    def stands_for(cls) -> type[Named]:
        """The model that answers to the name; this class itself where the setting names none."""
        chosen = settings().timemoe_fc.lower()
        if chosen == "auto":
            return next((size for size in SIZES.values() if getattr(size, "missing", nothing)() is None), TimeMoe200M)
        return SIZES.get(chosen, cls)

    @classmethod
    def missing(cls) -> str | None:
        """What is wrong with the setting, asked where it names no model."""
        return f"the setting timemoe_fc is {settings().timemoe_fc!r}; known here: auto, {', '.join(SIZES)}"

    @classmethod
    def pull(cls, progress: Progress | None = None) -> Path:
        """Download the size that the setting names, or the larger one unless a published one is there."""
        meant = cls.stands_for()
        return (meant if issubclass(meant, _Forecaster) else TimeMoe200M).pull(progress)


class Generate(Protocol):
    """Scaled contexts, each [T >= 1] -> the next values [B, horizon]."""

    def __call__(self, contexts: Sequence[FloatArray], horizon: int, covering: bool, /) -> FloatArray: ...


def begin(batch: Batch, horizon: int) -> tuple[FloatArray, tuple[str, ...], list[int]]:
    """Points [B, horizon], NaN but for constant rows, which are continued; statuses; the rows that need the network."""
    rows = batch.rows()
    status = tuple(_status(row) for row in rows)
    point = np.full((len(rows), horizon), np.nan)
    for i, row in enumerate(rows):
        if status[i] == CONSTANT:
            point[i] = row[-1]
    return point, status, [i for i, state in enumerate(status) if state == OK]


def answer(
    batch: Batch, horizon: int, options: Options, generate: Generate, budget: int
) -> tuple[FloatArray, tuple[str, ...]]:
    """Points [B, horizon] and statuses: rows are scaled, answered in chunks of at most `budget` points, scaled back."""
    rows = batch.rows()
    point, status, ready = begin(batch, horizon)
    scales = {i: in_units(rows[i], options["norm"]) for i in ready}
    for chunk in together(ready, [len(row) for row in rows], budget):
        made = generate([scales[i].apply(rows[i]) for i in chunk], horizon, options["head"] == "covering")
        for i, values in zip(chunk, made, strict=True):
            point[i] = scales[i].undo(values)
    return point, status


@dataclass(frozen=True, slots=True)
class Scale:
    """z = (x - mean) / spread and back, in float64."""

    mean: float
    spread: float

    def apply(self, values: FloatArray) -> FloatArray:
        return (values - self.mean) / self.spread

    def undo(self, values: FloatArray) -> FloatArray:
        return values * self.spread + self.mean


def in_units(values: FloatArray, norm: str) -> Scale | Changes:
    """How a series [T >= 2] is fed: with norm=cycles by its changes where it has a close cycle."""
    period = close_cycle(values) if norm == "cycles" else 0
    return Changes.of(values, period) if period else scale(values, "none" if norm == "none" else "instance")


def scale(values: FloatArray, norm: str) -> Scale:
    """Mean and standard deviation (ddof = 1) of a series [T >= 2], or nothing of the kind."""
    if norm == "none":
        return Scale(0.0, 1.0)
    return Scale(float(values.mean()), float(values.std(ddof=1)))


@dataclass(frozen=True, slots=True)
class Loaded:
    """A network ready to answer on `device`."""

    network: TimeMoe
    device: str
    fingerprint: str
    recorded: Recorded | None = None

    def generate(self, contexts: Sequence[FloatArray], horizon: int, covering: bool) -> FloatArray:
        """Scaled contexts, each [T >= 1] -> [B, horizon]."""
        network = self.network if self.recorded is None else self.recorded
        made: FloatArray = network.generate(self._tensors(contexts), horizon, covering).double().cpu().numpy()
        return made

    def resume(self, caches: Sequence[Group], fresh: Sequence[FloatArray], horizon: int, covering: bool) -> FloatArray:
        """Scaled new points, each [T >= 1], of series that have caches -> [B, horizon]."""
        tensors = self._tensors(fresh)
        made: FloatArray = self.network.resume(caches, tensors, horizon, covering).double().cpu().numpy()
        return made

    def new_cache(self) -> Group:
        """That of a series of which nothing has been seen."""
        from foretell.models.time_moe import Group

        return Group(1, 0)

    def _tensors(self, rows: Sequence[FloatArray]) -> list[Tensor]:
        torch = require("torch", "torch")
        return [torch.from_numpy(row.astype(np.float32)).to(self.device) for row in rows]


def network_of(folder: Path, options: Options) -> Loaded | OnnxTimeMoe:
    """The network of a folder in the form that the options ask for."""
    precision, execution = options["precision"], options["execution"]
    if execution == "onnx" and precision != "fp32":
        raise InvalidInput("precision", "execution onnx computes in fp32 only")
    if execution == "onnx" and not is_exported(folder):
        raise NotAvailable("execution onnx needs `foretell models export NAME` and pip install 'foretell[onnx]'")
    if execution == "onnx" or (execution == "auto" and precision == "fp32" and is_exported(folder) and not has_gpu()):
        return exported(folder)
    if execution == "graphs":
        return recorded(loaded(folder, precision), precision)
    return loaded(folder, precision)


@cache
def recorded(model: Loaded, precision: str) -> Loaded:
    """The same network, its generations recorded on the GPU."""
    if model.device != "cuda" or precision != "bf16":
        raise NotAvailable("execution graphs needs a GPU and precision bf16")
    from foretell.models.recorded_torch import Recorded

    return replace(model, recorded=Recorded(model.network))


def has_gpu() -> bool:
    """Whether there is one that torch may use, without importing it."""
    return importlib.util.find_spec("torch") is not None and any(Path("/dev").glob("nvidia[0-9]*"))


@cache
def exported(folder: Path) -> OnnxTimeMoe:
    """The exported network of a folder; one per process."""
    return OnnxTimeMoe.read(folder)


@cache
def loaded(folder: Path, precision: str = "fp32") -> Loaded:
    """The network of a folder, on the GPU if there is one; one per process. bf16 files become float32 exactly."""
    torch = require("torch", "torch")
    from foretell.models.layers import can_quantise
    from foretell.models.time_moe import TimeMoe
    from foretell.models.time_moe_shape import Shape

    device = "cuda" if torch.cuda.is_available() else "cpu"
    if precision == "int8" and (device == "cuda" or not can_quantise()):
        raise NotAvailable("precision int8 needs a CPU and a PyTorch with oneDNN; fp32 runs everywhere")
    network = TimeMoe(Shape.read(read_config(folder)))
    load(network.published(), folder)
    if precision == "bf16":
        network.compute_dtype = torch.bfloat16
    network = network.requires_grad_(False).to(device, network.compute_dtype)
    if device == "cpu":
        network.pack(eight_bits=precision == "int8")
    return Loaded(network, device, fingerprint(folder))


@cache
def mini() -> NumpyTimeMoe:
    """The network of timemoe-mini, read at first use."""
    return NumpyTimeMoe.read(MINI)


@cache
def mini_label() -> str:
    """What timemoe-mini calls itself in an answer."""
    return f"{TimeMoeMini.name}@{fingerprint(MINI)}"


def together(rows: Sequence[int], lengths: Sequence[int], budget: int) -> Iterator[list[int]]:
    """`rows` by length, in chunks of at most `budget` points or of one row."""
    chunk: list[int] = []
    points = 0
    for row in sorted(rows, key=lambda i: lengths[i]):
        if chunk and points + lengths[row] > budget:
            yield chunk
            chunk, points = [], 0
        chunk.append(row)
        points += lengths[row]
    if chunk:
        yield chunk


def _status(values: FloatArray) -> str:
    if np.isnan(values).all():
        return ALL_MISSING
    if not np.isfinite(values).all():
        return NON_FINITE
    return CONSTANT if (values == values[0]).all() else OK
