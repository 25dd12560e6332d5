"""Time-MoE by ONNX Runtime: the same numbers, without torch."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
import torch
from safetensors.torch import load_file, save_file

from foretell.errors import InvalidInput, NotAvailable
from foretell.models import time_moe_model, time_moe_onnx
from foretell.models.time_moe_export import export, graph_of
from foretell.models.time_moe_model import Loaded, TimeMoe50M, network_of, scale
from foretell.models.time_moe_numpy import NumpyTimeMoe
from foretell.models.time_moe_onnx import OnnxTimeMoe, is_exported
from foretell.models.time_moe_shape import Shape
from foretell.series import Series, batch_of
from tests.models.time_moe.golden import TINY, TOLERANCE, each_set, input_values, inputs, read
from tests.models.time_moe.plain import Plain, published_tensors
from tests.models.time_moe.test_network import GAP, SHAPES, drawn
from tests.models.time_moe.test_rolling import Caller, entry, walk


def copied(folder: Path) -> Path:
    folder.mkdir()
    for name in ("config.json", "model.safetensors"):
        shutil.copy(TINY / name, folder)
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny checkpoint with its graph beside it."""
    found = copied(tmp_path_factory.mktemp("onnx") / "timemoe-50m")
    assert export(found) == found / "model.onnx"
    return found


@pytest.fixture(scope="module")
def network(folder: Path) -> OnnxTimeMoe:
    return OnnxTimeMoe.read(folder)


@pytest.fixture(autouse=True)
def weights(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    monkeypatch.setenv("FORETELL_WEIGHTS", f'{{"timemoe-50m": "{folder}"}}')
    monkeypatch.setattr(time_moe_model, "has_gpu", lambda: False)


def options(**given: Any) -> dict[str, Any]:
    found: dict[str, Any] = entry().read_options(given)
    return found


@each_set
def test_generations(network: OnnxTimeMoe, golden: Path) -> None:
    for name, case in read(golden, "generate.json")["cases"].items():
        normed = case["normalise"]
        values = input_values(golden, case["input"].replace(".raw", ".normed") if normed else case["input"])
        made = network.generate(list(values.numpy()), case["next_len"])
        expected = np.array(case["output_normed" if normed else "output"])
        np.testing.assert_allclose(made, expected, rtol=0, atol=TOLERANCE, err_msg=name)
        if normed:
            given = inputs(golden)[case["input"].split(".")[0]]
            back = made * np.array(given["std"])[:, None] + np.array(given["mean"])[:, None]
            np.testing.assert_allclose(back, case["output"], rtol=TOLERANCE, err_msg=name)


@each_set
def test_rows_of_unequal_length(network: OnnxTimeMoe, golden: Path) -> None:
    content = read(golden, "left_padding.json")
    rows = []
    for row in content["rows"]:
        name, index = row.rstrip("]").split("[")
        rows.append(input_values(golden, name)[int(index)].numpy())
    for name, case in content["cases"].items():
        made = network.generate(rows, case["next_len"])
        np.testing.assert_allclose(made, case["output"], rtol=0, atol=TOLERANCE, err_msg=name)


@each_set
def test_server_pairs(network: OnnxTimeMoe, golden: Path) -> None:
    for name, case in read(golden, "server.json")["cases"].items():
        values = np.array(case["request"]["input"], dtype=np.float64)
        if name not in ("constant", "single"):
            scaled = scale(values, "instance")
            made = network.generate([scaled.apply(values)], case["request"]["next_len"])[0]
            np.testing.assert_allclose(scaled.undo(made), case["output"], rtol=TOLERANCE, err_msg=name)


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_any_shape_equals_the_plain_twin(shape: Shape) -> None:
    tensors = published_tensors(drawn(shape))
    graph = graph_of(NumpyTimeMoe(shape, {name: tensor.numpy() for name, tensor in tensors.items()}))
    session = onnxruntime.InferenceSession(graph.SerializeToString(), providers=["CPUExecutionProvider"])
    contexts = [walk(length, length) / 40 for length in (1, 33, 7, 33, 50)]
    made = OnnxTimeMoe(shape, session, "").generate(contexts, 41)
    doubtful = 0
    for context, found in zip(contexts, made, strict=True):
        twin = Plain(shape, tensors)
        expected = twin.generate(torch.from_numpy(context).float(), 41).numpy()
        if not np.allclose(found, expected, rtol=0, atol=1e-5 * max(1, np.abs(expected).max())):
            assert min(twin.gaps) < GAP, np.abs(found - expected).max()
            doubtful += 1
    assert doubtful <= 1


def test_chunks_change_nothing(network: OnnxTimeMoe, monkeypatch: pytest.MonkeyPatch) -> None:
    contexts = [walk(90) / 100, walk(40, 1) / 100]
    whole = network.generate(contexts, 72)
    monkeypatch.setattr(time_moe_onnx, "CHUNK", 16)
    monkeypatch.setattr(time_moe_onnx, "TOGETHER", 16)
    np.testing.assert_allclose(network.generate(contexts, 72), whole, rtol=0, atol=1e-5)
    covering, eight = network.generate(contexts, 5, True), network.generate(contexts, 8)
    np.testing.assert_allclose(covering, eight[:, :5], rtol=0, atol=1e-5)


def test_a_cache_holds_what_was_said_to_it_and_not_what_it_said(network: OnnxTimeMoe) -> None:
    values = walk(60) / 100
    cache = network.new_cache()
    network.resume([cache], [values[:50]], 72, False)
    assert cache.seen == 50
    found = network.resume([cache], [values[50:]], 72, False)
    np.testing.assert_allclose(found, network.generate([values], 72), rtol=0, atol=1e-5)
    part = cache.head(30)
    found = network.resume([part], [values[30:31]], 9, False)
    np.testing.assert_allclose(found, network.generate([values[:31]], 9), rtol=0, atol=1e-5)
    assert (cache.seen, part.seen) == (60, 31)
    cache.seen = 40
    found = network.resume([cache], [values[40:45]], 9, False)
    np.testing.assert_allclose(found, network.generate([values[:45]], 9), rtol=0, atol=1e-5)


def test_series_that_go_on(folder: Path) -> None:
    caller, values = Caller(execution="onnx"), walk(60)
    details = [caller.ask(9, Series(values[end - 30 : end], id="a")).details[0] for end in range(30, 40)]
    assert [d["computed"] for d in details] == [30] + [1] * 9
    past = caller.ask(72, Series(values[9:30], id="a"))
    assert past.details[0]["computed"] == 1
    switched = caller.model.forecast(
        batch_of([Series(values[10:40], id="a")]), 9, (), caller.options | {"execution": "torch"}, caller.state
    )
    assert switched.details[0]["computed"] == 30


def test_auto_takes_it_where_it_is(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(network_of(folder, options()), OnnxTimeMoe)
    assert isinstance(network_of(folder, options(execution="torch")), Loaded)
    assert isinstance(network_of(folder, options(precision="int8")), Loaded)
    assert isinstance(network_of(TINY, options()), Loaded)
    monkeypatch.setattr(time_moe_model, "has_gpu", lambda: True)
    assert isinstance(network_of(folder, options()), Loaded)
    monkeypatch.setattr(time_moe_onnx, "can_run", lambda: False)
    assert not is_exported(folder)


def test_what_cannot_be(folder: Path) -> None:
    with pytest.raises(InvalidInput, match="onnx computes in fp32 only"):
        network_of(folder, options(execution="onnx", precision="int8"))
    with pytest.raises(NotAvailable, match="foretell models export"):
        network_of(TINY, options(execution="onnx"))


def test_the_same_answer_as_torch(folder: Path) -> None:
    batch = batch_of([Series(walk(length, length)) for length in (40, 55, 40)])
    one, other = (TimeMoe50M().forecast(batch, 72, (), options(execution=e)) for e in ("onnx", "torch"))
    np.testing.assert_allclose(one.point, other.point, rtol=1e-5)
    assert one.model == other.model == "timemoe-50m@a142c84e"


def test_a_graph_of_other_weights_is_refused(tmp_path: Path) -> None:
    folder = copied(tmp_path / "timemoe-50m")
    export(folder)
    tensors = load_file(folder / "model.safetensors")
    save_file(tensors | {"model.norm.weight": torch.zeros(32)}, folder / "model.safetensors")
    with pytest.raises(NotAvailable, match="not made of the weights beside it"):
        OnnxTimeMoe.read(folder)
    export(folder)
    assert OnnxTimeMoe.read(folder).fingerprint != "a142c84e"
    (folder / "model.onnx").write_bytes(b"nothing")
    with pytest.raises(NotAvailable, match=r"model\.onnx cannot be read"):
        OnnxTimeMoe.read(folder)


def test_a_folder_that_cannot_be_written(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    folder = copied(tmp_path / "tiny")
    (folder / "model.onnx").mkdir()
    monkeypatch.setenv("FORETELL_WEIGHTS", f'{{"timemoe-50m": "{folder}"}}')
    with pytest.raises(NotAvailable, match="cannot write into"):
        TimeMoe50M.export()


def test_warm_loads_what_will_answer(folder: Path) -> None:
    time_moe_model.exported.cache_clear()
    TimeMoe50M().warm()
    assert time_moe_model.exported.cache_info().currsize == 1


WITHOUT_TORCH = """
import sys
sys.modules["torch"] = None
import importlib.util
real = importlib.util.find_spec
importlib.util.find_spec = lambda name, *more: None if name == "torch" else real(name, *more)
import numpy as np
from foretell.registry import Registry
from foretell.engine import Engine
from foretell.models.time_moe_model import TimeMoe50M
from foretell.series import Series
models = Registry()
models.register(TimeMoe50M)
engine = Engine(models=models)
print(engine.forecast_sync([Series(np.arange(40.0) % 7)], 3, "timemoe-50m").model)
engine.close()
"""


def test_it_runs_where_there_is_no_torch() -> None:
    done = subprocess.run([sys.executable, "-c", WITHOUT_TORCH], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "timemoe-50m@a142c84e", done.stderr


def test_the_command(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from foretell.cli import main

    folder = copied(tmp_path / "tiny")
    monkeypatch.setenv("FORETELL_WEIGHTS", f'{{"timemoe-50m": "{folder}"}}')
    for arguments, code in ((["timemoe-50m"], 0), (["naive"], 2), (["timemoe-200m"], 1), ([], 2)):
        monkeypatch.setattr(sys, "argv", ["foretell", "models", "export", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        assert (ended.value.code or 0) == code
    said = capsys.readouterr()
    assert said.out == f"timemoe-50m: {folder / 'model.onnx'}\n"
    assert "naive has no other form" in said.err
    assert "cannot be exported" in said.err
    assert is_exported(folder)
