"""Each error knows its status and code, speaks in one clear text, and survives the way out of a process."""

from __future__ import annotations

import pickle

import pytest

from foretell import errors
from foretell.errors import (
    LONGEST,
    WIDEST,
    AnodeError,
    AuthenticationFailed,
    BodyTooLarge,
    BodyTooLate,
    Cancelled,
    DatabaseExists,
    DatabaseInUse,
    DeadlineExceeded,
    ForetellError,
    InvalidInput,
    ModelFailed,
    NameTwice,
    NoDatabase,
    NoPrivilege,
    NoSuchColumn,
    NoSuchDatabase,
    NoSuchTable,
    NoSuchUser,
    NotAvailable,
    Overloaded,
    RepeatedTime,
    ServerUnreachable,
    SqlError,
    TableExists,
    TooManyRows,
    UnknownName,
    UserExists,
    ValueTooLong,
    WhiteNoise,
    WrongMediaType,
)

ALL = [
    InvalidInput("rows", "must be at least 1, got 0"),
    BodyTooLarge(1000),
    BodyTooLate(5),
    WrongMediaType("content-type", "must be application/json"),
    SqlError("no such column", "SELECT a\nFROM t", 7),
    *(
        kind("no", "SELECT a\nFROM t", 7)
        for kind in (NoPrivilege, NoDatabase, NoSuchDatabase, DatabaseExists, NoSuchTable, TableExists)
    ),
    *(kind("no", "SELECT a\nFROM t", 7) for kind in (NoSuchColumn, ValueTooLong, NoSuchUser, UserExists)),
    RepeatedTime("ts", "2024-01-01", "a"),
    NameTwice("forecast", "x", "a:A", "b:B"),
    AuthenticationFailed(),
    DatabaseInUse("plant.db is open in process 7"),
    TooManyRows("rows", "at most 1024, got 2000"),
    WhiteNoise(),
    UnknownName("model", "arma", ["arima", "ets"]),
    NotAvailable("needs torch"),
    Overloaded("the queue is full"),
    DeadlineExceeded(),
    Cancelled(),
    AnodeError(0x80000441, "127.0.0.1:1"),
    ModelFailed("died"),
    ServerUnreachable("is not there"),
]


@pytest.mark.parametrize("error", ALL, ids=lambda e: type(e).__name__)
def test_they_cross_a_process_boundary(error: ForetellError) -> None:
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is type(error)
    assert str(copy) == str(error)
    assert vars(copy) == vars(error)


def test_the_tree_in_the_docstring_is_the_tree() -> None:
    assert errors.__doc__ is not None
    classes = {c.__name__: c for c in vars(errors).values() if isinstance(c, type) and issubclass(c, ForetellError)}
    drawn = {}
    for line in errors.__doc__.splitlines():
        words = line.replace("|", " ").replace("`", " ").replace("--", " ").split()
        if words and words[0] in classes and words[-1].startswith("0x"):
            drawn[words[0]] = (int(words[-2]), int(words[-1], 16))
    assert drawn == {n: (c.http_status, c.tdengine_code) for n, c in classes.items() if c is not ForetellError}
    assert {type(e).__name__ for e in ALL} == set(drawn)


def test_messages_name_the_field() -> None:
    error = InvalidInput("rows", "must be at least 1, got 0")
    assert (str(error), error.field) == ("rows: must be at least 1, got 0", "rows")
    assert str(InvalidInput("", "empty")) == "empty"
    assert str(WhiteNoise()) == "white noise data not processed"


def test_an_unknown_name_offers_the_closest() -> None:
    assert str(UnknownName("model", "Arma", ["ets", "arima"])) == (
        "unknown model 'Arma', did you mean 'arima'? (known: arima, ets)"
    )
    assert "known: none" in str(UnknownName("model", "x", []))


def test_a_long_list_of_names_is_cut() -> None:
    said = str(UnknownName("column", "x", (f"c{i:04}" for i in range(2000))))
    assert said.endswith("c0018, c0019 and 1,980 more)")
    assert len(said) < 250


@pytest.mark.parametrize(
    ("position", "excerpt"),
    [
        (0, "line 1: SELECT a\n          ^"),
        (9, "line 2: FROM t\n          ^"),
        (14, "line 2: FROM t\n               ^"),
        (99, "line 2: FROM t\n                ^"),
    ],
)
def test_sql_errors_mark_the_place(position: int, excerpt: str) -> None:
    assert str(SqlError("wrong", "SELECT a\nFROM t", position)) == f"wrong\n  {excerpt}"


def test_sql_errors_without_a_place() -> None:
    assert str(SqlError("wrong", "SELECT a")) == "wrong"
    assert SqlError("wrong").http_status == 400


def test_long_texts_are_clipped() -> None:
    long = "x" * 1_000_000
    for error in (
        InvalidInput(long, long),
        SqlError(f"{long} is no type", f"SELECT {long}\nFROM t", 7),
        UnknownName("model", long, ["ets"]),
        ModelFailed(long),
    ):
        assert len(str(error)) < LONGEST + 10
        assert str(pickle.loads(pickle.dumps(error))) == str(error)


@pytest.mark.parametrize("position", [0, 5, 150, 300, 5_000, 9_700, 10_000])
def test_the_caret_stands_under_its_place_in_a_long_line(position: int) -> None:
    line = "".join(chr(0x4E00 + i) for i in range(10_000))
    _, shown, caret = str(SqlError("no", f"SELECT\n{line}\n;", 7 + position)).splitlines()
    assert shown.startswith("  line 2: ")
    assert len(shown) < WIDEST + 20
    assert shown[caret.index("^") :][:1] == line[position : position + 1]
