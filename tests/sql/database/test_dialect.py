"""The dialect as fixtures: every statement is run over one database."""

from __future__ import annotations

import duckdb
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from foretell.errors import ForetellError, SqlError
from foretell.sql.database import Connection
from foretell.sql.database.show import _is_like
from tests.sql.database.conftest import rows
from tests.sql.pairs import Fault, Pair, faults, pairs


@pytest.mark.parametrize("pair", list(pairs("dialect.sql")), ids=lambda p: p.name)
def test_pair(pair: Pair, plant: Connection) -> None:
    with duckdb.connect() as plain:
        expected = plain.sql(pair.plain)
        assert rows(plant, pair.ours) == expected.fetchall()


@pytest.mark.parametrize("fault", list(faults("dialect_errors.sql")), ids=lambda f: f.name)
def test_error(fault: Fault, plant: Connection) -> None:
    with pytest.raises(SqlError) as caught:
        plant.run(fault.statement)
    error = caught.value
    assert fault.message in str(error).partition("\n  line ")[0]
    if fault.place:
        assert error.position is not None
        assert fault.statement[error.position :].startswith(fault.place)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("SELECT * FROM nowhere", 0x2603),
        ("SELECT * FROM nodb.t", 0x388),
        ("SELECT nothing FROM d1001", 0x2602),
        ("SELEC 1", 0x2600),
        ("SELECT 1 FROM", 0x2600),
        ("CREATE DATABASE power", 0x381),
        ("CREATE TABLE log (ts TIMESTAMP, v INT)", 0x603),
        ("DROP USER nobody", 0x351),
        ("INSERT INTO log (ts, message) VALUES (9, '123456789012345678901')", 0x2653),
    ],
)
def test_errors_have_the_codes_of_tdengine(text: str, code: int, plant: Connection) -> None:
    with pytest.raises(ForetellError) as caught:
        plant.run(text)
    assert caught.value.tdengine_code == 0x80000000 | code


@pytest.mark.parametrize(
    "head",
    ["EXPLAIN /* c */ ANALYZE", "EXPLAIN -- c\n", "explain/**/analyze", "EXPLAIN /*a*/ (/*b*/ FORMAT json /*c*/)"],
)
def test_comments_stand_in_explain(head: str, plant: Connection) -> None:
    assert len(plant.run(f"{head} SELECT 1").table) == 1
    with pytest.raises(SqlError, match=r"only queries may be run here|cannot be read here"):
        plant.run(f"{head} INSERT INTO memory.power.log (ts) SELECT now()")


@pytest.mark.parametrize("text", ["PIVOT log ON level", "SELECT * FROM (PIVOT meters ON groupid USING max(voltage))"])
def test_pivot_is_told_its_values(text: str, plant: Connection) -> None:
    with pytest.raises(SqlError, match=r"PIVOT needs its values here: PIVOT t ON column IN"):
        plant.run(text)


def test_no_database_is_current_at_first(plant: Connection) -> None:
    with plant._home.connect() as fresh:
        for text in ("SELECT * FROM d1001", "SHOW TABLES", "INSERT INTO d1001 VALUES (1, 2, 3, 4)", "DROP TABLE log"):
            with pytest.raises(SqlError) as caught:
                fresh.run(text)
            assert caught.value.tdengine_code == 0x80002616, text


def test_columns_are_looked_up_once_and_again_after_a_change(empty: Connection) -> None:
    empty.run("CREATE TABLE n (ts TIMESTAMP, v INT)")
    query = "SELECT last(*) FROM n"
    assert empty.run(query).table.column_names == ["last(ts)", "last(v)"]
    assert empty._home.described
    empty.run("ALTER TABLE n ADD COLUMN w INT")
    assert empty.run(query).table.column_names == ["last(ts)", "last(v)", "last(w)"]
    empty.run("DROP TABLE n")
    empty.run("CREATE TABLE n (ts TIMESTAMP, x INT)")
    assert empty.run(query).table.column_names == ["last(ts)", "last(x)"]


@pytest.mark.parametrize(
    "text",
    [
        "SELECT FORECAST(v, 'algo=naive') FROM s WHERE tbname = 'a'",
        "SELECT _frowts AS t, forecast(v, 'algo=naive') f, _flow, _FHIGH, _fstatus FROM a",
        "SELECT tbname, t, _frowts, FORECAST(v, 'algo=naive,rows=2') FROM s PARTITION BY tbname, t",
        "SELECT s.tbname x, FORECAST(v, 'algo=naive,rows=2') AS \"F\" FROM s PARTITION BY s.tbname",
        "SELECT DTW(v, w) FROM a",
        "SELECT _improwts, IMPUTATION(v) FROM a",
    ],
)
def test_a_result_that_is_taken_as_it_is_equals_that_through_duckdb(
    text: str, empty: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    empty.run("CREATE STABLE s (ts TIMESTAMP, v DOUBLE, w DOUBLE) TAGS (t INT)")
    for name in "ab":
        values = " ".join(f"({i * 1000}, {i % 5}, {i % 7})" for i in range(40))
        empty.run(f"INSERT INTO {name} USING s TAGS (1) VALUES {values}")
    taken = empty.run(text)
    monkeypatch.setattr("foretell.sql.selects.taken", lambda *_: None)
    made = empty.run(text)
    assert taken.columns == made.columns
    assert taken.table.to_pylist() == made.table.to_pylist()
    assert taken.raw is not None and made.raw is not None
    assert taken.raw.table.schema == made.raw.table.schema


@pytest.mark.parametrize(
    "text",
    [
        """SELECT _wstart, AVG(current) AS "{}" FROM meters WHERE ts >= '2018-10-03' AND ts < '2018-10-04'
        AND '{}' = '{}'
        INTERVAL(12h) FILL(NULL)""",
        """SELECT _wstart, AVG(current) FROM meters WHERE ts >= CASE WHEN '{}' = '{}' THEN TIMESTAMP '2018-10-03' END
        AND ts < '2018-10-04' INTERVAL(12h) FILL(NULL)""",
        """SELECT _irowts, INTERP(current) AS "{}" FROM d1001 RANGE('2018-10-03', '2018-10-04')
        EVERY(12h) FILL(NULL)""",
        """SELECT "{}", AVG(current) FROM (SELECT ts, current, '{}' AS "{}" FROM d1001) GROUP BY "{}" """,
        """SELECT FIRST("{}") FROM (SELECT ts, current AS "{}" FROM d1001) STATE_WINDOW("{}")""",
    ],
)
def test_braces_are_like_other_characters(text: str, plant: Connection) -> None:
    assert plant.run(text).table.num_rows > 0


@pytest.mark.parametrize("text", ["SELECT AVG(voltage) FROM meters WHERE ts >= '{}' INTERVAL(1h) FILL(PREV)"])
def test_braces_in_what_is_no_time(text: str, plant: Connection) -> None:
    with pytest.raises(SqlError, match=r"\{\}"):
        plant.run(text)


def is_like(text: str, pattern: str) -> bool:
    """LIKE as its definition says, one character after the other."""
    if not pattern:
        return not text
    if pattern[0] == "%":
        return is_like(text, pattern[1:]) or (bool(text) and is_like(text[1:], pattern))
    return bool(text) and pattern[0] in ("_", text[0]) and is_like(text[1:], pattern[1:])


@given(st.text("ab.\n", max_size=8), st.text("ab.%_\n", max_size=6))
@example("aab", "a%ab")
@example("a", "a%a")
@example("ab", "%%_%b%%")
def test_like_is_what_its_definition_says(text: str, pattern: str) -> None:
    assert _is_like(text, pattern) is is_like(text, pattern)


@pytest.mark.parametrize("pattern", ["%" * 50 + "x", "%_" * 25 + "%x", "%a" * 25 + "%x", "%" * 1_000_000])
def test_like_takes_no_longer_for_many_signs(pattern: str, plant: Connection) -> None:
    found = plant.run(f"SHOW DATABASES LIKE '{pattern}'").table.num_rows
    assert found == (0 if pattern.endswith("x") else plant.run("SHOW DATABASES").table.num_rows)
    assert not _is_like("a" * 2_000, pattern) or not pattern.endswith("x")
