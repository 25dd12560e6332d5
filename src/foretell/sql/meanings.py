"""TDengine's functions that DuckDB lacks, or has with another meaning, each written in DuckDB's words.

In a template {0} and {1} are the arguments, and

    {ts}      the time column of the block
    {epoch}   the function that counts times in microseconds, or in nanoseconds where the column has them
    {fine}    how many of these a microsecond has
    {ticks}   how many ticks of the column one of these has
    {stamp}   the type that holds them
    {over}    OVER (PARTITION BY groups ORDER BY ts)
    {groups}  PARTITION BY groups, or nothing
    {each}    PARTITION BY groups and a comma, to be gone on with
    {behind}  what the time zone is behind UTC at {0}

A duration among the arguments has become an INTERVAL.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

Kind = Literal["aggregate", "scalar", "rows"]


class Meaning(NamedTuple):
    """A function: its kind, a template for each number of arguments, fewest first, and a sentence for the reference.

    A selector has in `beside` the aggregate that gives another column of the row that it selects. A function of kind
    `rows` gives those rows of its input for which `keep` holds.
    """

    kind: Kind
    about: str
    sql: tuple[str, ...]
    fewest: int = 1
    beside: str = ""
    keep: str = ""

    def template(self, count: int) -> str | None:
        """How the call is written with that many arguments; None if it cannot have them."""
        return self.sql[count - self.fewest] if 0 <= count - self.fewest < len(self.sql) else None

    @property
    def needs_time(self) -> bool:
        return any("{ts}" in text or "{over}" in text for text in (*self.sql, self.keep))


_KNOWN = "OVER ({each} {0} IS NULL ORDER BY {ts})"
"""Over the rows that have a value, from one that has; another function beside this one may count the others too."""
_FRAME = "OVER ({each} {0} IS NULL ORDER BY {ts} ROWS BETWEEN {1} - 1 PRECEDING AND CURRENT ROW)"

CALLS: dict[str, Meaning] = {
    "FIRST": Meaning(
        "aggregate",
        "the oldest value that is not NULL; FIRST(*) is that of every column",
        ("arg_min({0}, {ts})",),
        beside="arg_min_null({}, CASE WHEN {0} IS NOT NULL THEN {ts} END)",
    ),
    "LAST": Meaning(
        "aggregate",
        "the newest value that is not NULL; LAST(*) is that of every column",
        ("arg_max({0}, {ts})",),
        beside="arg_max_null({}, CASE WHEN {0} IS NOT NULL THEN {ts} END)",
    ),
    "LAST_ROW": Meaning(
        "aggregate",
        "the value in the newest row, NULL too; LAST_ROW(*) is that of every column",
        ("arg_max_null({0}, {ts})",),
        beside="arg_max_null({}, {ts})",
    ),
    "SPREAD": Meaning("aggregate", "the greatest value less the smallest", ("(max({0}) - min({0}))",)),
    "PERCENTILE": Meaning(
        "aggregate", "the p-th percentile, interpolated", ("quantile_cont({0}, ({1}) / 100.0)",), fewest=2
    ),
    "APERCENTILE": Meaning(
        "aggregate",
        "the p-th percentile, approximately; the name of an algorithm may follow and does not matter",
        ("approx_quantile({0}, CAST(({1}) / 100.0 AS FLOAT))", "approx_quantile({0}, CAST(({1}) / 100.0 AS FLOAT))"),
        fewest=2,
    ),
    "HYPERLOGLOG": Meaning("aggregate", "how many different values, approximately", ("approx_count_distinct({0})",)),
    "ELAPSED": Meaning(
        "aggregate",
        "the time from the first row to the last, in ticks of the time column or in the given unit",
        (
            "(({epoch}(max({0})) - {epoch}(min({0}))) * {ticks})",
            "(({epoch}(max({0})) - {epoch}(min({0}))) / (epoch_us({1}) * {fine}))",
        ),
    ),
    "IRATE": Meaning(
        "aggregate",
        "the change per second between the last two values; of a counter that was set back, its new value",
        (
            "(CASE WHEN (arg_max({0}, {ts}, 2))[1] < (arg_max({0}, {ts}, 2))[2] THEN (arg_max({0}, {ts}, 2))[1]"
            " ELSE (arg_max({0}, {ts}, 2))[1] - (arg_max({0}, {ts}, 2))[2] END * (1e6 * {fine}) / ({epoch}(max({ts})"
            " FILTER ({0} IS NOT NULL)) - {epoch}((arg_max({ts}, CASE WHEN {0} IS NOT NULL THEN {ts} END, 2))[2])))",
        ),
    ),
    "TIMETRUNCATE": Meaning(
        "scalar",
        "the time cut down to a multiple of a unit, counted from 1970 in the time zone (0 as a third argument: in UTC)",
        (
            "time_bucket({1}, CAST(CAST({0} AS {stamp}) AS TIMESTAMP), TIMESTAMP '1970-01-01' + {behind})",
            "time_bucket({1}, CAST(CAST({0} AS {stamp}) AS TIMESTAMP), TIMESTAMP '1970-01-01' + {behind} * ({2}))",
        ),
        fewest=2,
    ),
    "TIMEDIFF": Meaning(
        "scalar",
        "the first time less the second, in ticks of the time column or in whole given units",
        (
            "CAST(trunc(({epoch}(CAST({0} AS {stamp})) - {epoch}(CAST({1} AS {stamp}))) * {ticks}) AS BIGINT)",
            "CAST(trunc(({epoch}(CAST({0} AS {stamp})) - {epoch}(CAST({1} AS {stamp}))) / (epoch_us({2}) * {fine}))"
            " AS BIGINT)",
        ),
        fewest=2,
    ),
    "TO_ISO8601": Meaning(
        "scalar",
        "the time as text, with the time zone",
        (
            "(strftime(CAST(CAST({0} AS {stamp}) AS TIMESTAMP) - {behind}, '%Y-%m-%dT%H:%M:%S.%g')"
            " || printf('%+03d%02d', -epoch({behind})::INT // 3600, abs(epoch({behind})::INT) // 60 % 60))",
        ),
    ),
    "TO_UNIXTIMESTAMP": Meaning(
        "scalar",
        "a text as a number of ticks since 1970; as a time if a second argument is 1",
        (
            "CAST({epoch}(CAST({0} AS {stamp})) * {ticks} AS BIGINT)",
            "CAST({0} AS TIMESTAMP)",
        ),
    ),
    "DIFF": Meaning(
        "rows",
        "the value less the one before; the first row of a group gives none",
        ("({0} - lag({0}) {over})",),
        keep="row_number() {over} > 1",
    ),
    "DERIVATIVE": Meaning(
        "rows",
        "the change from the value before, per the given unit of time; a third argument 1 leaves out falls",
        (
            f"(({{0}} - lag({{0}}) {_KNOWN}) * (epoch_us({{1}})::DOUBLE * {{fine}})"
            f" / ({{epoch}}({{ts}}) - lag({{epoch}}({{ts}})) {_KNOWN}))",
        ),
        fewest=3,
        keep=f"{{0}} IS NOT NULL AND row_number() {_KNOWN} > 1 AND ({{2}} = 0 OR {{0}} >= lag({{0}}) {_KNOWN})",
    ),
    "CSUM": Meaning(
        "rows",
        "the sum of the values so far",
        ("sum({0}) OVER ({groups} ORDER BY {ts} ROWS UNBOUNDED PRECEDING)",),
        keep="{0} IS NOT NULL",
    ),
    "MAVG": Meaning(
        "rows",
        "the average of k values, from the k-th on",
        (f"avg({{0}}) {_FRAME}",),
        fewest=2,
        keep=f"{{0}} IS NOT NULL AND row_number() {_KNOWN} >= {{1}}",
    ),
    "TOP": Meaning(
        "rows",
        "the k greatest values, with the columns of their rows",
        ("{0}",),
        fewest=2,
        keep="{0} IS NOT NULL AND row_number() OVER ({groups} ORDER BY {0} DESC NULLS LAST, {ts}) <= {1}",
    ),
    "BOTTOM": Meaning(
        "rows",
        "the k smallest values, with the columns of their rows",
        ("{0}",),
        fewest=2,
        keep="{0} IS NOT NULL AND row_number() OVER ({groups} ORDER BY {0} NULLS LAST, {ts}) <= {1}",
    ),
    "TAIL": Meaning(
        "rows",
        "the k newest values, with the columns of their rows",
        ("{0}",),
        fewest=2,
        keep="row_number() OVER ({groups} ORDER BY {ts} DESC) <= {1}",
    ),
    "UNIQUE": Meaning(
        "rows",
        "each different value once, with the columns of its oldest row",
        ("{0}",),
        keep="row_number() OVER ({each} {0} ORDER BY {ts}) = 1",
    ),
    "SAMPLE": Meaning(
        "rows",
        "k values, picked by a hash of value and time, with the columns of their rows",
        ("{0}",),
        fewest=2,
        keep="{0} IS NOT NULL AND row_number() OVER ({each} {0} IS NULL ORDER BY hash({0}, {ts})) <= {1}",
    ),
}

OF_DATABASE: dict[str, Meaning] = {
    "STDDEV": Meaning("aggregate", "the standard deviation of all values (n, not n - 1)", ("stddev_pop({0})",)),
    "VARIANCE": Meaning("aggregate", "the variance of all values (n, not n - 1)", ("var_pop({0})",)),
    "LOG": Meaning("scalar", "the natural logarithm, or that to a base", ("ln({0})", "(ln({0}) / ln({1}))")),
    "LENGTH": Meaning("scalar", "how many bytes a text has", ("strlen({0})",)),
    "DAYOFWEEK": Meaning("scalar", "1 for Sunday to 7 for Saturday", ("(dayofweek({0}) + 1)",)),
    "WEEKDAY": Meaning("scalar", "0 for Monday to 6 for Sunday", ("(isodow({0}) - 1)",)),
    "TRUNCATE": Meaning("scalar", "the number cut after so many digits", ("trunc({0}, {1})",), fewest=2),
    "RAND": Meaning("scalar", "a number between 0 and 1 by chance", ("random()",), fewest=0),
}
"""What DuckDB has under the same name with another meaning. Over files it is DuckDB's."""
