"""The console in a real browser: what a person does, and what she sees.

PICTURE=1 keeps the picture of docs/console.md.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from foretell.http_api import sql_door

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
SHOWN = ROOT / "docs" / "console.png"
AIR = "SELECT _frowts, _flow, _fhigh, FORECAST(passengers, 'algo=foretell-small,rows=24,wncheck=0') AS f FROM air"
DRAWN = "#plots canvas"


@pytest.fixture(scope="module")
def page(browser: Any, url: str) -> Iterator[Any]:
    """The console, with a user logged in and two files uploaded. Nothing but the server is ever asked."""
    found = new_page(browser, f"{url}/console")
    strangers: list[str] = []
    faults: list[str] = []
    found.on("request", lambda request: strangers.append(request.url) if not request.url.startswith(url) else None)
    found.on("pageerror", lambda error: faults.append(str(error)))
    found.reload()
    found.fill("#login-user", "root")
    found.fill("#login-password", "wrong")
    found.press("#login-password", "Enter")
    found.wait_for_selector("#login-error:has-text('Authentication')")
    log_in(found, "root", "taosdata")
    upload(found, EXAMPLES / "air_passengers.csv", "air", "144 rows in air")
    upload(found, EXAMPLES / "cloudwatch.parquet", "metrics", "series")
    yield found
    found.context.close()
    assert not [one for one in strangers if not one.startswith("data:")]
    assert not faults


def new_page(browser: Any, url: str) -> Any:
    """The page of a browser that has never been here."""
    context = browser.new_context(viewport={"width": 1200, "height": 900})
    context.set_default_timeout(60_000)
    page = context.new_page()
    page.goto(url)
    return page


def log_in(page: Any, user: str, password: str) -> None:
    page.fill("#login-user", user)
    page.fill("#login-password", password)
    page.press("#login-password", "Enter")
    page.wait_for_selector("#models button")
    page.wait_for_selector("#login:not([open])", state="attached")


@pytest.fixture
def other(browser: Any, url: str) -> Iterator[Any]:
    """Another browser, before the login."""
    page = new_page(browser, f"{url}/console")
    yield page
    page.context.close()


def upload(page: Any, file: Path, table: str, said: str) -> None:
    page.set_input_files("#file", str(file))
    page.fill("#upload-table", table)
    page.click("#upload button[type=submit]")
    page.wait_for_selector(f"#upload-said:has-text({said!r})")


def run(page: Any, text: str) -> str:
    """What is said when the statement is over."""
    page.fill("#sql", text)
    page.press("#sql", "Control+Enter")
    page.wait_for_selector("#state:not(.busy)")
    return str(page.inner_text("#state"))


def cells(page: Any, text: str) -> list[str]:
    """What the table says that a statement gives."""
    run(page, text)
    return [str(cell) for cell in page.locator("#result td").all_inner_texts()]


def chosen(page: Any) -> str:
    """The database that is shown as the current one."""
    return str(page.eval_on_selector("#database", "one => one.value"))


def offered(page: Any) -> list[str]:
    return [str(text) for text in page.locator("#history option").all_text_contents()[1:]]


def until(page: Any, condition: str) -> None:
    page.evaluate(
        f"new Promise((done) => {{ const look = () => {condition} ? done() : requestAnimationFrame(look); look() }})"
    )


def is_wide(page: Any) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"))


def test_a_forecast_is_a_table_and_a_picture(page: Any) -> None:
    assert re.match(r"24 rows, [\d.]+ s", run(page, AIR))
    assert page.locator("#result tbody tr").count() == 24
    assert page.locator("#result th").all_inner_texts()[3].split() == ["f", "DOUBLE"]
    assert page.locator(DRAWN).count() == 1
    labels = page.locator(".u-legend .u-label").all_inner_texts()
    assert [label.rstrip(":") for label in labels[1:]] == ["history", "forecast", "low", "high"]
    if os.environ.get("PICTURE"):
        page.screenshot(path=str(SHOWN))


def test_several_series_have_a_picture_each_and_anomalies_are_shaded(page: Any) -> None:
    run(page, "SELECT tbname, _frowts, FORECAST(value, 'algo=naive,rows=5,wncheck=0') FROM metrics PARTITION BY tbname")
    assert page.locator(DRAWN).count() > 1
    assert page.locator("figcaption").count() > 1
    text = "SELECT tbname, _wstart, _wend, COUNT(*) FROM metrics PARTITION BY tbname "
    before = shaded(page)
    said = run(page, text + "ANOMALY_WINDOW(value, 'algo=iqr,wncheck=0')")
    assert "row" in said, said + str(page.inner_text("#error"))
    assert page.locator(DRAWN).count() > 1
    assert shaded(page) > before


def test_pictures_say_what_they_leave_out_and_what_they_add(page: Any) -> None:
    here = "FROM metrics WHERE tbname LIKE '%5f5533'"
    run(page, f"SELECT _wstart, COUNT(*) {here} ANOMALY_WINDOW(value, 'algo=iqr,wncheck=0') LIMIT 1")
    said = page.inner_text("#plots .note")
    assert said == "4 windows found, all shaded; of 4,032 points the least and the largest of each stretch"
    run(page, f"SELECT _frowts, FORECAST(value, 'algo=naive,rows=5,wncheck=0') {here}")
    assert page.inner_text("#plots .note") == "the newest 2,000 of 4,032 points"
    run(page, AIR)
    assert page.locator("#plots .note").count() == 0


def test_tags_are_no_lines_and_one_row_no_series(page: Any) -> None:
    run(page, "CREATE STABLE tagged (ts TIMESTAMP, v DOUBLE, n INT) TAGS (line INT, place VARCHAR(9))")
    rows = "(0, 1.5, 4) (60000, 2.5, 5)"
    tables = [f"l{i} USING tagged TAGS ({i}, '{place}') VALUES {rows}" for i, place in ((7, "east"), (8, "west"))]
    run(page, f"INSERT INTO {' '.join(tables)} l9 USING tagged TAGS (9, 'north') VALUES (0, 3.5, 6)")
    for columns, titles in (("place, ts, line, v, n", ["east", "west"]), ("line, ts, n, v", ["7", "8"])):
        run(page, f"SELECT {columns} FROM tagged ORDER BY tbname")
        assert page.locator("figcaption").all_inner_texts() == titles
        labels = {text.rstrip(":") for text in page.locator(".u-legend .u-label").all_inner_texts()}
        assert labels == {"Time", "v", "n"}
        assert page.inner_text("#plots .note") == "series of one row are not drawn: 1"


def test_labels_of_large_numbers_are_whole_and_charts_follow_the_window(page: Any) -> None:
    run(page, "SELECT TIMESTAMP '2024-01-01' + to_hours(i::INT) AS ts, sin(i) * 9e9 AS v FROM range(50) r(i)")
    ink = """(() => { const one = document.querySelector('#plots canvas'), dots = one.getContext('2d');
        return dots.getImageData(0, 0, 2, one.height).data.some((value) => value) })()"""
    assert not page.evaluate(ink)
    for width in (320, 1200):
        page.set_viewport_size({"width": width, "height": 900})
        until(page, "document.querySelector('.uplot').offsetWidth === document.querySelector('.plot').clientWidth")
        assert not is_wide(page)


def test_headers_stay_whole_words_and_the_table_scrolls_in_its_box(page: Any) -> None:
    run(page, "SELECT " + ", ".join(f"{i} AS column_number_{i}" for i in range(120)))
    assert page.evaluate("Math.max(...[...document.querySelectorAll('th')].map((one) => one.offsetHeight))") < 60
    assert not is_wide(page)


def shaded(page: Any) -> int:
    """How many points of the pictures have the colour of anomalies, red rather than grey or blue."""
    return int(
        page.evaluate(
            """[...document.querySelectorAll('#plots canvas')].reduce((count, canvas) => {
                 const data = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
                 for (let i = 0; i < data.length; i += 4) count += data[i + 3] > 20 && data[i] > data[i + 2] + 60;
                 return count }, 0)"""
        )
    )


def test_a_plain_result_is_drawn_too_and_one_without_times_is_not(page: Any) -> None:
    run(page, "SELECT month, passengers FROM air")
    assert page.locator(DRAWN).count() == 1
    assert page.locator(".u-legend .u-label").nth(1).inner_text().startswith("passengers")
    run(page, "SELECT COUNT(*) FROM air")
    assert page.locator(DRAWN).count() == 0


def test_an_error_marks_its_place(page: Any) -> None:
    assert run(page, "SELECT passengers\nFROM aire") == "failed"
    assert page.inner_text("#error").startswith("Table does not exist: aire")
    assert page.inner_text("#error mark") == "aire"
    chosen = (
        "(() => { const s = document.getElementById('sql'); return s.value.slice(s.selectionStart, s.selectionEnd) })()"
    )
    assert page.evaluate(chosen) == "aire"
    assert page.locator("#result table").count() == 0


def test_an_error_behind_an_emoji_marks_its_place(page: Any) -> None:
    run(page, "SELECT '😀😀', volt FROM air")
    assert page.inner_text("#error mark") == "volt"


def test_numbers_are_shown_with_all_their_digits(page: Any) -> None:
    numbers = {"9007199254740993": "BIGINT", "18446744073709551615": "UBIGINT", "12345678901.25": "DOUBLE"}
    asked = ", ".join(f"{number}::{kind}" for number, kind in numbers.items())
    text = '9007199254740993 "'
    made = cells(page, f"SELECT {asked}, 0.1::DOUBLE + 0.2::DOUBLE, '{text}'")
    assert made == [*numbers, "0.30000000000000004", text]
    run(page, "SELECT TIMESTAMP '2024-01-01' + to_hours(i::INT) AS ts, 9007199254740993 + i AS v FROM range(9) r(i)")
    assert page.locator(DRAWN).count() == 1


def test_statements_run_one_after_the_other(page: Any) -> None:
    assert run(page, "SELECT 1; SELECT 'a;b' AS b, 2;").startswith("2 statements, 1 row")
    assert page.locator("#result td").all_inner_texts() == ["a;b", "2"]
    assert run(page, "SELECT 1;\nSELECT nothing FROM air") == "failed at statement 2; those before it are done"
    assert page.inner_text("#error mark") == "nothing"
    run(page, ";; -- words")
    assert page.inner_text("#error") == "there is no statement here"


def test_warnings_are_shown(page: Any) -> None:
    rows = " ".join(f"({i * 60000}, {i})" for i in range(30))
    run(page, "CREATE STABLE both (ts TIMESTAMP, v DOUBLE) TAGS (n INT)")
    run(page, f"INSERT INTO whole USING both TAGS (1) VALUES {rows} part USING both TAGS (2) VALUES (0, 1)")
    run(page, "SELECT tbname, FORECAST(v, 'algo=naive,rows=2') FROM both PARTITION BY tbname")
    assert "no forecast for part: failed: number of rows should between 10" in page.inner_text("#warnings")
    run(page, "SELECT 1")
    assert page.inner_text("#warnings") == ""


def test_what_is_written_is_shown_as_text(page: Any) -> None:
    run(page, "SELECT '<img src=x onerror=alert(1)>' AS harmless")
    assert page.inner_text("#result td") == "<img src=x onerror=alert(1)>"
    assert page.locator("#result img").count() == 0


def test_earlier_statements_come_back_with_keys_and_by_the_list(page: Any) -> None:
    for text in ("SELECT 11", "SELECT 22"):
        run(page, text)
    page.press("#sql", "Alt+ArrowUp")
    page.press("#sql", "Alt+ArrowUp")
    assert page.input_value("#sql") == "SELECT 11"
    page.press("#sql", "Alt+ArrowDown")
    assert page.input_value("#sql") == "SELECT 22"
    page.select_option("#history", label="SELECT 11")
    assert page.input_value("#sql") == "SELECT 11"


def test_what_was_being_written_comes_back_behind_the_newest(page: Any) -> None:
    run(page, "SELECT 33")
    page.fill("#sql", "SELECT half a")
    for key, text in (("Up", "SELECT 33"), ("Down", "SELECT half a"), ("Down", "SELECT half a")):
        page.press("#sql", f"Alt+Arrow{key}")
        assert page.input_value("#sql") == text


def test_a_full_storage_and_long_statements_stop_nothing(page: Any) -> None:
    run(page, "CREATE TABLE pasted (ts TIMESTAMP, v INT)")
    fill = """(() => { let size = 4e6, i = 0;
        while (size >= 1)
            try { localStorage.setItem('fill' + i++, 'x'.repeat(size)); } catch { size = size >> 1; } })()"""
    page.evaluate(fill)
    for k in range(2):
        rows = " ".join(f"({k}{i:06}, {i})" for i in range(2000))
        assert run(page, f"INSERT INTO pasted VALUES {rows}").startswith("done, 2000 rows")
    page.evaluate(
        "Object.keys(localStorage).filter((one) => /^fill/.test(one)).forEach((one) => localStorage.removeItem(one))"
    )
    assert cells(page, "SELECT COUNT(*) FROM pasted") == ["4000"]
    assert not [text for text in offered(page) if text.startswith("INSERT INTO pasted")]


def test_earlier_statements_are_those_of_their_user_until_the_log_out_and_never_have_a_password(other: Any) -> None:
    log_in(other, "root", "taosdata")
    run(other, "CREATE USER looker PASS 'only-to-look'")
    run(other, "SELECT 44")
    assert offered(other) == ["SELECT 44"]
    other.reload()
    other.wait_for_selector("#models button")
    assert offered(other) == ["SELECT 44"]
    other.click("#leave")
    other.wait_for_selector("#login[open]")
    assert (offered(other), other.evaluate("localStorage.length + sessionStorage.length")) == ([], 0)
    log_in(other, "looker", "only-to-look")
    assert (offered(other), chosen(other)) == ([], "")
    run(other, "ALTER USER looker PASS 'something-else-1'")
    other.wait_for_selector("#login-error:has-text('password of looker may have changed: log in again')")
    assert other.is_hidden("#error")
    log_in(other, "looker", "something-else-1")
    assert cells(other, "SELECT 55") == ["55"]


def test_a_database_that_is_gone_is_chosen_no_longer(page: Any, other: Any) -> None:
    log_in(other, "root", "taosdata")
    run(other, "CREATE DATABASE fleeting; USE fleeting")
    until(other, "document.getElementById('database').value === 'fleeting'")
    run(other, "DROP DATABASE fleeting")
    other.wait_for_selector("#warnings:has-text('fleeting is gone, or not for root: no database is chosen')")
    assert (chosen(other), cells(other, "SELECT 1")) == ("", ["1"])
    run(other, "CREATE DATABASE fleeting; USE fleeting")
    until(other, "document.getElementById('database').value === 'fleeting'")
    run(page, "DROP DATABASE fleeting")
    assert run(other, "SELECT 1") == "failed"
    other.wait_for_selector("#warnings:has-text('fleeting is gone')")
    assert cells(other, "SELECT 1") == ["1"]
    run(other, "CREATE DATABASE fleeting; USE fleeting")
    run(page, "DROP DATABASE fleeting")
    other.reload()
    other.wait_for_selector("#warnings:has-text('fleeting is gone')")
    assert "information_schema" in other.inner_text("#database")
    other.evaluate("sessionStorage.clear()")
    other.reload()
    log_in(other, "root", "taosdata")


def test_a_long_list_of_tables_says_that_it_goes_on(page: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sql_door, "MOST_ROWS", 5)
    made = "; ".join(f"CREATE TABLE n{i} (ts TIMESTAMP, v INT)" for i in range(8))
    run(page, f"CREATE DATABASE many; USE many; {made}")
    page.wait_for_selector("#tables li:has-text('and 3 more')", state="attached")
    monkeypatch.undo()
    run(page, "USE plant; DROP DATABASE many")
    page.wait_for_selector("#tables button >> text=air")


def test_a_statement_is_stopped(page: Any) -> None:
    page.fill("#sql", "SELECT COUNT(*) FROM range(100000000) a, range(100000000) b")
    page.press("#sql", "Control+Enter")
    page.wait_for_selector("#state.busy")
    page.keyboard.press("Escape")
    page.wait_for_selector("#state:text-is('stopped')")


def test_tables_models_and_anodes_propose_statements(page: Any) -> None:
    page.click("#tables button >> text=air")
    assert page.input_value("#sql").startswith("SELECT * FROM air")
    page.click("#models button >> text=/^theta/")
    assert "algo=theta" in page.input_value("#sql")
    assert "ready" in page.inner_text("#anodes")
    assert set(page.locator("#tables small").all_inner_texts()) == {"super-table"}


def test_narrow_and_dark(page: Any) -> None:
    page.click("#theme")
    back = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert back == "rgb(18, 22, 27)"
    page.click("#theme")
    run(page, AIR)
    dark_lines = """(() => { const one = document.querySelector('#plots canvas');
        const data = one.getContext('2d').getImageData(0, 0, one.width, one.height).data;
        let count = 0;
        for (let i = 0; i < data.length; i += 4) count += data[i + 3] > 200 && data[i] < 60 && data[i + 2] < 60;
        return count })()"""
    assert page.evaluate(dark_lines) > 100
    page.click("#theme")
    assert page.evaluate(dark_lines) < 10
    page.set_viewport_size({"width": 380, "height": 800})
    run(page, AIR)
    assert not is_wide(page)
    page.set_viewport_size({"width": 1200, "height": 900})
    page.click("#theme")
