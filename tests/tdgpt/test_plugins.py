"""Plugins of TDgpt run unchanged; those that misbehave harm nobody else."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests

from foretell import admin
from foretell.engine.worker import DIED, STOPPED
from foretell.errors import ForetellError
from foretell.registry import Registry
from foretell.settings import read_settings
from foretell.tdgpt.node import Node
from tests import fakes
from tests.tdgpt import plugin_texts
from tests.tdgpt.conftest import ADMIN, running
from tests.tdgpt.taosd import ANODE_ERROR, NOT_LOADED, Column, Taosd, TaosError, body

TIMES = [1_577_808_000_000 + 1000 * i for i in range(20)]
VALUES = [float(i % 5) for i in range(19)] + [30.0]
Running = tuple[Node, Taosd]


def few_models() -> Registry:
    models = Registry()
    models.register(fakes.Wide)
    return models


@pytest.fixture(scope="module")
def good(plugin_folder: Path) -> Iterator[Running]:
    with running(few_models(), plugins=plugin_folder) as found:
        yield found


@pytest.fixture(scope="module")
def bad(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = plugin_texts.write(tmp_path_factory.mktemp("bad"), plugin_texts.BAD | plugin_texts.UNLOADABLE)
    with running(few_models(), plugins=folder) as found:
        yield found


def test_they_are_listed(good: Running) -> None:
    assert good[1].show_anodes_full() == [
        ("anomaly-detection", "above"),
        ("forecast", "broad"),
        ("forecast", "late"),
        ("forecast", "repeat_last"),
        ("forecast", "timemoe-fc"),
        ("forecast", "wide"),
        ("imputation", "zero"),
        ("correlation", "gap"),
    ]


def test_a_forecast_with_and_without_bounds(good: Running) -> None:
    rows = good[1].forecast(TIMES, VALUES, "algo=repeat_last,rows=2,shift=0.5,wncheck=0", bounds=True)
    assert rows == [(1_577_808_020_000, 30.5, 29.5, 31.5), (1_577_808_021_000, 30.5, 29.5, 31.5)]
    assert good[1].forecast(TIMES, VALUES, "algo=Repeat_Last,rows=1,wncheck=0") == [(1_577_808_020_000, 30.0)]


def test_the_other_doors_ask_them_too(good: Running, bad: Running) -> None:
    def ours(verb: str, model: str, running: Running = good, **body: Any) -> Any:
        url = f"http://{running[1].url}/v1/{verb}"
        return requests.post(url, json={"model": model, **body}, timeout=60).json()

    day = {"start": "2020-01-01T00:00:00Z", "step": "1s"}
    series = [{"values": VALUES, **day}, {"values": VALUES[:5], **day}, {"values": VALUES[:12], **day}]
    made = ours("forecast", "repeat_last", series=series, horizon=2, levels=[0.025, 0.975], options={"shift": 0.5})
    first, short, _ = made["forecasts"]
    assert first["point"] == [30.5, 30.5]
    assert first["quantiles"] == {"0.025": [29.5, 29.5], "0.975": [31.5, 31.5]}
    assert (short["point"], short["status"]) == (None, "too_short")
    usual = ours("forecast", "repeat_last", series=series[2:], horizon=1)["forecasts"][0]
    assert [v - usual["point"][0] for (v,) in usual["quantiles"].values()] == [-1.0, 0.0, 1.0]
    plain = ours("forecast", "late", series=series[2:], horizon=2)["forecasts"][0]
    assert (len(plain["point"]), plain["quantiles"], plain["status"]) == (2, None, "no_interval")
    labels = ours("detect", "above", series=series[:1], options={"limit": 20})["detections"][0]["labels"]
    assert labels == [1 if v <= 20 else -1 for v in VALUES]
    gaps = [None if i == 7 else v for i, v in enumerate(VALUES)]
    filled = ours("impute", "zero", series=[{"values": gaps, **day}])["imputations"][0]
    assert (filled["values"][7], sum(filled["imputed"])) == (0.0, 1)
    pair = {"first": VALUES, "second": [v + 1 for v in VALUES]}
    assert ours("correlate", "gap", pairs=[pair])["correlations"][0]["distance"] == len(VALUES)
    failed = ours("forecast", "raising", bad, series=series[:1], horizon=2)["forecasts"][0]
    assert failed["status"].startswith("failed: ")
    assert "no luck" in failed["status"]


def test_a_plugin_that_imports_when_it_runs(good: Running) -> None:
    assert good[1].forecast(TIMES, VALUES, "algo=late,rows=1,wncheck=0") == [(1_577_808_020_000, 0.0)]


def test_a_plugin_without_bounds_is_not_given_any(good: Running) -> None:
    with pytest.raises(TaosError, match="late gives no interval here; drop _flow and _fhigh"):
        good[1].forecast(TIMES, VALUES, "algo=late,rows=1,wncheck=0", bounds=True)


def test_anomalies_imputation_and_correlation(good: Running) -> None:
    assert good[1].anomaly_window(TIMES, VALUES, "algo=above,limit=12,wncheck=0") == [(TIMES[-1], TIMES[-1] + 1, 7)]
    some = [t for t in TIMES if t != TIMES[7]]
    filled = good[1].imputation(some, [1.0] * len(some), "algo=zero,freq=s,wncheck=0")
    assert [row for row in filled if row[2]] == [(TIMES[7], 0.0, 1)]
    answer = good[1].post("/correlation", plugin_correlation(VALUES, [v + 1 for v in VALUES]))
    assert (answer["distance"], answer["rows"]) == (20.0, 20)


def plugin_correlation(first: list[float], second: list[float]) -> bytes:
    columns = [Column("val", "DOUBLE", first), Column("val1", "DOUBLE", second)]
    return body(columns, [("option", "algo=gap"), ("algo", "gap"), ("wncheck", 0), ("rows", len(first))])


def test_the_shim_stays_in_the_plugins_process(good: Running) -> None:
    assert "taosanalytics" not in sys.modules


def test_what_cannot_be_loaded_is_reported(bad: Running) -> None:
    node, _ = bad
    reasons = {Path(place).name: text for place, text in node.catalogue.broken.items()}
    assert set(reasons) == {"missing.py", "syntax.py", "empty.py", "dies.py"}
    assert reasons["missing.py"].startswith("import: ModuleNotFoundError: No module named 'a_library_that_nobody_has'")
    assert "SyntaxError" in reasons["syntax.py"]
    assert "no class" in reasons["empty.py"]
    assert "died" in reasons["dies.py"]


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("raising", "RuntimeError: no luck"),
        ("dying", "died twice"),
        ("nonsense", "nonsense"),
        ("short", "not 3 of each"),
        ("endless", "not finite"),
        ("nothing", "nonsense"),
        ("strange", "object"),
        ("talking", "SystemExit"),
    ],
)
def test_misbehaviour_is_an_answer_and_harms_nobody(bad: Running, name: str, reason: str) -> None:
    taosd = bad[1]
    with pytest.raises(TaosError, match=reason) as error:
        taosd.forecast(TIMES, VALUES, f"algo={name},rows=3,wncheck=0")
    assert error.value.code == ANODE_ERROR
    assert taosd.show_anodes() == "ready"
    assert len(taosd.forecast(TIMES, VALUES, "algo=wide,rows=3,wncheck=0")) == 3


def test_one_that_hangs_is_killed_at_the_deadline(bad: Running) -> None:
    node, taosd = bad
    columns = [Column("ts", "TIMESTAMP", TIMES), Column("val", "DOUBLE", VALUES)]
    keys = [("option", "algo=hanging,timeout=1"), ("algo", "hanging"), ("wncheck", 0), ("return_conf", 0)]

    def replaced(reason: str) -> int:
        return sum(counts[reason] for counts in node.loaded.replaced.values())

    died, stopped = replaced(DIED), replaced(STOPPED)
    for _ in range(2):  # the second waits until the first is dead
        assert "deadline" in taosd.post("/forecast", body(columns, keys))["msg"]
    assert replaced(STOPPED) > stopped
    assert replaced(DIED) == died


def test_reload_sees_new_changed_and_removed_files(tmp_path: Path) -> None:
    folder = plugin_texts.write(tmp_path, {"fc/repeat.py": plugin_texts.GOOD["fc/repeat.py"]})
    with running(few_models(), plugins=folder) as (node, taosd):
        kept = node.loaded.processes[folder / "fc/repeat.py"]
        plugin_texts.write(folder, {"ad/above.py": plugin_texts.GOOD["ad/above.py"]})
        reload(taosd)
        taosd.update_anode()
        assert node.loaded.processes[folder / "fc/repeat.py"] is kept
        assert taosd.anomaly_window(TIMES, VALUES, "algo=above,wncheck=0")
        (folder / "fc/repeat.py").write_text(plugin_texts.GOOD["fc/repeat.py"].replace("+ self.shift", "+ 100"))
        reload(taosd)
        assert taosd.forecast(TIMES, VALUES, "algo=repeat_last,rows=1,wncheck=0")[0][1] == 130.0
        (folder / "fc/repeat.py").unlink()
        reload(taosd)
        taosd.update_anode()
        with pytest.raises(TaosError) as error:
            taosd.forecast(TIMES, VALUES, "algo=repeat_last,rows=1")
        assert error.value.code == NOT_LOADED


def test_reloads_under_load_drop_nothing(tmp_path: Path) -> None:
    """Each version of the file answers until the next one does; a request is never in between."""
    folder, text = tmp_path, plugin_texts.GOOD["fc/repeat.py"]
    file = plugin_texts.write(folder, {"fc/repeat.py": text}) / "fc/repeat.py"
    over, answers = threading.Event(), list[float]()

    def ask(taosd: Taosd) -> None:
        while not over.is_set():
            answers.append(taosd.forecast(TIMES, VALUES, "algo=repeat_last,rows=1,wncheck=0")[0][1])
            taosd.forecast(TIMES, VALUES, "algo=wide,rows=1,wncheck=0")

    with running(few_models(), plugins=folder) as (_, taosd), ThreadPoolExecutor(3) as clients:
        asking = [clients.submit(ask, taosd) for _ in range(3)]
        for shift in (100, 200, 300):
            file.write_text(text.replace("+ self.shift", f"+ {shift}"))
            reload(taosd)
            before = len(answers)
            while len(answers) < before + 6 and not any(one.done() for one in asking):
                taosd.show_anodes()
        over.set()
        for one in asking:
            one.result()
    assert [*dict.fromkeys(answers)] == [30.0, 130.0, 230.0, 330.0]


def test_models_says_who_answers_what_is_hidden_and_what_is_broken(tmp_path: Path) -> None:
    texts = {name: plugin_texts.GOOD[name] for name in ("fc/repeat.py", "fc/remote.py")}
    folder = plugin_texts.write(tmp_path, texts | {"ad/empty.py": plugin_texts.UNLOADABLE["ad/empty.py"]})
    urls = {
        "timemoe-fc": "http://user:pass@word@127.0.0.1:9/ds_predict?token=abc",
        "wide": "http://127.0.0.1:9/k/secret/x",
    }
    with running(few_models(), plugins=folder, tsfm_service=urls) as (_, taosd):
        answer = requests.get(f"http://{taosd.url}/models", timeout=10)
        rows = {row["name"]: row for row in answer.json()}
    assert rows["timemoe-fc"]["source"] == "plugin"
    assert rows["timemoe-fc"]["hides"] == [{"source": "url", "place": "http://***@127.0.0.1:9/ds_predict?token=***"}]
    assert (rows["wide"]["source"], rows["wide"]["place"]) == ("url", "http://127.0.0.1:9/k/***/x")
    assert [h["source"] for h in rows["wide"]["hides"]] == ["local"]
    assert "no class" in rows[str(folder / "ad/empty.py")]["error"]
    assert not [
        word for word in ("pass", "word", "secret", "abc") if f"{word}@" in answer.text or f"/{word}/" in answer.text
    ]


def test_a_reload_that_cannot_be_changes_nothing(tmp_path: Path) -> None:
    folder = plugin_texts.write(tmp_path, {"fc/repeat.py": plugin_texts.GOOD["fc/repeat.py"]})
    with running(few_models(), plugins=folder) as (_, taosd):
        plugin_texts.write(folder, {"custom/twice.py": plugin_texts.GOOD["fc/repeat.py"]})
        with pytest.raises(ForetellError, match="two plugin algorithms"):
            reload(taosd)
        assert taosd.forecast(TIMES, VALUES, "algo=repeat_last,rows=1,wncheck=0")[0][1] == 30.0


def test_a_reload_that_would_lose_the_default_model_changes_nothing(tmp_path: Path) -> None:
    folder = plugin_texts.write(tmp_path, {"fc/repeat.py": plugin_texts.GOOD["fc/repeat.py"]})
    with running(few_models(), plugins=folder, default_model="repeat_last") as (node, taosd):
        empty = tmp_path / "empty"
        empty.mkdir()
        node.reread = lambda: node.settings.model_copy(update={"plugins": empty})
        with pytest.raises(ForetellError, match=r"default_model: .*repeat_last"):
            reload(taosd)
        assert taosd.forecast(TIMES, VALUES, "algo=repeat_last,rows=1,wncheck=0")[0][1] == 30.0


def test_a_reload_reads_another_folder_where_the_settings_name_one(tmp_path: Path) -> None:
    folder = plugin_texts.write(tmp_path / "old", {})
    other = plugin_texts.write(tmp_path / "new", {"fc/repeat.py": plugin_texts.GOOD["fc/repeat.py"]})
    with running(few_models(), plugins=folder) as (node, taosd):
        node.reread = lambda: node.settings.model_copy(update={"plugins": other})
        reload(taosd)
        taosd.update_anode()
        assert taosd.forecast(TIMES, VALUES, "algo=repeat_last,rows=1,wncheck=0")[0][1] == 30.0


def test_reload_needs_the_admin_token(good: Running) -> None:
    with pytest.raises(ForetellError, match="scope admin"):
        admin.reload(read_settings(admin_token="a wrong one"), f"http://{good[1].url}")


def reload(taosd: Taosd) -> None:
    admin.reload(read_settings(admin_token=ADMIN), f"http://{taosd.url}")
