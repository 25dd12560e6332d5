"""What foretell-small costs on one core, against plain matrix products of the same size in the same run.

OMP_NUM_THREADS=1 python -m benchmarks.small        writes docs/benchmarks/small.md
"""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")  # before NumPy is imported

import numpy as np  # noqa: E402

from foretell.models.foretell_small import DEFAULTS, TOGETHER, ForetellSmall, built_in  # noqa: E402
from foretell.models.hybrid.arrays import NUMPY  # noqa: E402
from foretell.models.hybrid.candidates import COUNT  # noqa: E402
from foretell.models.hybrid.features import FINE, PATCH, SUMMARY, make_features  # noqa: E402
from foretell.series import Batch, FloatArray, Series, batch_of  # noqa: E402

PAGE = Path(__file__).parent.parent / "docs" / "benchmarks" / "small.md"
CONTEXT, HORIZON = 512, 96
BATCHES = (256, 16, 1)
ROUNDS = 12
MOE_ROWS, MOE_ROUNDS = 8, 3
"""Series at once, in 4,096 points, and rounds of the comparison with Time-MoE."""


@dataclass(frozen=True, slots=True)
class Row:
    """Milliseconds a series at one batch size: the whole forecast, features, network, and bare matrix products."""

    batch: int
    whole: float
    features: float
    network: float
    products: float


def series(rows: int) -> FloatArray:
    """[rows, CONTEXT] seasons and noise."""
    random = np.random.default_rng(0)
    period = random.choice([7, 12, 24, 96], rows)[:, None]
    wave = np.sin(2 * np.pi * np.arange(CONTEXT) / period) * random.uniform(0, 2, (rows, 1))
    values: FloatArray = wave + random.normal(size=(rows, CONTEXT)).cumsum(1) * 0.1 + random.normal(size=wave.shape)
    return values


def fastest(work: Callable[[], object], rows: int) -> float:
    """Milliseconds a row, the best of ROUNDS: the machine's other work must not count."""
    times = []
    for _ in range(ROUNDS if rows > 1 else 10 * ROUNDS):
        begin = time.perf_counter()
        work()
        times.append(time.perf_counter() - begin)
    return 1000 * min(times) / rows


def products(rows: int) -> Callable[[], object]:
    """The network's matrix products alone, as (tokens, in, out), at the shapes of a batch."""
    shape = built_in().shape
    d, inner, levels = shape.width, shape.inner, len(shape.levels)
    ahead = HORIZON // PATCH
    context = 1 + FINE // PATCH + CONTEXT // 256
    tokens = context + ahead
    sizes = [(FINE // PATCH, 3 * PATCH, d), (ahead + 3, PATCH * COUNT, d), (1, SUMMARY, d), (1, d, d)]
    for layer in range(shape.depth):
        kept = ahead if layer == shape.depth - 1 else tokens
        sizes += [(tokens, d, 3 * d), (kept, d, d), (kept, d, inner), (kept, inner, d)]
    sizes += [(ahead, d, 2 * COUNT), (ahead, d, PATCH * levels)]
    made = [(np.ones((n * rows, a), np.float32), np.ones((a, b), np.float32)) for n, a, b in sizes]
    return lambda: [x @ w for x, w in made]


def measure(rows: int) -> Row:
    model, batch = ForetellSmall(), batch_of([Series(x) for x in series(rows)])
    together = min(rows, TOGETHER)
    z = series(together).astype(np.float32)
    known, patches = np.ones_like(z, bool), np.arange(HORIZON // PATCH)
    seen = make_features(NUMPY, z, known, patches, HORIZON)
    return Row(
        rows,
        fastest(lambda: _forecast(model, batch), rows),
        fastest(lambda: make_features(NUMPY, z, known, patches, HORIZON), together),
        fastest(lambda: built_in()(seen), together),
        fastest(products(together), together),
    )


def _forecast(model: ForetellSmall, batch: Batch) -> object:
    return model.forecast(batch, HORIZON, (0.1, 0.5, 0.9), DEFAULTS)


def time_moe() -> float:
    """Milliseconds a series of our Time-MoE-50M (random weights: they cost what the published ones cost)."""
    import torch

    from benchmarks.time_moe import CONFIG
    from foretell.models.time_moe import TimeMoe
    from foretell.models.time_moe_shape import Shape

    torch.set_num_threads(1)
    network = TimeMoe(Shape.read(CONFIG)).initialise(0).requires_grad_(False).pack()
    rows = [torch.from_numpy(x).float() for x in series(MOE_ROWS)]
    times = []
    for _ in range(MOE_ROUNDS):
        begin = time.perf_counter()
        network.generate(rows, HORIZON)
        times.append(time.perf_counter() - begin)
    return 1000 * min(times) / MOE_ROWS


def page(rows: list[Row], moe: float) -> str:
    """The table with what it was measured on."""
    head = "| batch | series/s | ms a series | features | network | its matrix products alone | whole / products |"
    lines = [
        "# What foretell-small costs",
        "",
        f"Context {CONTEXT}, horizon {HORIZON}, one core, three quantile levels; best of {ROUNDS}. Features, network",
        f"and matrix products: milliseconds a series inside a chunk of at most {TOGETHER} rows.",
        "Written by `python -m benchmarks.small`.",
        "",
        head,
        "|---|---|---|---|---|---|---|",
    ]
    for r in rows:
        figures = f"{r.whole:.2f} | {r.features:.2f} | {r.network:.2f} | {r.products:.2f} | {r.whole / r.products:.1f}"
        lines.append(f"| {r.batch} | {1000 / r.whole:.0f} | {figures} |")
    crowd = max(rows, key=lambda r: r.batch)
    lines += [
        "",
        f"Our Time-MoE-50M (random weights, batch {MOE_ROWS}) at the same context and horizon, in the same run:",
        f"{moe:.0f} ms a series, **{moe / crowd.whole:.0f} times** as much as foretell-small at batch {crowd.batch}.",
    ]
    return "\n".join(
        [*lines, "", f"{platform.machine()}, Python {platform.python_version()}, NumPy {np.__version__}", ""]
    )


def main() -> None:
    text = page([measure(rows) for rows in BATCHES], time_moe())
    PAGE.parent.mkdir(parents=True, exist_ok=True)
    PAGE.write_text(text)
    print(text)


if __name__ == "__main__":
    main()
