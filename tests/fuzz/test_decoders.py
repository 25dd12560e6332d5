"""Bytes of any kind at every decoder of the wire: what is meant, or an error of ours; never another, never a crash."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foretell.errors import ForetellError
from foretell.http_api.series_in import Columns, groups_of_arrow
from foretell.wire import anode, tdgpt, tsfm
from foretell.wire.ipc import write_arrow
from foretell.wire.schemaless import READERS, UNITS, read_points
from foretell.wire.taos_frames import query_message, read_question
from foretell.wire.taos_stmt2 import read_bound
from foretell.wire.taos_types import BIGINT, TIMESTAMP, VARCHAR
from tests.fuzz.examples import examples
from tests.tdgpt.malformed import good
from tests.wire.test_taos_messages import write_bound


def _forecast(text: bytes) -> None:
    question = tdgpt.read_forecast(text)
    question.series()
    question.times_ahead()
    _ = question.levels


def _imputation(text: bytes) -> None:
    question = tdgpt.read_imputation(text)
    question.series()
    question.complete_times()


def _reply(text: bytes) -> None:
    reply = anode.read_reply(text)
    for read in (
        lambda: anode.forecast_of(reply, 2, bounds=True),
        lambda: anode.windows_of(reply),
        lambda: anode.completed_of(reply),
        lambda: anode.path_of(reply),
        lambda: anode.lags_of(reply),
    ):
        try:
            read()
        except ForetellError:
            continue


def _arrow(body: bytes) -> None:
    groups_of_arrow(body, Columns())


def _points(body: bytes) -> None:
    for protocol in READERS:
        for unit in UNITS:
            try:
                read_points(protocol, unit, body.decode(errors="replace"))
            except ForetellError:
                continue


GOOD = good()
SERIES = pa.table(
    {
        "unique_id": ["a", "a", "b", None],
        "kind": pa.array(["x", "y", "x", "x"]).dictionary_encode(),
        "ds": pa.array([1, 2, 1, 1], pa.timestamp("ms")),
        "y": [1.0, None, 3.0, 4.0],
    }
)
LINES = (
    'a,t=1 v=1i,w="x y",b=true 1700000000000000000\nput.a 1700000000 2.5 t=1\n[{"metric":"m","timestamp":1,"value":2}]'
)
REPLIES = [
    {"protocol": 1.0, "version": 0.1, "details": [{"type": "forecast", "algo": [{"name": "naive"}]}]},
    {"protocol": 1.0, "status": "ready"},
    {"rows": 2, "res": [[1, 2], [1.5, 2.5], [1, 1], [2, 3]], "conf": 0.9, "mse": 0.1},
    {"rows": 1, "res": [[1, 2]], "lags": [1], "ccf_vals": [0.5], "path": [[0, 0]], "ts": [1], "target": [2.0]},
    {"status": "success", "output": [1, 2, 3], "lower": [0, 1, 2], "upper": [2, 3, 4]},
    {"status": "success", "ts": [1, 2], "target": [1.0, 2.0], "mask": [0, 1]},
]
BOUND = write_bound([("d.t1", [(BIGINT, [4])], [(TIMESTAMP, [1, 2]), (VARCHAR, ["ä", None])]), ("t2", [(BIGINT, [None])], [(TIMESTAMP, [1]), (VARCHAR, ["x"])])])  # fmt: skip  # noqa: E501

DECODERS: dict[str, tuple[Callable[[bytes], Any], tuple[bytes, ...]]] = {
    "question": (lambda body: read_question(body).sql, (query_message(1, "SELECT 'ä'"),)),
    "bind": (lambda body: read_bound(memoryview(body)), (BOUND,)),
    "points": (_points, tuple(LINES.encode().splitlines())),
    "model server": (tsfm.read_request, (GOOD["/ds_predict"],)),
    "forecast of a model server": (lambda body: tsfm.read_forecast(body, 3), (json.dumps(REPLIES[4]).encode(),)),
    "imputation of a model server": (tsfm.read_imputation, (json.dumps(REPLIES[5]).encode(),)),
    "forecast": (_forecast, (GOOD["/forecast"],)),
    "anomaly": (lambda body: tdgpt.read_anomaly(body).points(), (GOOD["/anomaly-detect"],)),
    "imputation": (_imputation, (GOOD["/imputation"],)),
    "correlation": (tdgpt.read_correlation, (GOOD["/correlation"],)),
    "list of an anode": (anode.read_list, (json.dumps(REPLIES[0]).encode(),)),
    "status of an anode": (anode.read_status, (json.dumps(REPLIES[1]).encode(),)),
    "reply of an anode": (_reply, tuple(json.dumps(one).encode() for one in REPLIES[2:4])),
    "arrow": (_arrow, (write_arrow(SERIES), write_arrow(SERIES.drop_columns(["ds", "kind"])), write_arrow(SERIES[:0]))),
}
"""What reads bytes, and some that it can read."""

WORDS = (
    b"null",
    b"-1",
    b"1e999",
    b"9" * 30,
    b"9" * 400,
    b"[]",
    b"{}",
    b'""',
    b"true",
    b"1.5",
    b"\xff",
    b"\x00",
    b'"\\ud800"',
    b"NaN",
)
LENGTHS = (0, 1, 0x7F, 0xFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)


@st.composite
def damaged(draw: st.DrawFn, texts: tuple[bytes, ...]) -> bytes:
    """A good message with one to four changes: bytes, lengths, words, cut off, or something repeated."""
    body = bytearray(draw(st.sampled_from(texts)))
    for _ in range(draw(st.integers(1, 4))):
        place = draw(st.integers(0, len(body)))
        change = draw(st.sampled_from(("byte", "length", "word", "number", "cut", "twice")))
        if change == "byte":
            body[place : place + 1] = draw(st.binary(min_size=1, max_size=2))
        elif change == "length":
            size = draw(st.sampled_from((2, 4, 8)))
            body[place : place + size] = (draw(st.sampled_from(LENGTHS)) % (1 << 8 * size)).to_bytes(size, "little")
        elif change == "word":
            body[place:place] = draw(st.sampled_from(WORDS))
        elif change == "number":
            digits = [i for i, code in enumerate(body) if 48 <= code < 58] or [place]
            place = draw(st.sampled_from(digits))
            body[place : place + 1] = draw(st.sampled_from(WORDS))
        elif change == "cut":
            del body[place:]
        else:
            body[place:place] = body[place : place + draw(st.integers(1, 40))] * draw(st.integers(1, 3))
    return bytes(body)


@pytest.mark.parametrize("name", DECODERS)
def test_what_is_good_is_read(name: str) -> None:
    read, texts = DECODERS[name]
    for text in texts:
        read(text)


@pytest.mark.parametrize("name", DECODERS)
def test_anything_else_is_read_or_refused(name: str) -> None:
    read, texts = DECODERS[name]

    @examples(60)
    @given(st.binary(max_size=200) | damaged(texts) | damaged(texts) | damaged(texts))
    def each(body: bytes) -> None:
        try:
            read(body)
        except ForetellError as error:
            assert str(error)

    each()


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("imputation of a model server", b'{"ts": [9223372036854775808], "target": [0]}'),
        ("imputation of a model server", b'{"ts": [1e300], "target": [0]}'),
        ("forecast of a model server", b'{"output": [1, 2, %d]}' % 10**400),
        ("list of an anode", b'{"protocol": 1e307, "version": 0.1, "details": []}'),
        ("arrow", write_arrow(SERIES).replace(b"unique_id", b"\x80nique_id")),
        ("arrow", write_arrow(pa.table({"unique_id": ["a name"], "y": [1.0]})).replace(b"a name", b"\x80 name")),
    ],
)
def test_what_long_runs_found_is_refused(name: str, body: bytes) -> None:
    with pytest.raises(ForetellError):
        DECODERS[name][0](body)
