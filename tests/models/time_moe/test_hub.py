"""`foretell models pull` against a loopback server that answers as the hub does."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from foretell.errors import InvalidInput, NotAvailable
from foretell.models import hub
from foretell.models.published import Published
from foretell.models.time_moe_model import SMALL, TimeMoe50M
from tests.models.time_moe.golden import TINY

TINY_MOE = Published("tiny", "someone/Tiny", ("tiny",), {"hidden_size": 32})
COMMIT = "0123abcd"


class Hub(ThreadingHTTPServer):
    """Two addresses of the hub: the listing of a commit, and its files. `breaks` cuts so many answers short."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.files = {name: (TINY / name).read_bytes() for name in ("config.json", "model.safetensors")}
        self.files["README.md"] = b"not needed"
        self.ranges: list[str] = []
        self.tokens: list[str | None] = []
        self.breaks = 0
        self.token: str | None = None
        self.honours_ranges = True
        self.damage = False

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def listing(self) -> dict[str, Any]:
        return {"sha": COMMIT, "siblings": [self.sibling(n, c) for n, c in self.files.items()]}

    def sibling(self, name: str, content: bytes) -> dict[str, Any]:
        git = hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
        large = {"lfs": {"sha256": hashlib.sha256(content).hexdigest()}} if name.endswith("safetensors") else {}
        return {"rfilename": name, "size": len(content), "blobId": git, **large}


class Answer(BaseHTTPRequestHandler):
    server: Hub

    def do_GET(self) -> None:
        hub_server = self.server
        hub_server.tokens.append(self.headers["Authorization"])
        if hub_server.token and self.headers["Authorization"] != f"Bearer {hub_server.token}":
            return self.reply(401, b"")
        if self.path == "/api/models/someone/Tiny/revision/main?blobs=true":
            return self.reply(200, json.dumps(hub_server.listing()).encode())
        name = self.path.removeprefix(f"/someone/Tiny/resolve/{COMMIT}/")
        if name not in hub_server.files:
            return self.reply(404, b"")
        hub_server.ranges.append(f"{name} {self.headers['Range']}")
        content = hub_server.files[name]
        if hub_server.damage:
            content = content[:-1] + b"?"
        start = int(self.headers["Range"].removeprefix("bytes=").removesuffix("-")) if hub_server.honours_ranges else 0
        return self.reply(206 if hub_server.honours_ranges else 200, content[start:], cut=name.endswith("safetensors"))

    def reply(self, status: int, body: bytes, cut: bool = False) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if cut and self.server.breaks:
            self.server.breaks -= 1
            body = body[: len(body) // 2]
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Hub]:
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hub"))
    names = ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HF_HUB_OFFLINE")
    for name in (*names, "HF_TOKEN_PATH", "FORETELL_MODEL_DIR", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(hub, "PIECE", 16_384)
    with Hub() as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        monkeypatch.setenv("HF_ENDPOINT", running.address + "/")
        yield running
        running.shutdown()
        thread.join()


def test_pull_into_the_cache_of_the_hub(server: Hub, tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    folder = hub.pull(TINY_MOE, lambda done, total: seen.append((done, total)))
    assert folder == tmp_path / "hub" / "hub" / "models--someone--Tiny" / "snapshots" / COMMIT
    assert {f.name for f in folder.iterdir()} == {"config.json", "model.safetensors"}
    assert (folder / "model.safetensors").read_bytes() == server.files["model.safetensors"]
    total = sum(len(server.files[n]) for n in ("config.json", "model.safetensors"))
    assert seen[-1] == (total, total)
    assert [d for d, _ in seen] == sorted(d for d, _ in seen)
    assert len(seen) > 10
    assert TINY_MOE.folder() == folder


def test_what_is_there_is_not_asked_for(server: Hub) -> None:
    first = hub.pull(TINY_MOE)
    server.tokens.clear()
    assert hub.pull(TINY_MOE) == first
    assert server.tokens == []


def test_pull_into_the_model_directory(server: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORETELL_MODEL_DIR", str(tmp_path / "models"))
    assert hub.pull(TINY_MOE) == tmp_path / "models" / "tiny"


def test_pull_into_a_folder_that_is_named(server: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "new" / "here"
    monkeypatch.setenv("FORETELL_WEIGHTS", json.dumps({"tiny": str(folder)}))
    assert TINY_MOE.folder() is None
    assert f"into the folder {folder}" in TINY_MOE.how_to_place()
    assert hub.pull(TINY_MOE) == folder == TINY_MOE.folder()
    assert TINY_MOE.label(folder) == "tiny"


def test_a_named_folder_that_holds_something_else_is_not_written_over(
    server: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "config.json").write_text('{"hidden_size": 7}')
    monkeypatch.setenv("FORETELL_WEIGHTS", json.dumps({"tiny": str(tmp_path)}))
    with pytest.raises(InvalidInput, match=r"config\.json of another network"):
        hub.pull(TINY_MOE)
    assert (tmp_path / "config.json").read_text() == '{"hidden_size": 7}'


def test_a_broken_connection_is_resumed(server: Hub) -> None:
    server.breaks = 2
    folder = hub.pull(TINY_MOE)
    assert (folder / "model.safetensors").read_bytes() == server.files["model.safetensors"]
    size = len(server.files["model.safetensors"])
    starts = [int(r.split("=")[1].rstrip("-")) for r in server.ranges if r.startswith("model")]
    assert starts[0] == 0
    assert 0 < starts[1] <= starts[2] < size


def test_a_later_call_resumes_as_well(server: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    server.breaks = 1
    monkeypatch.setattr(hub, "ATTEMPTS", 1)
    with pytest.raises(NotAvailable, match="could not be downloaded"):
        hub.pull(TINY_MOE)
    assert TINY_MOE.folder() is None
    server.ranges.clear()
    hub.pull(TINY_MOE)
    assert server.ranges[0].startswith("model.safetensors bytes=")
    assert not server.ranges[0].endswith("=0-")


def test_a_server_that_knows_no_ranges_sends_all_again(server: Hub) -> None:
    server.honours_ranges = False
    server.breaks = 1
    assert (hub.pull(TINY_MOE) / "model.safetensors").read_bytes() == server.files["model.safetensors"]


def test_a_damaged_file_is_removed(server: Hub, tmp_path: Path) -> None:
    server.damage = True
    with pytest.raises(NotAvailable, match="came damaged"):
        hub.pull(TINY_MOE)
    assert not list(tmp_path.rglob("*.part"))
    server.damage = False
    hub.pull(TINY_MOE)


def test_the_token_is_sent(server: Hub, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    server.token = "secret-1"
    with pytest.raises(NotAvailable, match=r"HTTP 401, does HF_TOKEN hold a valid token\?"):
        hub.pull(TINY_MOE)
    (tmp_path / "hub").mkdir(exist_ok=True)
    (tmp_path / "hub" / "token").write_text("secret-1\n")
    hub.pull(TINY_MOE)
    monkeypatch.setenv("HF_TOKEN", "secret-2")
    server.tokens.clear()
    with pytest.raises(NotAvailable):
        hub.pull(Published("other", "someone/Other", ("other",), {}))
    assert server.tokens == ["Bearer secret-2"]


def test_an_unknown_repository(server: Hub) -> None:
    with pytest.raises(NotAvailable, match=r"other could not be downloaded from .* \(HTTP 404\); put config\.json"):
        hub.pull(Published("other", "someone/Other", ("other",), {}))


def test_a_repository_that_holds_something_else(server: Hub) -> None:
    with pytest.raises(NotAvailable, match="does not hold large"):
        hub.pull(Published("large", "someone/Tiny", ("large",), {"hidden_size": 768}))


def test_an_answer_that_is_no_listing(server: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Hub, "listing", lambda _: {"siblings": []})
    with pytest.raises(NotAvailable, match="KeyError"):
        hub.pull(TINY_MOE)


@pytest.mark.parametrize("value", ["1", "true", "ON"])
def test_offline_mode_says_how_to_place_the_folder(server: Hub, monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", value)
    with pytest.raises(NotAvailable, match=r"HF_HUB_OFFLINE forbids.*FORETELL_MODEL_DIR"):
        TimeMoe50M.pull()
    assert server.tokens == []


def test_without_network(server: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(
        NotAvailable, match=r"127\.0\.0\.1:9 \(ConnectionError\); put config\.json and model\.safetensors"
    ):
        hub.pull(SMALL)


def test_two_at_once_do_not_mix(server: Hub, tmp_path: Path) -> None:
    folder = hub._target(TINY_MOE, COMMIT)
    with (folder / "config.json.part").open("ab") as other:
        hub._lock(other, folder / "config.json")
        with pytest.raises(NotAvailable, match="by another process"):
            hub.pull(TINY_MOE)
