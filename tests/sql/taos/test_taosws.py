"""taosws, TDengine's WebSocket client for Python, unmodified."""

from __future__ import annotations

import base64
import datetime as dt
import math
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

taosws = pytest.importorskip("taosws", reason="the package taos-ws-py is not installed: its registry was out of reach")

NUMBERS = {
    "b": ("BOOL", True, False),
    "i1": ("TINYINT", -128, 127),
    "i2": ("SMALLINT", -(2**15), 2**15 - 1),
    "i4": ("INT", -(2**31), 2**31 - 1),
    "i8": ("BIGINT", -(2**63) + 1, 2**63 - 1),
    "u1": ("TINYINT UNSIGNED", 0, 255),
    "u2": ("SMALLINT UNSIGNED", 0, 2**16 - 1),
    "u4": ("INT UNSIGNED", 0, 2**32 - 1),
    "u8": ("BIGINT UNSIGNED", 0, 2**64 - 1),
    "f4": ("FLOAT", -1.5, 2.25),
    "f8": ("DOUBLE", -1e300, math.pi),
    "s": ("VARCHAR(40)", "", "it's"),
    "n": ("NCHAR(10)", "日本語", "ü"),
}


@pytest.fixture(scope="module")
def power(host: str) -> Iterator[str]:
    """The DSN of a database of its own."""
    connection = taosws.connect(f"taosws://root:taosdata@{host}")
    connection.execute("DROP DATABASE IF EXISTS ws_power")
    connection.execute("CREATE DATABASE ws_power PRECISION 'ms'")
    yield f"taosws://root:taosdata@{host}/ws_power"
    connection.close()


@pytest.fixture
def cursor(power: str) -> Any:
    return taosws.connect(power).cursor()


def rows(cursor: Any, sql: str) -> list[tuple[Any, ...]]:
    cursor.execute(sql)
    return list(cursor.fetchall())


def literal(value: Any) -> str:
    if isinstance(value, str):
        escaped = value.replace("'", "''")
        return f"'{escaped}'"
    return str(value).lower()


def test_all_scalar_types_and_nulls(cursor: Any) -> None:
    columns = ", ".join(f"{name} {kind}" for name, (kind, *_) in NUMBERS.items())
    cursor.execute(f"CREATE TABLE kinds (ts TIMESTAMP, {columns})")
    values = [[kind[i] for kind in NUMBERS.values()] for i in (1, 2)] + [[None] * len(NUMBERS)]
    written = " ".join(
        f"({1_700_000_000_000 + i}, {', '.join('NULL' if v is None else literal(v) for v in row)})"
        for i, row in enumerate(values)
    )
    assert cursor.execute(f"INSERT INTO kinds VALUES {written}") == 3
    found = rows(cursor, "SELECT * FROM kinds ORDER BY ts")
    assert [list(row[1:]) for row in found] == values
    start = dt.datetime(2023, 11, 14, 22, 13, 20, tzinfo=dt.UTC)
    assert [row[0] for row in found] == [start + dt.timedelta(milliseconds=i) for i in range(3)]
    assert [column[0] for column in cursor.description] == ["ts", *NUMBERS]
    assert [column[1:] for column in cursor.description[-2:]] == [(8, 40), (10, 10)]


def test_types_of_results_that_no_table_has(cursor: Any) -> None:
    [row] = rows(cursor, "SELECT count(*), 1.5::DECIMAL(10, 2), NULL, sum(i4), avg(i4) FROM kinds")
    assert row == (3, Decimal("1.50"), None, -1, -0.5)


def test_fetching(cursor: Any) -> None:
    cursor.execute("CREATE TABLE steps (ts TIMESTAMP, v INT)")
    cursor.execute("INSERT INTO steps VALUES " + " ".join(f"({1_700_000_000_000 + i}, {i})" for i in range(5)))
    cursor.execute("SELECT v FROM steps ORDER BY ts")
    assert cursor.fetchone() == (0,)
    assert cursor.fetchmany(2) == [(1,), (2,)]


def test_two_hundred_thousand_rows(cursor: Any) -> None:
    found = rows(cursor, "SELECT i::INT AS i, i * 0.5::DOUBLE AS v, 'd' || (i % 7) AS d FROM range(200000) t(i)")
    assert len(found) == 200_000
    assert found[::50_000] == [(i, i * 0.5, f"d{i % 7}") for i in range(0, 200_000, 50_000)]


def test_times_in_every_precision(power: str, host: str) -> None:
    connection = taosws.connect(f"taosws://root:taosdata@{host}")
    for unit, stamp in (("us", 1_700_000_000_123_456), ("ns", 1_700_000_000_123_456_789)):
        connection.execute(f"CREATE DATABASE IF NOT EXISTS ws_{unit} PRECISION '{unit}'")
        cursor = taosws.connect(f"taosws://root:taosdata@{host}/ws_{unit}").cursor()
        cursor.execute("CREATE TABLE IF NOT EXISTS t (ts TIMESTAMP, v INT)")
        cursor.execute(f"INSERT INTO t VALUES ({stamp}, 1)")
        [[found]] = rows(cursor, "SELECT ts FROM t")
        assert found == stamp if unit == "ns" else found.isoformat() == "2023-11-14T22:13:20.123456+00:00"


def test_errors(cursor: Any, host: str) -> None:
    with pytest.raises(taosws.Error, match="0x2603"):
        cursor.execute("SELECT * FROM nothing_here")
    with pytest.raises(taosws.Error, match="0x0388"):
        taosws.connect(f"taosws://root:taosdata@{host}/nowhere")
    with pytest.raises(taosws.Error, match="0x0357"):
        taosws.connect(f"taosws://root:wrong@{host}")
    assert rows(cursor, "SELECT 1") == [(1,)]


def test_use_is_state_of_one_connection(host: str, power: str) -> None:
    connection = taosws.connect(f"taosws://root:taosdata@{host}")
    cursor = connection.cursor()
    cursor.execute("USE ws_power")
    cursor.execute("CREATE TABLE IF NOT EXISTS used (ts TIMESTAMP, v INT)")
    assert rows(cursor, "SELECT * FROM used") == []
    with pytest.raises(taosws.Error):
        connection.cursor().execute("SELECT * FROM used")


def test_prepared_inserts(power: str) -> None:
    connection = taosws.connect(power)
    connection.execute("CREATE STABLE meters (ts TIMESTAMP, v FLOAT, note NCHAR(8)) TAGS (place VARCHAR(24), no INT)")
    statement = connection.stmt2_statement()
    statement.prepare("INSERT INTO ? USING meters TAGS (?, ?) VALUES (?, ?, ?)")
    start = 1_700_000_000_000
    for part in range(2):
        bound = [
            taosws.stmt2_bind_param_view(
                f"m{i}",
                [taosws.varchar_to_tag(f"room {i}"), taosws.int_to_tag(None if i == 2 else i)],
                [
                    taosws.millis_timestamps_to_column([start + 10 * part + k for k in range(3)]),
                    taosws.floats_to_column([0.5 * i, None, 2.5]),
                    taosws.nchar_to_column(["ä", None, "c"]),
                ],
            )
            for i in range(3)
        ]
        statement.bind(bound)
        assert statement.execute() == 9
    cursor = connection.cursor()
    assert rows(cursor, "SELECT count(*) FROM meters") == [(18,)]
    assert rows(cursor, "SELECT place, no, v, note FROM m2 ORDER BY ts LIMIT 2") == [
        ("room 2", None, 1.0, "ä"),
        ("room 2", None, None, None),
    ]


def test_prepared_statements_of_other_forms(power: str) -> None:
    connection = taosws.connect(power)
    connection.execute("CREATE STABLE IF NOT EXISTS forms (ts TIMESTAMP, a INT, b INT) TAGS (t INT)")
    connection.execute("CREATE TABLE IF NOT EXISTS f1 USING forms TAGS (1)")
    statement = connection.stmt2_statement()
    times = taosws.millis_timestamps_to_column([1_700_000_000_000])
    ones, twos = taosws.ints_to_column([1]), taosws.ints_to_column([2])
    statement.prepare("INSERT INTO ws_power.f1 (ts, b) VALUES (?, ?)")
    statement.bind([taosws.stmt2_bind_param_view(None, None, [times, ones])])
    assert statement.execute() == 1
    statement.prepare("INSERT INTO forms (tbname, t, ts, a) VALUES (?, ?, ?, ?)")
    statement.bind([taosws.stmt2_bind_param_view("f2", [taosws.int_to_tag(7)], [times, twos])])
    assert statement.execute() == 1
    cursor = connection.cursor()
    assert rows(cursor, "SELECT tbname, a, b, t FROM forms ORDER BY t") == [("f1", None, 1, 1), ("f2", 2, None, 7)]
    statement.prepare("INSERT INTO f3 USING forms TAGS (?) VALUES (?, ?, ?)")
    statement.bind([taosws.stmt2_bind_param_view(None, [taosws.int_to_tag(8)], [times, ones, ones])])
    assert statement.execute() == 1
    assert rows(cursor, "SELECT a, t FROM f3") == [(1, 8)]
    statement.prepare("INSERT INTO ? VALUES (?, ?, ?)")
    statement.bind([taosws.stmt2_bind_param_view(f"ws_power.f{i}", None, [times, twos, twos]) for i in (2, 3)])
    with pytest.raises(taosws.Error):
        statement.execute()
    statement.prepare("INSERT INTO ? (ts, a, b) VALUES (?, ?, ?)")
    statement.bind([taosws.stmt2_bind_param_view(f"ws_power.f{i}", None, [times, twos, twos]) for i in (2, 3)])
    assert statement.execute() == 2
    assert rows(cursor, "SELECT a, b FROM f3") == [(2, 2)]
    statement.prepare("SELECT t, a FROM forms WHERE a = ? AND t > ?")
    statement.bind([taosws.stmt2_bind_param_view(None, None, [twos, ones])])
    statement.execute()
    assert sorted(statement.result_set()) == [(7, 2), (8, 2)]


def test_what_cannot_be_prepared(power: str) -> None:
    statement = taosws.connect(power).stmt2_statement()
    for sql, said in (
        ("INSERT INTO nothing VALUES (?)", "nothing"),
        ("INSERT INTO ? USING", "name is expected"),
        ("INSERT INTO forms VALUES (1, ?)", "nothing but"),
        ("INSERT INTO forms VALUES (?)", "parameters for"),
    ):
        with pytest.raises(taosws.Error, match=said):
            statement.prepare(sql)
    with pytest.raises(taosws.Error):
        statement.execute()


def test_schemaless_lines(power: str) -> None:
    connection = taosws.connect(power)
    line, unit = taosws.PySchemalessProtocol.Line, taosws.PySchemalessPrecision.Millisecond
    first = [
        'weather,city=New\\ York,no=1 temp=20.5,wet=3i32,txt="a, b",ok=t,name=L"zä" 1700000000000',
        "weather,city=Rome temp=21.5 1700000000000",
    ]
    connection.schemaless_insert(first, line, unit, 0, 1)
    connection.schemaless_insert(
        [f'weather,city=Rome temp=22.5,more=1u8,txt="{"x" * 50}" 1700000001000'], line, unit, 0, 2
    )
    cursor = connection.cursor()
    found = rows(cursor, "SELECT city, no, temp, wet, txt, ok, name, more FROM weather ORDER BY city, _ts")
    assert found == [
        ("New York", "1", 20.5, 3, "a, b", True, "zä", None),
        ("Rome", None, 21.5, None, None, None, None, None),
        ("Rome", None, 22.5, None, "x" * 50, None, None, 1),
    ]
    with pytest.raises(taosws.Error, match="line 1"):
        connection.schemaless_insert(["weather,city=Rome temp=warm 1"], line, unit, 0, 3)


def test_schemaless_of_opentsdb(power: str) -> None:
    connection = taosws.connect(power)
    unit = taosws.PySchemalessPrecision.Second
    telnet = ["cpu.load 1700000000 1.5 host=a core=0", "cpu.load 1700000001 2.5 host=a core=0"]
    connection.schemaless_insert(telnet, taosws.PySchemalessProtocol.Telnet, unit, 0, 1)
    text = '[{"metric":"mem","timestamp":1700000000000,"value":7,"tags":{"host":"a"}}]'
    connection.schemaless_insert([text], taosws.PySchemalessProtocol.Json, unit, 0, 2)
    cursor = connection.cursor()
    assert rows(cursor, "SELECT _value, host FROM cpu_load ORDER BY _ts") == [(1.5, "a"), (2.5, "a")]
    assert rows(cursor, "SELECT _value, host FROM mem") == [(7.0, "a")]


@pytest.mark.filterwarnings("ignore:Dialect taosws")
def test_sqlalchemy(host: str, power: str) -> None:
    sqlalchemy = pytest.importorskip("sqlalchemy")
    # taospy, which is here too, has a dialect of this name for TDengine's native library
    sqlalchemy.dialects.registry.register("taosws", "taosws.sqlalchemy", "TaosWsDialect")
    engine = sqlalchemy.create_engine(power)
    with engine.connect() as connection:
        connection.execute(sqlalchemy.text("CREATE TABLE IF NOT EXISTS alchemy (ts TIMESTAMP, v INT)"))
        connection.execute(sqlalchemy.text("INSERT INTO alchemy VALUES (1700000000000, 7)"))
        found = connection.execute(sqlalchemy.text("SELECT v FROM alchemy"))
        assert [tuple(row) for row in found] == [(7,)]
        inspector = sqlalchemy.inspect(engine)
        assert "alchemy" in inspector.get_table_names()
        assert "ws_power" in inspector.get_schema_names()
        assert [column["name"] for column in inspector.get_columns("alchemy")] == ["ts", "v"]
    engine.dispose()


def test_types_of_bytes_decimals_and_json(power: str) -> None:
    connection = taosws.connect(power)
    connection.execute(
        "CREATE STABLE rare (ts TIMESTAMP, d DECIMAL(10, 2), vb VARBINARY(20), g GEOMETRY(100), b BLOB) TAGS (j JSON)"
    )
    connection.execute("""CREATE TABLE r1 USING rare TAGS ('{"a": 1}')""")
    connection.execute(
        "INSERT INTO r1 (ts, d, vb) VALUES (1700000000000, -1.5, '\\x00ff'), (1700000000001, NULL, NULL)"
    )
    statement = connection.stmt2_statement()
    statement.prepare("INSERT INTO r1 (ts, vb, g, b) VALUES (?, ?, ?, ?)")
    values = [
        taosws.millis_timestamps_to_column([1_700_000_000_002]),
        taosws.varbinary_to_column([b"\x01\x02"]),
        taosws.geometry_to_column([b"\x01" * 21]),
        taosws.blob_to_column([b"x" * 70_000]),
    ]
    statement.bind([taosws.stmt2_bind_param_view(None, None, values)])
    assert statement.execute() == 1
    assert rows(connection.cursor(), "SELECT d, vb, g, b, j FROM rare ORDER BY ts") == [
        (Decimal("-1.50"), b"\x00\xff", None, None, '{"a": 1}'),
        (None, None, None, None, '{"a": 1}'),
        (None, b"\x01\x02", b"\x01" * 21, b"x" * 70_000, '{"a": 1}'),
    ]


def test_tokens(host: str) -> None:
    token = base64.b64encode(b"root:taosdata").decode()  # what /rest/login gives
    for field in ("token", "bearer_token"):
        connection = taosws.connect(f"taosws://{host}?{field}={token}")
        assert list(connection.query("SELECT current_user()")) == [("root",)]
        with pytest.raises(taosws.Error, match="0x0357"):
            taosws.connect(f"taosws://{host}?{field}=nothing")


def test_the_older_prepared_statements_are_refused(power: str) -> None:
    with pytest.raises(taosws.Error, match="unknown action 'init'"):
        taosws.connect(power).statement()
