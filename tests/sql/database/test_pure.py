"""Which of DuckDB's functions a query from a network may call: somebody has looked at each."""

from __future__ import annotations

import re

import duckdb
import pytest

from foretell.errors import SqlError
from foretell.sql.database import Connection
from foretell.sql.database.pure import PURE
from tests.sql.database.conftest import rows

NOT_PURE = re.compile(
    r"__.*|(icu_)?collate_.*|is( not)? distinct from"  # DuckDB's own insides, and COLLATE
    r"|current_(?!date$|local|timestamp$).*|pg_.*|inet_.*|has_.*|get_block_size|getvariable|in_search_path|version"
    r"|(session_)?user|(sh)?obj_description|col_description|map_to_pg_oid|format_pg_type|format_type|txid_current"
    r"|nextval|setval|currval|sleep_ms|write_log|parse_duckdb_log_message|stats|vector_type"
    r"|json_(de)?serialize_.*|from_json.*|json_transform.*|json_contains|.*variant.*|json_copy_.*"
    r"|index_key|create_sort_key|icu_sort_key|hive_partition_component|constant_or_null|can_cast_implicitly"
    r"|cast_to_type|make_type|get_type|replace_type|remap_struct|to_aggregate_state|combine(_aggr)?|finalize|invoke"
    r"|(bitstring|timetz)_byte_comparable|is_histogram_other_bin|sum_no_overflow|decimal_(average|division)"
    r"|normalized_interval|array_to_string_comma_default|st_.*|vertex_extract",
    re.IGNORECASE,
)
"""Those that are left out, and why is told in `pure`."""
FUNCTIONS = """
SELECT DISTINCT lower(function_name) FROM duckdb_functions()
WHERE function_type IN ('scalar', 'aggregate', 'macro', 'window')
"""


def test_somebody_has_looked_at_each_function_of_this_duckdb() -> None:
    """A newer DuckDB with new functions: read what they do, then put each into `pure` or above."""
    known = {name for (name,) in duckdb.connect().execute(FUNCTIONS).fetchall()}
    assert {name for name in known - PURE if not NOT_PURE.fullmatch(name)} == set()
    assert {name for name in PURE if NOT_PURE.fullmatch(name)} == set()
    assert PURE - known == {"unnest"}  # which DuckDB has no entry for


@pytest.mark.parametrize(
    "call",
    [
        "json_serialize_plan('FROM memory.power.log')",
        "json_serialize_sql('SELECT 1')",
        "'FROM memory.power.log'.JSON_SERIALIZE_PLAN()",
        "\"json_serialize_plan\"('FROM memory.power.log')",
        "json_contains('[[1]]', '[1]')",
        "from_json('[]', '[\"INT\"]')",
        "json_transform_strict('{}', '{}')",
        "variant_typeof(1)",
        "stats(1)",
        "version()",
        "avgg(1)",
    ],
)
def test_other_functions_are_refused_by_name(call: str, plant: Connection) -> None:
    with pytest.raises(SqlError, match=r"\w+ cannot be called here"):
        plant.run(f"SELECT {call}")


def test_a_word_that_is_nearly_a_function_is_guessed(plant: Connection) -> None:
    with pytest.raises(SqlError, match=r"avgg cannot be called here; did you mean avg"):
        plant.run("SELECT avgg(voltage) FROM power.meters")


@pytest.mark.parametrize("kind", ["VARIANT", "variant[]", "STRUCT(a VARIANT)", "MAP(VARCHAR, Variant)"])
@pytest.mark.parametrize("cast", ["CAST('[[1]]'::JSON AS {})", "'[[1]]'::JSON::{}", "TRY_CAST(NULL AS {})"])
def test_nothing_becomes_a_variant(cast: str, kind: str, plant: Connection) -> None:
    with pytest.raises(SqlError, match=r"(?i)variant is no type for queries here"):
        plant.run(f"SELECT {cast.format(kind)}")


def test_lambdas_stand_in_few_others(plant: Connection) -> None:
    def nested(count: int) -> str:
        return "SELECT len(" + "list_transform([1], lambda x: " * count + "1" + ")" * count + ")"

    assert rows(plant, nested(4)) == [(1,)]
    with pytest.raises(SqlError, match="4 lambdas inside of each other"):
        plant.run(nested(5))
    following = "list_transform(" * 9 + "[1]" + ", lambda x: x + 1)" * 9
    assert rows(plant, f"SELECT {following}[1], [y FOR y IN [1, 2] IF y > 1][1]") == [(10, 2)]


def test_what_becomes_a_call_by_its_syntax_is_allowed(plant: Connection) -> None:
    assert rows(
        plant,
        "SELECT 5!, 'ab' LIKE 'a%' ESCAPE 'x', 'a' SIMILAR TO 'a', DATE '2024-01-02' AT TIME ZONE 'UTC' IS NULL, "
        "extract(year FROM DATE '2024-01-02'), position('b' IN 'ab'), trim(BOTH ' ' FROM ' a '), {'a': 1}.a, "
        "MAP {1: 2}[1], [1, 2][1:2][2], '{\"a\": 1}' ->> 'a', 'a' GLOB '*', coalesce(NULL, 1), "
        "interval (1) day IS NULL, (SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY i) FROM range(3) t(i)), "
        "unnest([7]), 'a' ~ 'a', ABS(-1)",
    ) == [(120, True, True, False, 2024, 2, "a", 1, 2, 2, "1", True, 1, False, 1.0, 7, True, 1)]
