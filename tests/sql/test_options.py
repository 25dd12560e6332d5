"""The text of the options."""

from __future__ import annotations

import contextlib
import time
import tracemalloc
from collections.abc import Callable
from functools import partial

import pytest

from foretell.errors import ForetellError, InvalidInput
from foretell.sql.database.times import read_time
from foretell.sql.durations import in_either_case
from foretell.sql.options import MILLISECOND, Options, place_of, read_options
from foretell.sql.times import OFFSET
from foretell.sql.tokens import tokenize
from foretell.steps import DAY, SECOND, Step
from foretell.wire.masking import mask
from foretell.wire.options import read_pairs
from foretell.wire.schemaless import LINE, read_points
from foretell.wire.tdgpt import read_freq

LONG = 30_000
INSIDE = [
    ("x", "'"),
    ("x", '"'),
    ("x", "`"),
    ("x", ""),
    ("''", "'"),
    ('""', '"'),
    ("``", "`"),
    (r"\\", "'"),
    ("''", ""),
]
"""What is repeated inside of a text, and what ends it."""


def test_defaults_are_tdengines() -> None:
    assert read_options("") == Options("holtwinters", 10, 0.95, wncheck=False)
    assert read_options("").levels == (0.025, 0.975)
    assert read_options("conf=0.5").levels == (0.25, 0.75)


def test_stray_commas_and_blanks_are_let_pass() -> None:
    assert read_options(", algo = ets ,, rows=3 , ").algo == "ets"
    assert read_options("period=12,trend=mul").model == {"period": "12", "trend": "mul"}


def test_commas_in_brackets_do_not_separate_and_a_bracket_that_is_not_closed_is_a_sign() -> None:
    assert read_pairs("a=[1,[2],b=x[3,4]y,c=]") == ({"a": "[1,[2]", "b": "x[3,4]y", "c": "]"}, [])
    assert read_pairs("a=[1,b=[2") == ({"a": "[1", "b": "[2"}, [])
    assert read_pairs("a=[1,2],b=[3,4") == ({"a": "[1,2]", "b": "[3"}, ["4"])


@pytest.mark.parametrize(
    ("read", "text"),
    [
        (read_pairs, "x=" + "[" * 200_000),
        (read_pairs, "x=" + "[]" * 30_000),
        (read_freq, " " * 60_000 + "!"),
        (read_freq, "5" + " " * 60_000 + "!"),
        (OFFSET.search, "00:00:" * 10_000 + "!"),
        (mask, "://a:" * 40_000),
        (mask, "a-" * 100_000),
        (mask, "'key'" * 40_000),
        (tokenize, " ".join(f"$a{i}$" for i in range(20_000))),
        (partial(in_either_case, "every"), " " * 60_000 + "!"),
        (partial(read_time, precision="ms"), "2020-01-01" + " " * 60_000 + "!"),
        (partial(read_points, LINE, "ns"), f"t x={'1' * 60_000}!"),
    ],
)
def test_a_long_text_takes_no_more_than_its_length(read: Callable[[str], object], text: str) -> None:
    begun = time.thread_time()
    with contextlib.suppress(ForetellError, ValueError):
        read(text)
    assert (
        time.thread_time() - begun < 5
    )  # it is well below 1; where each sign costs the length of the text, 20 and more


@pytest.mark.parametrize(
    ("read", "text"),
    [
        (tokenize, "--\n" * LONG),
        *((tokenize, f"{mark}{sign * LONG}{end}") for mark in ("'", "e'", "x'", '"', "`") for sign, end in INSIDE),
        *((partial(read_points, LINE, "ns"), f't x="{sign * LONG}{end} 1') for sign, end in INSIDE),
        *((partial(read_points, LINE, "ns"), f't,a={sign * LONG} x="" 1') for sign, _ in INSIDE),
        *((mask, f"PASS '{sign * LONG}{end}") for sign, end in INSIDE),
    ],
)
def test_a_long_text_takes_no_more_memory_than_its_length(read: Callable[[str], object], text: str) -> None:
    tracemalloc.start()
    try:
        with contextlib.suppress(ForetellError):
            read(text)
        assert tracemalloc.get_traced_memory()[1] < 200_000 + 20 * len(text)  # ways back took 200 for each character
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("text", "step"),
    [
        ("every=1000", Step(ns=1000 * MILLISECOND)),
        ("every=1h", Step(ns=3600 * SECOND)),
        ("every=15m", Step(ns=900 * SECOND)),
        ("every=2w", Step(ns=14 * DAY)),
        ("every=1n", Step(months=1)),
        ("every=1mo", Step(months=1)),
        ("every=2y", Step(months=24)),
        ("every=7b", Step(ns=7)),
    ],
)
def test_every(text: str, step: Step) -> None:
    assert read_options(text).every == step


def test_start() -> None:
    assert read_options("start=1700000000000").start == 1_700_000_000 * SECOND
    assert read_options("start=-1").start == -MILLISECOND
    assert read_options("start=5", unit=1).start == 5
    assert read_options("start=1970-01-02").start == DAY
    assert read_options("start=1970-01-01T01:00:00+01:00").start == 0
    with pytest.raises(InvalidInput, match="1678 to 2262"):
        read_options("start=99999999999999999")


def test_future_covariates() -> None:
    text = "rows=2,dynamic_real_1=[1, 2],dynamic_real_1_col=a,dynamic_real_2=[3 4],dynamic_real_2_col=b"
    assert read_options(text).future == {"a": (1, 2), "b": (3, 4)}
    with pytest.raises(InvalidInput, match="dynamic_real_1_col: needs"):
        read_options("dynamic_real_1_col=a")


def test_place_of_a_key() -> None:
    text = "algo=rows, rows = 3"
    assert text[place_of("rows", text) :] == "rows = 3"
    assert place_of("nosuch", text) == 0


@pytest.mark.parametrize("text", ["rows=+-5", "rows=-5", "rows=1_0", "start=+-5", "start=" + "9" * 5000])
def test_what_is_no_number_is_named(text: str) -> None:
    with pytest.raises(InvalidInput, match=f"{text.partition('=')[0]}: must"):
        read_options(text)


def test_a_number_may_have_a_sign() -> None:
    assert (read_options("rows=+5").rows, read_options("start=+5", unit=1).start) == (5, 5)
