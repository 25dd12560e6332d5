"""Line protocol, telnet lines and JSON: what points they tell, and what is no point."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foretell.errors import InvalidInput
from foretell.wire import taos_types as types
from foretell.wire.schemaless import JSON, LINE, TELNET, VALUE, Cell, Point, read_points

SECOND = 1_000_000_000


def one(line: str, unit: str = "ns", protocol: int = LINE) -> Point:
    (point,) = read_points(protocol, unit, line)
    return point


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("1", Cell(types.DOUBLE, 1.0)),
        ("-1.5e3", Cell(types.DOUBLE, -1500.0)),
        (".5f32", Cell(types.FLOAT, 0.5)),
        ("7i", Cell(types.BIGINT, 7)),
        ("7u8", Cell(types.UTINYINT, 7)),
        ("-7i16", Cell(types.SMALLINT, -7)),
        ("t", Cell(types.BOOL, True)),
        ("FALSE", Cell(types.BOOL, False)),
        ('"a, b=c \\"d\\""', Cell(types.VARCHAR, 'a, b=c "d"')),
        ('L"日本"', Cell(types.NCHAR, "日本")),
        ('""', Cell(types.VARCHAR, "")),
    ],
)
def test_values_of_lines(text: str, cell: Cell) -> None:
    assert one(f"t,a=b x={text} 1").cells == {"x": cell}


def test_a_line() -> None:
    point = one("my\\ table,tag\\,1=a\\=b,two=2 x=1,y=2i32 1700000000", "s")
    assert point == Point(
        "my table",
        1_700_000_000 * SECOND,
        {"tag,1": "a=b", "two": "2"},
        {"x": Cell(types.DOUBLE, 1.0), "y": Cell(types.INT, 2)},
    )
    assert one("a.b x=1 1").table == "a_b"
    assert abs(one("t x=1").time - time.time_ns()) < 60 * SECOND
    assert len(read_points(LINE, "ns", "\n# a comment\nt x=1 1\n\nt x=2 2\n")) == 2


def test_telnet_and_json() -> None:
    point = one("cpu 1700000000 2.5 host=a core=0", protocol=TELNET)
    assert point == Point("cpu", 1_700_000_000 * SECOND, {"host": "a", "core": "0"}, {VALUE: Cell(types.DOUBLE, 2.5)})
    assert one("cpu 1700000000123 1", protocol=TELNET).time == 1_700_000_000_123_000_000
    text = '{"metric":"m","timestamp":{"value":5,"type":"s"},"value":{"value":3,"type":"int"},"tags":{"a":1,"b":"x"}}'
    assert one(text, protocol=JSON) == Point("m", 5 * SECOND, {"a": "1", "b": "x"}, {VALUE: Cell(types.INT, 3)})


@pytest.mark.parametrize(
    ("protocol", "text"),
    [
        (LINE, ""),
        (LINE, "t"),
        (LINE, "t x"),
        (LINE, "t x=1 1 1"),
        (LINE, "t x=warm 1"),
        (LINE, "t x=1i99 1"),
        (LINE, "t x=1.5i32 1"),
        (LINE, "t,a x=1 1"),
        (LINE, ",a=b x=1 1"),
        (LINE, "t x=1 noon"),
        (LINE, "t x=1 99999999999999999999"),
        (LINE, "t x=1e39f32 1"),
        (LINE, "t x=1e309 1"),
        (LINE, 't x="never closed 1'),
        (TELNET, "cpu 1"),
        (TELNET, "cpu noon 1 a=b"),
        (JSON, "{"),
        (JSON, "[" * 100_000),
        (JSON, '{"metric":"m","timestamp":"noon","value":1}'),
        (JSON, '{"metric":"m","timestamp":{"value":1,"type":[]},"value":1}'),
        (JSON, '{"metric":"m","timestamp":1,"value":[1]}'),
        (JSON, f'{{"metric":"m","timestamp":1,"value":{10**400}}}'),
        (JSON, '{"metric":"m","timestamp":1,"value":{"value":1,"type":"blob"}}'),
        (9, "t x=1 1"),
    ],
)
def test_what_is_no_point_is_an_error(protocol: int, text: str) -> None:
    with pytest.raises(InvalidInput):
        read_points(protocol, "ns", text)


def test_an_unknown_unit() -> None:
    with pytest.raises(InvalidInput, match="known: n, ns"):
        read_points(LINE, "days", "t x=1 1")


words = st.text(min_size=1, max_size=6).filter(lambda text: not (set(text) & set("\\\n\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029")) and text.strip() == text)  # fmt: skip  # noqa: E501


def escaped(text: str) -> str:
    for mark in ',= "':
        text = text.replace(mark, f"\\{mark}")
    return text


@settings(max_examples=100, deadline=None)
@given(words, st.dictionaries(words, words, max_size=3), words)
def test_escaped_names_come_back(table: str, tags: dict[str, str], column: str) -> None:
    written = ",".join([escaped(table), *(f"{escaped(key)}={escaped(value)}" for key, value in tags.items())])
    if written.startswith("#"):
        return
    point = one(f"{written} {escaped(column)}=1 7")
    assert (point.table, point.tags, list(point.cells)) == (table.replace(".", "_"), tags, [column])


@settings(max_examples=200, deadline=None)
@given(st.sampled_from([LINE, TELNET, JSON]), st.text(alphabet='t,= "\\1iLx\n#{}[]:.', max_size=40))
def test_noise_is_points_or_an_error(protocol: int, text: str) -> None:
    try:
        read_points(protocol, "ms", text)
    except InvalidInput as error:
        assert str(error)
