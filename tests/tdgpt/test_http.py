"""HTTP as clients really speak it: libcurl's ways, old ones, slow ones, broken ones, and a browser's."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from foretell.registry import Registry
from foretell.tdgpt.page import LINKS
from tests import fakes
from tests.tdgpt.conftest import running
from tests.tdgpt.taosd import Column, Taosd, body

BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
LIMIT = 4 << 20


class Marked(fakes.Fake):
    """Says of itself what must not become HTML."""

    name = "marked"
    kind = "forecast"
    description = "<script>alert(1)</script> http://user:password@host"


def models() -> Registry:
    found = Registry()
    for fake in (fakes.Fake, fakes.Busy, Marked):
        found.register(fake)
    return found


@pytest.fixture(scope="module")
def taosd() -> Iterator[Taosd]:
    with running(models(), body_limit=LIMIT, body_timeout=0.3) as (_, found):
        yield found


def question(rows: int = 20, option: str = "algo=repeat") -> bytes:
    algo = option.partition(",")[0].removeprefix("algo=")
    times = [1_577_808_000_000 + 1000 * i for i in range(rows)]
    values = [Column("ts", "TIMESTAMP", times), Column("val", "DOUBLE", [1e6 + i % 7 for i in range(rows)])]
    keys = [("option", option), ("algo", algo), ("prec", "ms"), ("wncheck", 0), ("return_conf", 0)]
    return body(values, [*keys, ("forecast_rows", 3), ("conf", 0.95), ("rows", rows)])


def head(text: bytes, *lines: str, version: str = "1.1", length: int | None = None) -> bytes:
    own = () if length == -1 else (f"Content-Length: {len(text) if length is None else length}",)
    return "\r\n".join((f"POST /forecast HTTP/{version}", "Host: 127.0.0.1", *lines, *own, "", "")).encode()


class Line:
    """A connection of which each byte is ours."""

    def __init__(self, taosd: Taosd) -> None:
        host, _, port = taosd.url.partition(":")
        self._socket = socket.create_connection((host, int(port)), timeout=20)
        self._file = self._socket.makefile("rb")

    def __enter__(self) -> Line:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
        self._socket.close()

    def say(self, text: bytes) -> None:
        self._socket.sendall(text)

    def say_no_more(self) -> None:
        self._socket.shutdown(socket.SHUT_WR)

    def status(self) -> tuple[str, dict[str, str]]:
        """Status line and headers of what comes next."""
        line, headers = self._file.readline().decode().strip(), {}
        while text := self._file.readline().decode().strip():
            key, _, value = text.partition(":")
            headers[key.lower()] = value.strip()
        return line, headers

    def answer(self, status: str = "200 OK") -> dict[str, Any]:
        line, headers = self.status()
        assert line == f"HTTP/1.1 {status}", line
        return dict(json.loads(self._file.read(int(headers["content-length"]))))

    def is_closed(self) -> bool:
        return self._file.read(1) == b""


def test_expect_100_continue_is_answered_before_the_body(taosd: Taosd) -> None:
    text = question()
    with Line(taosd) as line:
        line.say(head(text, "Expect: 100-continue"))
        assert line.status()[0] == "HTTP/1.1 100 Continue"
        line.say(text)
        assert line.answer()["rows"] == 3


def test_who_announces_too_much_is_refused_before_it_sends(taosd: Taosd) -> None:
    with Line(taosd) as line:
        line.say(head(b"", "Expect: 100-continue", length=LIMIT + 1))
        assert line.answer() == {"rows": -1, "msg": f"body: is larger than {LIMIT} bytes"}


def test_bodies_of_some_megabytes_and_too_many_of_them(taosd: Taosd) -> None:
    text = question(40_000)
    assert 1 << 20 < len(text) < LIMIT
    assert taosd.post("/forecast", text)["rows"] == 3
    assert "larger than" in taosd.post("/forecast", b" " * (LIMIT + 1))["msg"]


def test_chunked_bodies(taosd: Taosd) -> None:
    text = question()
    parts = (text[:100], text[100:101], text[101:], b"")
    with Line(taosd) as line:
        line.say(head(b"", "Transfer-Encoding: chunked", length=-1))
        for part in parts:
            line.say(b"%x\r\n%s\r\n" % (len(part), part))
        assert line.answer()["rows"] == 3
        line.say(head(b"", "Transfer-Encoding: chunked", length=-1))
        line.say(b"%x\r\n%s\r\n0\r\n\r\n" % (LIMIT + 1, b" " * (LIMIT + 1)))
        assert "larger than" in line.answer()["msg"]


def test_connections_are_kept_unless_the_client_says_no(taosd: Taosd) -> None:
    text = question()
    with Line(taosd) as line:
        for _ in range(3):
            line.say(head(text) + text)
            assert line.answer()["rows"] == 3
        line.say(head(text, "Connection: close") + text)
        assert line.answer()["rows"] == 3
        assert line.is_closed()


def test_http_1_0(taosd: Taosd) -> None:
    text = question()
    with Line(taosd) as line:
        line.say(head(text, version="1.0") + text)
        assert line.answer()["rows"] == 3
        assert line.is_closed()


def test_a_body_that_comes_in_drops_and_one_that_never_ends(taosd: Taosd) -> None:
    text = question()
    with Line(taosd) as line:
        line.say(head(text))
        for i in range(0, len(text), 50):
            line.say(text[i : i + 50])
        assert line.answer()["rows"] == 3
    with Line(taosd) as line:
        line.say(head(text) + text[:50])
        assert line.answer() == {"rows": -1, "msg": "body: did not arrive within 0.3 s"}
    assert taosd.show_anodes() == "ready"


@pytest.mark.parametrize("begun", [b"", b"POST /forecast HTTP/1.1\r\nHost: 127", b"GET /v1/models HTTP/1.1\r\n"])
def test_who_begins_a_request_and_goes_silent_is_hung_up_on(taosd: Taosd, begun: bytes) -> None:
    with Line(taosd) as line:
        line.say(begun)
        assert line.is_closed()


@pytest.mark.parametrize("path", ["/v1/forecast", "/v1/sql"])
def test_so_is_who_never_ends_its_body(taosd: Taosd, path: str) -> None:
    with Line(taosd) as line:
        line.say(f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 9\r\n\r\n{{".encode())
        problem = line.answer("408 Request Timeout")
        assert (problem["detail"], problem["field"]) == ("body: did not arrive within 0.3 s", "body")
        assert line.is_closed()


def test_silence_between_two_requests_may_be_longer(taosd: Taosd) -> None:
    text = question()
    with Line(taosd) as line:
        line.say(head(text) + text)
        assert line.answer()["rows"] == 3
        with Line(taosd) as silent:
            assert silent.is_closed()
        line.say(head(text) + text)
        assert line.answer()["rows"] == 3


def test_a_half_closed_connection_counts_as_hung_up(taosd: Taosd) -> None:
    """One cannot tell it from a client that has gone, and work for those has to stop."""
    text = question(option="algo=busy,rounds=1000000000")
    with Line(taosd) as line:
        line.say(head(text) + text)
        line.say_no_more()
        assert line.is_closed()
    assert taosd.post("/forecast", question())["rows"] == 3


def test_no_http_at_all(taosd: Taosd) -> None:
    for text in (b"\x16\x03\x01\x02\x00\x01", b"GET\r\n\r\n", b"POST /forecast HTTP/1.1\r\nContent-Length: x\r\n\r\n"):
        with Line(taosd) as line:
            line.say(text)
            assert line.status()[0] == "HTTP/1.1 400 Bad Request"
    assert taosd.show_anodes() == "ready"


def test_curl_sees_one_line_and_a_browser_a_page(taosd: Taosd) -> None:
    for headers in ({"Accept": "*/*"}, {"Accept": ""}):
        answer = requests.get(f"http://{taosd.url}/", headers=headers, timeout=10)
        assert answer.text.startswith("foretell analytics node (ver ")
        assert answer.text.count("\n") == 1
    page = requests.get(f"http://{taosd.url}/", headers=BROWSER, timeout=10)
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "&lt;script&gt;" in page.text
    assert "<script" not in page.text
    assert "password" not in page.text
    for path, _ in LINKS:
        assert f'href="{path}"' in page.text
        assert requests.get(f"http://{taosd.url}/{path}", headers=BROWSER, timeout=30).status_code == 200


@pytest.mark.parametrize("path", ["/list", "//list", "/list/"])
def test_stray_slashes_do_not_matter(taosd: Taosd, path: str) -> None:
    """CREATE ANODE 'host:6035/' makes taosd ask for //list."""
    assert requests.get(f"http://{taosd.url}{path}", timeout=10).json()["protocol"] == 1.0


def test_methods(taosd: Taosd) -> None:
    url = f"http://{taosd.url}"
    short, whole = requests.head(f"{url}/list", timeout=10), requests.get(f"{url}/list", timeout=10)
    assert (short.content, short.headers["content-length"]) == (b"", whole.headers["content-length"])
    for method, path, allow in (("POST", "/list", "GET, HEAD"), ("GET", "/forecast", "POST")):
        wrong = requests.request(method, url + path, timeout=10)
        assert (wrong.status_code, wrong.text[:1], wrong.headers["allow"]) == (405, "<", allow)
    missing = requests.post(f"{url}/nothing", data=b"x", timeout=10)
    assert (missing.status_code, missing.text[:1]) == (404, "<")
    assert missing.headers["content-type"] == "text/html; charset=utf-8"
