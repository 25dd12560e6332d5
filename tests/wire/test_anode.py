"""The server's side of the protocol: bodies as a taosd writes them, to the byte, and answers as it reads them."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foretell.errors import AnodeError, InvalidInput, ModelFailed
from foretell.series import Series
from foretell.steps import SECOND, Step
from foretell.wire import anode, tdgpt
from tests.tdgpt.taosd import Column, body

MS = 1_577_808_000_000
TIMES = (MS + 1000 * np.arange(12)) * 1_000_000
VALUES = np.array([13.0, 14.5, -2.25, 0.0, 1e6, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0])
TICKS = (TIMES // 1_000_000).tolist()
MINE = anode.Asked("mine", {"period": "4"})
TS, VAL = Column("ts", "TIMESTAMP", TICKS), Column("val", "DOUBLE", VALUES.tolist())


def test_a_forecast_is_asked_for_as_taosd_does() -> None:
    keys = [
        ("option", "algo=mine,period=4"),
        ("algo", "mine"),
        ("prec", "ms"),
        ("wncheck", 0),
        ("return_conf", 1),
        ("forecast_rows", 3),
        ("conf", float(np.float32(0.9))),
        ("every", 1000),
        ("start", TICKS[-1] + 1000),
        ("rows", 12),
    ]
    assert anode.write_forecast(MINE, TIMES, VALUES, 3, 0.9) == body([TS, VAL], keys)


def test_covariates_come_behind() -> None:
    future, past = np.arange(15.0)[None], 2 * np.arange(12.0)[None]
    text = anode.write_forecast(MINE, TIMES, VALUES, 3, None, future, past)
    columns = [
        TS,
        VAL,
        Column("dynamic_real_1", "DOUBLE", future[0].tolist()),
        Column("past_dynamic_real_1", "DOUBLE", past[0].tolist()),
    ]
    keys = [
        ("option", "algo=mine,period=4"),
        ("algo", "mine"),
        ("prec", "ms"),
        ("wncheck", 0),
        ("return_conf", 0),
        ("forecast_rows", 3),
        ("conf", float(np.float32(0.95))),
        ("every", 1000),
        ("start", TICKS[-1] + 1000),
        ("type", "covariate"),
        ("rows", 12),
    ]
    assert text == body(columns, keys)
    question = tdgpt.read_forecast(text)
    assert question.future["dynamic_real_1"].tolist() == future[0].tolist()
    assert question.past["past_dynamic_real_1"].tolist() == past[0].tolist()


def test_what_the_body_does_not_say_the_option_says() -> None:
    columns = {"schema": [["ts", "TIMESTAMP", 8], ["val", "DOUBLE", 8]], "data": [[*range(12)], [1.0] * 12]}

    def read(option: str, **keys: float) -> tuple[float, ...]:
        found = tdgpt.read_forecast(json.dumps({**columns, "option": option, **keys}).encode())
        return found.rows, found.conf, found.bounds, found.start, found.every

    option = "algo=naive,rows=3,conf=0.5,return_conf=0,start_ts=20,time_step=2"
    assert read(option) == (3, 0.5, False, 20, 2)
    assert read(option, forecast_rows=4, conf=0.9, return_conf=1, start=30, every=5) == (4, 0.9, True, 30, 5)
    assert read("algo=naive") == (10, 0.95, True, 12, 1)
    with pytest.raises(InvalidInput, match="rows: must be a number, got 'many'"):
        read("rows=many")


def test_days_that_are_asked_for_are_days_of_the_history() -> None:
    """Elsewhere the times ahead, by the mean distance, only say an order."""
    days = [86_400_000 * day for day in range(4, 64) if day % 7 != 3]
    columns = {"schema": [["ts", "TIMESTAMP", 8], ["val", "DOUBLE", 8]], "data": [days, [1.0] * len(days)]}

    def read(**keys: float) -> Series:
        return tdgpt.read_forecast(json.dumps({**columns, **keys}).encode()).series()

    assert len(read()) == len(days) == 52
    asked = read(every=86_400_000)
    assert len(asked) == 60 and np.isnan(asked.values).sum() == 8


def test_the_other_questions() -> None:
    keys = [("option", "algo=mine,period=4"), ("algo", "mine"), ("prec", "ms"), ("wncheck", 0), ("rows", 12)]
    assert anode.write_anomaly(MINE, TIMES, VALUES) == body([TS, VAL], keys)
    keys.insert(2, ("freq", "s"))
    assert anode.write_imputation(MINE, TIMES, VALUES, Step(ns=SECOND)) == body([TS, VAL], keys)
    keys = [("option", "period=4,algo=mine"), ("algo", "mine"), ("wncheck", 0), ("rows", 12)]
    second = Column("val1", "DOUBLE", VALUES[::-1].tolist())
    assert anode.write_correlation(MINE, VALUES, VALUES[::-1]) == body([VAL, second], keys)


@pytest.mark.parametrize(("shift", "unit"), [(0, "ms"), (1000, "us"), (1, "ns")])
def test_times_are_in_the_coarsest_unit_that_says_them(shift: int, unit: str) -> None:
    question = tdgpt.read_anomaly(anode.write_anomaly(MINE, TIMES + shift, VALUES))
    assert question.precision == unit and question.times is not None
    assert (question.times * question.tick).tolist() == (TIMES + shift).tolist()


def test_quotes_in_an_option_are_escaped() -> None:
    asked = anode.Asked("mine", {"note": 'a "b" \\ c'})
    assert json.loads(anode.write_anomaly(asked, TIMES, VALUES))["option"] == 'algo=mine,note=a "b" \\ c'


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=12, max_size=12))
def test_no_value_is_lost_on_the_way(values: list[float]) -> None:
    question = tdgpt.read_anomaly(anode.write_anomaly(MINE, TIMES, np.array(values)))
    assert question.values.tolist() == values


@pytest.mark.parametrize(
    ("step", "text"),
    [(SECOND, "s"), (300 * SECOND, "5m"), (86_400 * SECOND, "d"), (1_000_000, "ms"), (1500 * 1000, "1500us")],
)
def test_frequencies(step: int, text: str) -> None:
    assert anode.frequency(Step(ns=step)) == text
    assert tdgpt.read_freq(text) == step


@pytest.mark.parametrize("step", [Step(months=1), Step(ns=1)])
def test_a_frequency_that_no_node_reads(step: Step) -> None:
    with pytest.raises(InvalidInput, match="a whole number of d, h, m, s, ms or us"):
        anode.frequency(step)


def listed(**changes: object) -> bytes:
    answer = {"protocol": 1.0, "version": 0.1, "details": [{"type": "Forecast", "algo": [{"name": "Mine"}]}]}
    return json.dumps(answer | changes).encode()


def test_a_list_is_read_in_lower_case_and_unknown_types_are_passed_over() -> None:
    assert anode.read_list(listed()) == (("forecast", "mine"),)
    assert anode.read_list(listed(details=[{"type": "weather", "algo": [{"name": "sun"}]}])) == ()
    assert anode.read_list(listed(protocol=0.1)) == (("forecast", "mine"),)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (b"", 0x80000440),
        (b"<html>", 0x80000445),
        (b"what?", 0x8000011B),
        (b'{"protocol": 1.0', 0x8000011B),
        (b"[]", 0x8000011B),
        (listed(protocol=2.0), 0x80000433),
        (listed(version=0.0), 0x80000434),
        (listed(version=-1), 0x80000434),
        (listed(version=None), 0x8000011B),
        (listed(details=[{"type": "forecast"}]), 0x8000011B),
        (listed(details=[{"type": "forecast", "algo": [{"name": "x" * 64}]}]), 0x80000437),
        (b'{"protocol": NaN, "version": 1, "details": []}', 0x8000011B),
    ],
)
def test_a_list_that_is_refused(text: bytes, code: int) -> None:
    with pytest.raises(AnodeError) as caught:
        anode.read_list(text)
    assert caught.value.tdengine_code == code


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b'{"rows": -1, "msg": "no \\n luck"}', "the anode says: no luck"),
        (b'{"rows": -1}', "the anode says: no reason"),
        (b'{"rows": 0, "res": {}, "msg": "model file is missing"}', "model file is missing"),
        (b'{"rows": -1, "msg": "white-noise data not processed"}', "^white noise data not processed$"),
        (b'{"rows": -1, "msg": "white noise can not be check"}', "^white noise data not processed$"),
        (b'{"res": [[1], [NaN]], "rows": 1}', "no JSON"),
        (b'{"res": [[1], [2]]}', "no JSON"),
        (b"<html>500</html>", "answered with an error"),
        (b"", "answered nothing"),
    ],
)
def test_an_answer_that_is_none(text: bytes, message: str) -> None:
    with pytest.raises(ModelFailed, match=message):
        anode.read_reply(text)


@pytest.mark.parametrize(
    "text",
    [
        b'{"rows": 2, "res": [[1, 2], [1.0]]}',
        b'{"rows": 2, "res": [[1, 2], [1.0, 2.0], [1, 2], [1, 2]]}',
        b'{"rows": 3, "res": [[1, 2], [1.0, 2.0]]}',
        b'{"rows": 2, "res": [[1, 2], [1.0, null]]}',
        b'{"rows": 2, "res": [[1, 2], [1.0, true]]}',
        b'{"rows": 2, "res": "x"}',
    ],
)
def test_a_forecast_of_the_wrong_shape(text: bytes) -> None:
    with pytest.raises(ModelFailed, match="no JSON"):
        anode.forecast_of(anode.read_reply(text), 2, bounds=False)


def test_bounds_that_are_copies_are_none() -> None:
    reply = anode.read_reply(b'{"rows": 1, "res": [[1], [2.0], [2.0], [2.0]]}')
    assert anode.forecast_of(reply, 1, bounds=True)[1] is None
    reply = anode.read_reply(b'{"rows": 1, "res": [[1], [2.0], [3.0], [1.0]]}')
    bounds = anode.forecast_of(reply, 1, bounds=True)[1]
    assert bounds is not None and bounds.tolist() == [[1.0, 3.0]]


@pytest.mark.parametrize(
    "text",
    [
        b'{"rows": 1, "res": [[1, 2]], "mask": [1, 2]}',
        b'{"rows": 2, "res": [[1, 2]]}',
        b'{"rows": 1, "res": [[1, 2, 3]], "mask": [-1]}',
        b'{"rows": 1, "res": ["x"], "mask": [-1]}',
        b'{"rows": 1, "res": [[1, 2]], "mask": [4294967296]}',
    ],
)
def test_windows_of_the_wrong_shape(text: bytes) -> None:
    with pytest.raises(ModelFailed):
        anode.windows_of(anode.read_reply(text))


def test_windows_without_masks() -> None:
    windows, labels = anode.windows_of(anode.read_reply(b'{"rows": 1, "res": [[1, 2]]}'))
    assert windows.tolist() == [[1, 2]] and labels.tolist() == [-1]


def test_answers_as_the_stock_node_gives_them() -> None:
    """Recorded shapes: integers among the numbers, keys that no server reads, one window of one point."""
    reply = anode.read_reply(
        b'{"algo":"holtwinters","mse":3627.41,"option":"algo=holtwinters,rows=3","period":0,'
        b'"res":[[1577808096000,1577808097000,1577808098000],[19.6,20,19]],"rows":3}'
    )
    assert anode.forecast_of(reply, 3, bounds=False)[0].tolist() == [19.6, 20.0, 19.0]
    windows = b'{"algo":"iqr","mask":[-1],"option":"algo=iqr","res":[[1577808016000,1577808016000]],"rows":1}'
    assert anode.windows_of(anode.read_reply(windows))[0].tolist() == [[1577808016000] * 2]
    assert len(anode.windows_of(anode.read_reply(b'{"algo":"iqr","mask":[],"res":[],"rows":0}'))[0]) == 0
    path = anode.read_reply(b'{"rows": 3, "distance": 1.6, "path": [[0, 0], [1, 0], [1, 1]], "option": "algo=dtw"}')
    assert path.distance == 1.6 and anode.path_of(path) is not None and anode.lags_of(path) is None
    lags = anode.lags_of(anode.read_reply(b'{"rows": 3, "lags": [-1, 0, 1], "ccf_vals": [0.0, 0.67, 1.0]}'))
    assert lags is not None and lags[0].tolist() == [-1, 0, 1] and lags[1].tolist() == [0.0, 0.67, 1.0]
    filled = anode.read_reply(b'{"rows": 2, "ts": [1000, 2000], "target": [1, 2.5], "mask": [0, 1], "algo": "moment"}')
    assert anode.completed_of(filled)[1].tolist() == [1.0, 2.5]
    with pytest.raises(ModelFailed, match="no JSON"):
        anode.read_reply(b'{"rows": 1, "lags": [0], "ccf_vals": [NaN]}')
