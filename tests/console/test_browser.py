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

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
SHOWN = ROOT / "docs" / "console.png"
AIR = "SELECT _frowts, _flow, _fhigh, FORECAST(passengers, 'algo=foretell-small,rows=24,wncheck=0') AS f FROM air"
DRAWN = "#plots canvas"


@pytest.fixture(scope="module")
def page(browser: Any, url: str) -> Iterator[Any]:
    """The console, with a user logged in and two files uploaded. Nothing but the server is ever asked."""
    context = browser.new_context(viewport={"width": 1200, "height": 900})
    context.set_default_timeout(60_000)
    found = context.new_page()
    strangers: list[str] = []
    faults: list[str] = []
    found.on("request", lambda request: strangers.append(request.url) if not request.url.startswith(url) else None)
    found.on("pageerror", lambda error: faults.append(str(error)))
    found.goto(f"{url}/console")
    found.fill("#login-user", "root")
    found.fill("#login-password", "wrong")
    found.press("#login-password", "Enter")
    found.wait_for_selector("#login-error:has-text('Authentication')")
    found.fill("#login-password", "taosdata")
    found.press("#login-password", "Enter")
    found.wait_for_selector("#models button")
    upload(found, EXAMPLES / "air_passengers.csv", "air", "144 rows in air")
    upload(found, EXAMPLES / "cloudwatch.parquet", "metrics", "series")
    yield found
    context.close()
    assert not [one for one in strangers if not one.startswith("data:")]
    assert not faults


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
    assert page.locator("#tables small").all_inner_texts() == ["super-table"]


def test_narrow_and_dark(page: Any) -> None:
    page.click("#theme")
    back = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert back == "rgb(18, 22, 27)"
    page.set_viewport_size({"width": 380, "height": 800})
    run(page, AIR)
    assert not is_wide(page)
    page.set_viewport_size({"width": 1200, "height": 900})
    page.click("#theme")
