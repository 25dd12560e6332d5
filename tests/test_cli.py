"""The command line as people use it: mistakes get one line that helps, nothing is written over."""

from __future__ import annotations

import io
import json
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from foretell import admin
from foretell.cli import main
from foretell.errors import SqlError
from foretell.sql.session import Session
from foretell.sql.whole_file import read_file

ROOT = Path(__file__).parents[1]
AIR = str(ROOT / "examples" / "air_passengers.csv")
MANY = str(ROOT / "examples" / "cloudwatch.parquet")
SQL = f"SELECT _frowts, FORECAST(passengers, 'algo=naive,rows=2') AS f FROM '{AIR}'"


class Done(NamedTuple):
    code: int
    stdout_bytes: bytes
    stderr: str

    @property
    def stdout(self) -> str:
        return self.stdout_bytes.decode()


Command = Callable[..., Done]


@pytest.fixture
def foretell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]) -> Command:
    """Run the command line in an empty folder."""

    def run(*arguments: str, stdin: str = "") -> Done:
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(sys, "argv", ["foretell", *arguments])
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin.encode())))
        with pytest.raises(SystemExit) as ended:
            main()
        sys.stdout.flush()
        out, err = capfdbinary.readouterr()
        return Done(int(ended.value.code or 0), out, err.decode())

    return run


def test_sql_prints_each_format(foretell: Command) -> None:
    table = foretell("sql", SQL)
    assert table.stdout.splitlines()[2] == "1961-01-01  432.000"
    rows = json.loads(foretell("sql", SQL, "-f", "json").stdout)
    assert rows == [
        {"_frowts": "1961-01-01T00:00:00Z", "f": 432.0},
        {"_frowts": "1961-02-01T00:00:00Z", "f": 432.0},
    ]
    assert foretell("sql", SQL, "-f", "csv").stdout.startswith("_frowts,f\n1961-01-01")


@pytest.mark.parametrize("argument", [[], ["-"]])
def test_statements_come_from_stdin_too_and_several_at_once(foretell: Command, argument: list[str]) -> None:
    done = foretell("sql", *argument, "-f", "csv", stdin="SELECT 1 AS a; SELECT ';' AS b;")
    assert done.stdout == "a\n1\n\nb\n;\n"


SCRIPT = "CREATE TABLE x AS SELECT 1 AS a; SET threads=1; INSERT INTO x VALUES (2); CREATE TABLE y(b INT); FROM x"


@pytest.mark.parametrize("plain", ["CREATE TABLE x AS SELECT 1 AS a", "SET threads=1"])
@pytest.mark.parametrize("format", ["csv", "json", "arrow"])
def test_programs_get_the_rows_of_queries_only(foretell: Command, format: str, plain: str) -> None:
    assert foretell("sql", plain, "-f", format).stdout_bytes == b""
    out = foretell("sql", SCRIPT, "-f", format)
    assert (out.code, out.stderr) == (0, "")
    if format == "csv":
        assert out.stdout == "a\n1\n2\n"
    elif format == "json":
        assert json.loads(out.stdout) == [{"a": 1}, {"a": 2}]
    else:
        assert pa.ipc.open_stream(out.stdout_bytes).read_all().to_pylist() == [{"a": 1}, {"a": 2}]


def test_people_see_how_many_rows_were_written(foretell: Command) -> None:
    assert foretell("sql", SCRIPT).stdout == "Count\n-----\n    1\n\nCount\n-----\n    1\n\na\n-\n1\n2\n"


def test_json_is_one_array_whatever_the_script(foretell: Command) -> None:
    done = foretell("sql", 'SELECT 1 AS a; SELECT 2 AS "Count"', "-f", "json")
    assert json.loads(done.stdout) == [{"Count": 2}]
    assert done.stderr == "WARNING: json holds one result, the last; --format csv shows all 2\n"


@pytest.mark.parametrize("comment", ["-- of one", "--of one", "--"])
def test_sql_may_begin_with_a_comment(foretell: Command, comment: str) -> None:
    done = foretell("sql", f"{comment}\nSELECT 1 AS a", "-f", "csv")
    assert (done.stdout, done.stderr) == ("a\n1\n", "")
    assert "No such option: --fromat" in foretell("sql", "--fromat", "csv").stderr


def test_a_database_file_keeps_what_is_put_into_it(foretell: Command) -> None:
    foretell("sql", f"CREATE TABLE air AS FROM '{AIR}'", "--db", "x.db")
    done = foretell("sql", "SELECT FORECAST(passengers, 'algo=naive,rows=1') FROM air", "--db", "x.db")
    assert done.stdout.splitlines()[-1].strip() == "432.000"


@pytest.mark.parametrize("ending", ["csv", "json", "parquet", "arrow"])
def test_a_forecast_goes_into_a_file(foretell: Command, tmp_path: Path, ending: str) -> None:
    done = foretell("forecast", MANY, "-n", "3", "-m", "naive", "--id", "metric", "--out", f"o.{ending}")
    assert done.code == 0, done.stderr
    assert "51 rows written to o." in done.stderr
    if ending == "parquet":
        assert pq.read_table(tmp_path / "o.parquet").num_rows == 51


@pytest.mark.parametrize("stdin", ["-", "/dev/stdin"])
def test_a_file_may_come_from_stdin(foretell: Command, stdin: str) -> None:
    rows = Path(AIR).read_text()
    forecast = ["-n", "3", "-m", "naive", "-f", "csv"]
    assert foretell("forecast", stdin, *forecast, stdin=rows).stdout == foretell("forecast", AIR, *forecast).stdout
    assert foretell("evaluate", stdin, "-n", "3", "-m", "naive", stdin=rows).code == 0


def test_options_and_levels_reach_the_model(foretell: Command) -> None:
    arguments = ["-n", "1", "-m", "seasonal_naive", "-o", "period=12", "--levels", "0.05,0.95", "-f", "json"]
    (row,) = json.loads(foretell("forecast", AIR, *arguments).stdout)
    assert row["point"] == 417
    assert row["q0.05"] < 417 < row["q0.95"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["sql", SQL, "-f", "xml"], "--format: must be one of table, csv, json, arrow"),
        (["sql", "SELECT FORECAST(v) FROM 'nothing.csv'"], "nothing.csv"),
        (["sql", "SELEC 1"], "SELEC"),
        (["forecast", "nothing.csv", "-n", "3"], "nothing.csv"),
        (["forecast", AIR, "-n", "0"], "horizon"),
        (["forecast", AIR, "-n", "3", "-m", "nave"], "did you mean 'naive'"),
        (["forecast", AIR, "-n", "3", "--levels", "low"], "--levels"),
        (["forecast", AIR, "-n", "3", "--levels", "90"], "levels: must lie between 0 and 1"),
        (["forecast", AIR, "-n", "3", "-o", "period"], "--option"),
        (["forecast", AIR, "-n", "3", "--value", "month"], "month"),
        (["forecast", AIR, "-n", "3", "--out", "x.xls"], "--out"),
        (["forecast", AIR, "-n", "3", "--plot", "no/folder.png"], "no folder"),
        (["models", "nave"], "did you mean 'naive'"),
        (["evaluate", AIR, "-n", "3", "-m", ""], "--models: name at least one"),
        (["forecast", AIR, "-n", "0", "-m", "ets"], "horizon: must be at least 1, got 0"),
        (["evaluate", AIR, "-n", "3", "-m", "ets", "-o", "period=7"], "name the model, as in theta.period=7"),
        (["evaluate", AIR, "-n", "3", "-m", "ets", "-o", "theta.period=7"], "some for theta, which is not among"),
        (["evaluate", AIR, "-n", "3", "-m", "ets", "-o", "ets.perod=7"], "period"),
        (["models", "pull"], "say which model"),
        (["models", "pull", "ets"], "known: timemoe-200m"),
        (["models", "grubs"], "did you mean 'grubbs'"),
        (["forecast", str(ROOT / "examples"), "-n", "3"], "examples is a folder; name its files"),
        (["sql", "SELECT 1", "--plot", "x.png", "--url", "http://127.0.0.1:1"], "not with --url"),
        (["sql", "SELECT 1", "--url", "root:taosdata@127.0.0.1:1"], "must be like http://root"),
        (["sql", "SHOW DATABASES", "--db", "no/folder.db"], "db: there is no folder no"),
        (["sql", "SHOW DATABASES", "--db", AIR], "is no database file"),
        (["batch", MANY, "out", "-n", "3", "--ray", "auto"], "--ray: is for --engine ray"),
        (["serve", "--plugins", "nowhere"], "plugins: nowhere is no folder"),
        (["sql", "SELECT 1", "--timeout", "0"], "--timeout: must be a number of seconds above 0, got 0"),
        (["sql", "SELECT 1", "--timeout", "inf"], "--timeout: must be"),
        (["forecast", "nothing.csv", "-n", "3"], "file: there is no nothing.csv\n"),
        (["forecast", "nothing*.csv", "-n", "3"], 'match the pattern "nothing*.csv"\n'),
        (["forecast", "-", "-n", "3"], "file: stdin has no rows\n"),
        (
            ["forecast", MANY, "-n", "3", "--id", "", "--value", "value"],
            "series apart as id_col (--id); further columns: metric\n",
        ),
        (["reload", "--url", "http://127.0.0.1:1", "--port", "1"], "--port: is a part of --url"),
    ],
)
def test_a_mistake_gets_one_line_that_names_it(foretell: Command, arguments: list[str], says: str) -> None:
    done = foretell(*arguments)
    assert done.code == 2
    assert done.stdout == ""
    assert done.stderr.startswith("error: ")
    assert says in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(("flag", "name"), [("--out", "kept.csv"), ("--plot", "kept.png")])
def test_nothing_is_written_over_unless_asked(foretell: Command, tmp_path: Path, flag: str, name: str) -> None:
    (tmp_path / name).write_text("mine")
    arguments = ["forecast", AIR, "-n", "3", "-m", "naive", flag, name]
    assert "exists" in foretell(*arguments).stderr
    assert (tmp_path / name).read_text() == "mine"
    assert foretell(*arguments, "--overwrite").code == 0
    assert (tmp_path / name).read_bytes() != b"mine"


def test_series_without_a_forecast_are_told_and_fail_if_there_is_no_other(foretell: Command, tmp_path: Path) -> None:
    rows = "unique_id,ds,y\nb,2024-01-01,2\n"
    (tmp_path / "one.csv").write_text(rows)
    done = foretell("forecast", "one.csv", "-n", "2", "--out", "made.csv")
    assert (done.code, done.stderr) == (1, "error: the series is without a forecast: too_short\n")
    assert not (tmp_path / "made.csv").exists()
    assert foretell("forecast", "one.csv", "-n", "2", "-m", "naive").stderr == done.stderr
    (tmp_path / "two.csv").write_text(rows + "".join(f"a,2024-01-0{day},{day}\n" for day in range(1, 9)))
    done = foretell("forecast", "two.csv", "-n", "2")
    assert (done.code, done.stderr) == (0, "WARNING: no forecast for b: too_short\n")


def test_a_horizon_that_one_of_the_models_does_not_reach_names_it(foretell: Command) -> None:
    rows = "y\n" + "".join(f"{n % 7}\n" for n in range(3000))
    done = foretell("evaluate", "-", "-n", "1100", "-m", "naive,foretell-small", stdin=rows)
    assert (done.code, done.stderr) == (2, "error: horizon: foretell-small gives 1024 at most, got 1100\n")


@pytest.mark.parametrize("text", ["", "month,passengers\n"])
def test_a_file_without_rows_is_named(foretell: Command, tmp_path: Path, text: str) -> None:
    (tmp_path / "empty.csv").write_text(text)
    for command in (["forecast", "empty.csv", "-n", "3"], ["evaluate", "empty.csv", "-n", "3", "-m", "naive"]):
        done = foretell(*command)
        assert (done.code, done.stderr) == (2, "error: file: empty.csv has no rows\n")


def test_a_day_that_may_be_a_month_is_told(foretell: Command, tmp_path: Path) -> None:
    for text, warned in (("{:02}/01/2023", True), ("01.{:02}.2023", False), ("2023-{:02}-01", False)):
        rows = "".join(f"{text.format(n)},{n}\n" for n in range(1, 13))
        (tmp_path / "mdy.csv").write_text("day,y\n" + rows)
        done = foretell("forecast", "mdy.csv", "-n", "2", "-m", "naive")
        assert (done.code, "day was read with the days first, such as 2023-01-01, though" in done.stderr) == (0, warned)
    (tmp_path / "mdy.csv").write_text("day,y\n" + "".join(f"{n:02}/01/2023,{n}\n" for n in range(1, 13)))
    advice = re.search(r'foretell sql "(.*)"', foretell("forecast", "mdy.csv", "-n", "2", "-m", "naive").stderr)
    assert advice is not None and foretell("sql", advice[1]).code == 0
    done = foretell("forecast", "new.parquet", "-n", "1", "-m", "naive", "-f", "csv")
    assert (done.stdout.splitlines()[1][:10], done.stderr) == ("2024-01-01", "")


def test_days_that_may_be_months_in_many_files_are_told(foretell: Command, tmp_path: Path) -> None:
    for month in (1, 2):
        rows = "".join(f"{month:02}/{day:02}/2023,{day}\n" for day in range(1, 13))
        (tmp_path / f"p{month}.csv").write_text("day,y\n" + rows)
    done = foretell("forecast", "p*.csv", "-n", "2", "-m", "naive")
    assert (done.code, "p*.csv: day was read with the" in done.stderr) == (0, True)


def test_a_warning_never_fails_a_read() -> None:
    def ask(query: str) -> pa.Table:
        if "sniff_csv" in query:
            raise SqlError("one file only")
        return pa.table({"day": pa.array([0], pa.date32())})

    assert read_file("https://host/p*.csv", "p*.csv", ask, pytest.fail).num_rows == 1


@pytest.mark.parametrize("written", ["%d/%m/%y", "%d.%m.%y", "%m-%d-%y", "%d.%m.%y %H:%M:%S"])
def test_a_day_that_may_be_a_year_is_told(foretell: Command, tmp_path: Path, written: str) -> None:
    """And how to read it, from a file and from stdin."""
    days = [datetime(2024, 1, day) for day in range(1, 11)]
    text = "day,y\n" + "".join(f"{day:{written}},{day.day}\n" for day in days)
    (tmp_path / "data.csv").write_text(text)
    done = foretell("forecast", "data.csv", "-n", "2", "-m", "naive")
    assert f"day was read with the years first, such as 2001-01-24, though {written} fits too" in done.stderr
    piped = foretell("forecast", "-", "-n", "2", "-m", "naive", stdin=text)
    assert "if that is wrong, save it as data.csv and write it anew first" in piped.stderr
    advices = [re.search(r'foretell sql "(.*)"', one.stderr) for one in (done, piped)]
    assert advices[0] is not None and advices[1] is not None and advices[0][1] == advices[1][1]
    assert foretell("sql", advices[0][1]).code == 0
    done = foretell("forecast", "new.parquet", "-n", "1", "-m", "naive", "-f", "csv")
    assert (done.stdout.splitlines()[1][:10], done.stderr) == ("2024-01-11", "")


def test_years_that_can_be_nothing_else_are_no_doubt(foretell: Command, tmp_path: Path) -> None:
    (tmp_path / "old.csv").write_text("day,y\n" + "".join(f"98/01/{n:02},{n}\n" for n in range(1, 13)))
    assert foretell("forecast", "old.csv", "-n", "2", "-m", "naive").stderr == ""


def test_a_file_that_is_not_utf8_says_how_to_read_it(foretell: Command, tmp_path: Path) -> None:
    (tmp_path / "old.csv").write_text("Datum;Käse\n" + "".join(f"2024-01-{n:02};{n}\n" for n in range(1, 9)), "latin-1")
    done = foretell("forecast", "old.csv", "-n", "2")
    assert (done.code, "This file is not utf-8 encoded; if it is Latin-1, write it anew" in done.stderr) == (2, True)
    advice = re.search(r'foretell sql "(.*)"', done.stderr)
    assert advice is not None and foretell("sql", advice[1]).code == 0
    assert foretell("forecast", "new.parquet", "-n", "1", "-m", "naive").code == 0


def test_the_pattern_for_a_folder_names_the_files_in_it(foretell: Command, tmp_path: Path) -> None:
    (tmp_path / "hive" / "year=2024").mkdir(parents=True)
    (tmp_path / "flat").mkdir()
    (tmp_path / "flat" / "x.csv").write_text("")
    (tmp_path / "hive" / "year=2024" / "x.parquet").write_text("")
    assert "such as 'flat/*.csv'" in foretell("forecast", "flat", "-n", "1").stderr
    assert "such as 'hive/**/*.parquet'" in foretell("forecast", "hive/", "-n", "1").stderr


def test_an_extension_is_named_and_not_fetched(foretell: Command, tmp_path: Path) -> None:
    (tmp_path / "sales.xlsx").write_bytes(b"PK")
    statement = ["sql", "FROM 'sales.xlsx'"]
    for arguments in (statement, [*statement, "--db", "own.db"], ["forecast", "sales.xlsx", "-n", "1"]):
        done = foretell(*arguments)
        assert done.code == 2
        assert "needs DuckDB's extension excel, which is not installed: INSTALL excel" in done.stderr
        assert "save the sheet as CSV or Parquet" in done.stderr
    [(setting,)] = Session().sql("SELECT current_setting('autoinstall_known_extensions')").fetchall()
    assert setting is False


def test_a_reload_without_a_server_says_so(foretell: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    done = foretell("reload", "--url", "http://127.0.0.1:1")
    assert done.code == 1
    assert "no server of this user and state_dir was started at http://127.0.0.1:1" in done.stderr
    assert foretell("reload", "--port", "1").stderr == done.stderr
    done = foretell("health", "--url", "http://127.0.0.1:1")
    assert (done.code, "no server answers at http://127.0.0.1:1: " in done.stderr) == (1, True)
    assert foretell("health", "--port", "1").stderr == done.stderr
    done = foretell("reload", "--url", "127.0.0.1:6035")
    assert (done.code, "url: must be like http://127.0.0.1:6035" in done.stderr) == (2, True)


@pytest.mark.parametrize(
    ("url", "token", "message"),
    [
        ("http://elsewhere.example:6035", "", "url: must be https or on this machine"),
        ("http://elsewhere.example:6035", "a-secret-of-ours", "url: must be https or on this machine"),
        ("https://elsewhere.example:6035", "", "admin_token: is needed for elsewhere.example"),
    ],
)
def test_the_secret_of_a_reload_does_not_leave_the_machine(
    foretell: Command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, url: str, token: str, message: str
) -> None:
    (tmp_path / "admin-6035.token").write_text("made-at-the-start")
    monkeypatch.setenv("FORETELL_STATE_DIR", str(tmp_path))
    monkeypatch.setenv("FORETELL_ADMIN_TOKEN", token)
    monkeypatch.setattr(admin, "_ask", lambda *_: pytest.fail("it was asked"))
    done = foretell("reload", "--url", url)
    assert (done.code, message in done.stderr) == (2, True), done.stderr


def test_a_picture_of_nothing_is_an_error(foretell: Command) -> None:
    done = foretell("sql", "SELECT 1", "--plot", "x.png")
    assert (done.code, "no statement has FORECAST, ANOMALY_WINDOW or IMPUTATION" in done.stderr) == (2, True)


@pytest.mark.parametrize(
    "statement",
    [
        f"SELECT _wstart FROM '{AIR}' ANOMALY_WINDOW(passengers, 'algo=iqr')",
        f"SELECT IMPUTATION(passengers, 'algo=linear') FROM '{AIR}' WHERE month <> '1955-10-01'",
        f"SELECT IMPUTATION(passengers, 'algo=linear') FROM '{AIR}' PARTITION BY month < '1949-02-01'",
    ],
)
def test_anomalies_and_imputed_points_are_drawn(foretell: Command, tmp_path: Path, statement: str) -> None:
    done = foretell("sql", statement, "--plot", "x.png")
    assert (done.code, "picture: x.png" in done.stderr) == (0, True), done.stderr
    assert (tmp_path / "x.png").read_bytes()[:4] == b"\x89PNG"


def test_months_of_a_parquet_file_are_those_of_its_time_zone(foretell: Command, tmp_path: Path) -> None:
    months = pa.array(np.arange("2024-01", "2025-01", dtype="M8[M]").astype("M8[us]"))
    local = pc.assume_timezone(months, "Europe/Berlin")
    pq.write_table(pa.table({"ds": local, "y": np.arange(12.0)}), tmp_path / "months.parquet")
    for path in ("months.parquet", str(tmp_path / "mon*.parquet")):
        rows = json.loads(foretell("forecast", path, "-n", "4", "-m", "naive", "-f", "json").stdout)
        ahead = ["2024-12-31T23", "2025-01-31T23", "2025-02-28T23", "2025-03-31T22"]
        assert [row["ds"] for row in rows] == [f"{hour}:00:00Z" for hour in ahead]


def test_an_evaluation_takes_options_and_writes_its_windows(foretell: Command, tmp_path: Path) -> None:
    arguments = ["evaluate", AIR, "-n", "6", "-m", "seasonal_naive", "-w", "2", "-f", "csv"]
    plain = foretell(*arguments, "--out", "plain.csv")
    told = foretell(*arguments, "--out", "told.csv", "-o", "snaive.period=1")
    assert (plain.code, told.code) == (0, 0)
    first, second = ((tmp_path / name).read_text().splitlines() for name in ("plain.csv", "told.csv"))
    assert len(first) == len(second) == 1 + 2
    assert first[0].startswith("unique_id,window,origin,start,model,status")
    assert first[1:] != second[1:]


def test_an_evaluation_says_which_series_take_no_part(foretell: Command, tmp_path: Path) -> None:
    rows = [f"{name},2026-01-{day},{day if name == 'a' else ''}\n" for name in "ab" for day in range(10, 30)]
    (tmp_path / "two.csv").write_text("unique_id,ds,y\n" + "".join(rows))
    done = foretell("evaluate", "two.csv", "-n", "2", "-m", "naive")
    assert done.code == 0
    assert "WARNING: no window in 1 series, too short or empty at the end (horizon 2): b" in done.stderr


def test_worker_processes_give_the_same_answer(foretell: Command) -> None:
    arguments = ["forecast", MANY, "-n", "3", "-m", "seasonal_naive", "--id", "metric", "-f", "csv"]
    alone = foretell(*arguments)
    helped = foretell(*arguments, "--workers", "2")
    assert helped.stdout == alone.stdout
    assert alone.stdout.count("\n") == 52


def test_a_timeout_ends_the_work(foretell: Command) -> None:
    done = foretell("forecast", MANY, "-n", "3", "--id", "metric", "--timeout", "0.001")
    assert done.code == 1
    assert "deadline" in done.stderr


def test_models_lists_and_describes(foretell: Command) -> None:
    assert "seasonal_naive" in foretell("models").stdout
    page = foretell("models", "HoltWinters").stdout
    assert "seasonal" in page
    assert "add, mul" in page


def test_a_wrong_setting_is_named(foretell: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORETELL_WORKRES", "1")
    assert "FORETELL_WORKRES" in foretell("sql", SQL).stderr


def test_sql_keeps_databases_in_a_file(foretell: Command) -> None:
    made = foretell(
        "sql",
        "CREATE DATABASE power; USE power;\n"
        "CREATE STABLE meters (ts TIMESTAMP, v INT) TAGS (site VARCHAR(8));\n"
        "INSERT INTO d1 USING meters TAGS ('x') VALUES (1, 2) (2, 3);\n"
        "SELECT site, v FROM meters ORDER BY ts",
        "--db",
        "plant.db",
        "--format",
        "csv",
    )
    assert made.stdout == "site,v\nx,2\nx,3\n"
    again = foretell(
        "sql", "SELECT tbname, sum(v) AS s FROM power.meters GROUP BY tbname", "--db", "plant.db", "-f", "csv"
    )
    assert again.stdout == "tbname,s\nd1,5\n"
    wrong = foretell("sql", "SELECT 1;\n\nSELECT nothing FROM power.meters", "--db", "plant.db", "-f", "csv")
    assert wrong.code == 2
    assert "line 3: SELECT nothing" in wrong.stderr


def test_sql_asks_a_file_or_a_server(foretell: Command) -> None:
    both = foretell("sql", "SELECT 1", "--db", "x.db", "--url", "http://127.0.0.1:1")
    assert (both.code, "not both" in both.stderr) == (2, True)
    nobody = foretell("sql", "SELECT 1", "--url", "http://root:secret-of-mine@127.0.0.1:1")
    assert nobody.code == 1
    assert "no server answers at 127.0.0.1:1" in nobody.stderr
    assert "secret-of-mine" not in nobody.stderr
    assert foretell("sql", "SELECT 1", "--url", "ftp://x").code == 2


INTERRUPTIBLE = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
from foretell.algorithms.forecast.arima import Arima
from foretell.cli import main
from foretell.errors import SqlError
from foretell.sql.session import Session
from foretell.sql.whole_file import read_file

def forever(*arguments, plain=Arima.forecast):
    print("begun", flush=True)
    while True:
        plain(*arguments)

Arima.forecast = forever
sys.argv = ["foretell", "evaluate", "examples/air_passengers.csv", "-n", "6", "-m", "arima", "--period", "12"]
main()
"""


def test_ctrl_c_ends_a_computation_at_once() -> None:
    """statsforecast in another thread keeps Python from waking the one that waits."""
    with subprocess.Popen(
        [sys.executable, "-c", INTERRUPTIBLE], stdout=subprocess.PIPE, text=True, cwd=ROOT
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "begun\n"
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 130
