"""How fast Time-MoE is on one core, as ratios within one run; writes docs/benchmarks/time-moe.md.

The network has the shape of the 50M one and random weights, made here. Everything is CPU time of this process
(time.process_time), because the machine may be shared; variants take turns, and each figure is the median of the
ratios of neighbours. The physical limit is the time that plain matrix products need for the model's active FLOPs: 2 per
parameter that works on a point, for every point that goes in, attention not counted. The rate is that of products
[512, 384] x [384, 1536], plain or packed, whichever is faster, measured before every run.

    python -m benchmarks.time_moe              about ten minutes on a quiet core
    python -m benchmarks.time_moe --quick      one repeat, for a look
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

PAGE = Path(__file__).parents[1] / "docs" / "benchmarks" / "time-moe.md"
CASES = ((96, 16, 5), (512, 96, 3), (2048, 96, 2))
"""Context, horizon, repeats."""
TOGETHER = 16
EXECUTIONS = ("torch", "onnx")
ROLLING = ((512, 1), (512, 32), (512, 64), (512, 96), (96, 16))
"""Window and horizon of a series that goes on by one point."""
CROWDS = {"ours": "16 together", "onnx": "16 together, onnx", "int8": "16 together, int8"}
MALLOC = {
    "glibc's defaults": {},
    "MALLOC_MMAP_THRESHOLD_=1G, MALLOC_TRIM_THRESHOLD_=4G": {
        "MALLOC_MMAP_THRESHOLD_": str(1 << 30),
        "MALLOC_TRIM_THRESHOLD_": str(1 << 32),
    },
}
CONFIG = {
    "model_type": "time_moe",
    "hidden_size": 384,
    "num_hidden_layers": 12,
    "num_attention_heads": 12,
    "num_key_value_heads": 12,
    "intermediate_size": 1536,
    "num_experts": 8,
    "num_experts_per_tok": 2,
    "horizon_lengths": [1, 8, 32, 64],
}
Job = Callable[[], Any]


def make_random(folder: Path) -> None:
    """A checkpoint folder of the 50M shape. Router rows are wide enough that all experts get tokens."""
    import torch
    from safetensors.torch import save_file

    from foretell.models.time_moe import TimeMoe
    from foretell.models.time_moe_shape import Shape

    network = TimeMoe(Shape.read(CONFIG)).initialise(0)
    tensors = {}
    for name, parameter, index in network.published():
        tensor = parameter.data[index].clone()
        if name.endswith("ffn_layer.gate.weight"):
            tensor *= 10
        tensors[name] = tensor.to(torch.bfloat16).contiguous()
    folder.mkdir(parents=True)
    save_file(tensors, folder / "model.safetensors")
    (folder / "config.json").write_text(json.dumps(CONFIG))


def cpu(job: Job) -> float:
    start = time.process_time()
    job()
    return time.process_time() - start


def measure(folder: Path, quick: bool) -> dict[str, Any]:
    """All cases in this process, with the allocator as it was started."""
    import torch
    from tests.models.time_moe.plain import Plain, published_tensors

    from foretell.models.checkpoint import load
    from foretell.models.time_moe import TimeMoe, active_flops
    from foretell.models.time_moe_onnx import OnnxTimeMoe
    from foretell.models.time_moe_shape import Shape, schedule

    torch.set_num_threads(1)
    shape = Shape.read(CONFIG)

    def network() -> TimeMoe:
        made = TimeMoe(shape).requires_grad_(False)
        load(made.published(), folder)
        return made

    plain, packed, int8 = network(), network().pack(), network().pack(eight_bits=True)
    onnx = OnnxTimeMoe.read(folder)
    twin = Plain(shape, published_tensors(plain))
    dice = torch.Generator().manual_seed(1)
    found: dict[str, Any] = {}
    for context, horizon, repeats in CASES:
        rows = [torch.randn(context, generator=dice) for _ in range(TOGETHER)]
        arrays = [row.numpy() for row in rows]
        flops = active_flops(shape, context + sum(schedule(horizon, shape.horizons)[:-1]))
        jobs: dict[str, Job] = {
            "ours": partial(packed.generate, rows[:1], horizon),
            "plain weights": partial(plain.generate, rows[:1], horizon),
            "int8": partial(int8.generate, rows[:1], horizon),
            "onnx": partial(onnx.generate, arrays[:1], horizon),
            "twin": partial(twin.generate, rows[0], horizon),
        }
        if context == CASES[0][0]:
            jobs["16 together"] = partial(packed.generate, rows, horizon)
            jobs["16 together, int8"] = partial(int8.generate, rows, horizon)
            jobs["16 together, onnx"] = partial(onnx.generate, arrays, horizon)
        found[f"{context}/{horizon}"] = take_turns(jobs, 1 if quick else repeats, flops)
        exact, rough = packed.generate(rows[:2], horizon), int8.generate(rows[:2], horizon)
        found[f"{context}/{horizon}"]["int8 error"] = float((rough - exact).norm() / exact.norm())
        print(found, file=sys.stderr)
    return found


def take_turns(jobs: Mapping[str, Job], repeats: int, flops: float) -> dict[str, Any]:
    """Median seconds of each job, and the median of its ratios to the limit and to `ours` of the same round."""
    rounds: list[dict[str, float]] = []
    for _ in range(repeats):
        seconds = {}
        rates = []
        for name, job in jobs.items():
            rates.append(product_rate())
            seconds[name] = cpu(job)
        seconds["limit"] = flops / max(rates)
        rounds.append(seconds)
    return {
        name: {
            "seconds": statistics.median(r[name] for r in rounds),
            "of limit": statistics.median(r["limit"] / r[name] for r in rounds),
            "to ours": statistics.median(r[name] / r["ours"] for r in rounds),
        }
        for name in (*jobs, "limit")
    }


def product_rate() -> float:
    """FLOPs a second of the better of a plain and a packed product."""
    import torch

    from foretell.models.layers import Packed, can_pack

    x, weight = torch.randn(512, 384), torch.randn(1536, 384)
    forms: list[Job] = [partial(torch.nn.functional.linear, x, weight)]
    if can_pack(weight):
        forms.append(partial(Packed(weight), x))
    best = min(cpu(lambda: [form() for _ in range(8)]) / 8 for form in forms for _ in range(2))  # noqa: B023
    return 2 * 512 * 384 * 1536 / best


def measure_bounds(folder: Path, repeats: int) -> dict[str, float]:
    """What conformal bounds cost through the engine, in forecasts without them."""
    from foretell.engine import Engine
    from foretell.models.time_moe_model import TimeMoe50M
    from foretell.registry import Registry
    from foretell.series import Series

    find_weights_in(folder.parent)
    models = Registry()
    models.register(TimeMoe50M)
    engine = Engine(models=models)
    ratios = {}
    for context, horizon, _ in CASES[:2]:
        series = [Series(np.random.default_rng(0).normal(size=context).cumsum())]
        ask = (series, horizon, "timemoe-50m")
        engine.forecast_sync(*ask)
        pairs = []
        for _ in range(repeats):
            with_bounds = cpu(partial(engine.forecast_sync, *ask, levels=(0.1, 0.9)))
            pairs.append((with_bounds, cpu(partial(engine.forecast_sync, *ask))))
        ratios[f"{context}/{horizon}"] = statistics.median(a / b for a, b in pairs)
    engine.close()
    return ratios


def measure_rolling(folder: Path, repeats: int) -> list[dict[str, float]]:
    """What a window that has moved by one point costs with norm=fixed, through the model's own door."""
    import torch

    from foretell.models.rolling import Rolling
    from foretell.models.time_moe_model import TimeMoe50M
    from foretell.series import Series, batch_of

    torch.set_num_threads(1)
    find_weights_in(folder.parent)
    model, state = TimeMoe50M(), Rolling(1 << 30)
    values = np.random.default_rng(0).normal(size=4096).cumsum()
    found = []
    for window, horizon in ROLLING:
        facts: dict[str, float] = {"window": window, "horizon": horizon}
        for execution in EXECUTIONS:
            plain = {"norm": "instance", "head": "greedy", "precision": "fp32", "execution": execution}

            def ask(end: int, options: dict[str, str]) -> Any:
                batch = batch_of([Series(values[end - window : end], id=f"{window}")])  # noqa: B023
                return model.forecast(batch, horizon, (), options, state)  # noqa: B023

            ask(window, plain | {"norm": "fixed"})
            rounds = []
            for end in range(window + 1, window + 1 + 3 * repeats):
                rolled = cpu(partial(ask, end, plain | {"norm": "fixed"}))
                rounds.append((rolled, cpu(partial(ask, end, plain))))
            facts[f"{execution} seconds"] = statistics.median(rolled for rolled, _ in rounds)
            facts[f"{execution} ratio"] = statistics.median(whole / rolled for rolled, whole in rounds)
        found.append(facts)
    return found


def find_weights_in(directory: Path) -> None:
    from foretell.settings import settings

    os.environ["FORETELL_MODEL_DIR"] = str(directory)
    settings.cache_clear()


INTRODUCTION = """# Time-MoE: speed on one core

Written by `python -m benchmarks.time_moe` on {date}; {processor}, one thread, random weights of the 50M shape.
CPU time, medians of rounds in which the variants take turns; machines are shared, so seconds are
rough and ratios are what counts. The limit is the time of plain matrix products of the active FLOPs (attention not
counted, weights in the cache) in the same round. The plain twin computes as the reference implementation does: eager
attention, a loop over the experts, one request at a time. "Ours" is PyTorch with packed weights, as without an export;
"onnx" the exported graph in ONNX Runtime, the same numbers. int8 error: norm of the difference to ours, over ours.
"""
TABLE = """
## {malloc}

| context/next | ours, CPU ms | of limit | onnx, CPU ms | of limit | unpacked | twin takes | int8 gains | its error |
|---|---|---|---|---|---|---|---|---|
{rows}

16 requests of 96/16 together, in requests per CPU second against ours one at a time: {together}; against the
plain twin: {to_twin}.
"""
ROW = (
    "| {case} | {ms:.0f} | {share:.2f} | {onnx_ms:.0f} | {onnx:.2f} | {plain:.2f} | {twin:.2f} x | {int8:.2f} x | "
    "{error:.3f} |"
)
BOUNDS = """
## Bounds

Conformal bounds cost (onnx), in CPU time of the forecast without them: {costs}; at most eight more forecasts.
"""


ROLLED = """
## Series that go on

One new point after a window that has been forecast before, with `norm=fixed`, against forecasting the window anew.
Steps ahead that need a second pass (96 = 64 + 32: the first 64 are fed back) cost that pass either way.

| window | steps ahead | ours, CPU ms | the whole window takes | onnx, CPU ms | the whole window takes |
|---|---|---|---|---|---|
{rows}
"""


def page(
    found: Mapping[str, Mapping[str, Any]], bounds: Mapping[str, float], rolled: Sequence[Mapping[str, float]]
) -> str:
    text = INTRODUCTION.format(date=f"{datetime.now(UTC):%Y-%m-%d}", processor=processor())
    for malloc, cases in found.items():
        first = next(iter(cases.values()))
        twin = first["twin"]["to ours"]
        gains = {name: TOGETHER / first[job]["to ours"] for name, job in CROWDS.items()}
        text += TABLE.format(
            malloc=malloc,
            rows="\n".join(row(case, values) for case, values in cases.items()),
            together=", ".join(f"{name} {gain:.2f} times" for name, gain in gains.items()),
            to_twin=", ".join(f"{name} {gain * twin:.2f} times" for name, gain in gains.items()),
        )
    text += ROLLED.format(rows="\n".join(map(rolled_row, rolled)))
    return text + BOUNDS.format(costs=", ".join(f"{ratio:.1f} times at {case}" for case, ratio in bounds.items()))


def rolled_row(facts: Mapping[str, float]) -> str:
    cells = [f"{facts['window']}", f"{facts['horizon']}"]
    for execution in EXECUTIONS:
        cells += [f"{1000 * facts[f'{execution} seconds']:.0f}", f"{facts[f'{execution} ratio']:.1f} x"]
    return f"| {' | '.join(cells)} |"


def row(case: str, values: Mapping[str, Any]) -> str:
    return ROW.format(
        case=case,
        ms=1000 * values["ours"]["seconds"],
        share=values["ours"]["of limit"],
        onnx_ms=1000 * values["onnx"]["seconds"],
        onnx=values["onnx"]["of limit"],
        plain=values["plain weights"]["of limit"],
        twin=values["twin"]["to ours"],
        int8=1 / values["int8"]["to ours"],
        error=values["int8 error"],
    )


def processor() -> str:
    info = Path("/proc/cpuinfo").read_text()
    return next(line.split(":")[1].strip() for line in info.splitlines() if line.startswith("model name"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--child", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        print(json.dumps(measure(arguments.child, arguments.quick)))
        return
    from foretell.models.time_moe_export import export

    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "timemoe-50m"
        make_random(folder)
        export(folder)
        os.environ["OMP_NUM_THREADS"] = "1"
        command = [sys.executable, "-m", "benchmarks.time_moe", "--child", str(folder), *["--quick"] * arguments.quick]
        found = {}
        for name, variables in MALLOC.items():
            environment = {**os.environ, **variables}
            done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=True, text=True)
            found[name] = json.loads(done.stdout)
        repeats = 1 if arguments.quick else 3
        bounds, rolled = measure_bounds(folder, repeats), measure_rolling(folder, repeats)
    PAGE.write_text(page(found, bounds, rolled), "utf-8")
    print(PAGE.read_text("utf-8"))


if __name__ == "__main__":
    main()
