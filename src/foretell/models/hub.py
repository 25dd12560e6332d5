"""`foretell models pull`: published weights come onto this machine. Nothing else of foretell downloads models.

It uses two addresses of the Hugging Face hub's HTTP interface (huggingface.co/docs/hub/api) and the variables of the
hub's own tools: HF_ENDPOINT, HF_TOKEN, HF_HUB_OFFLINE, HF_HOME, HF_HUB_CACHE. Their library is not used: version 2
begins a broken download anew.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO

import requests

from foretell.errors import InvalidInput, NotAvailable
from foretell.models.checkpoint import CONFIG, INDEX, is_complete, read_config, sha256
from foretell.models.published import Published, hub_home
from foretell.settings import settings

Progress = Callable[[int, int], None]
"""Called with the bytes that are there and the bytes that there will be."""

TIMEOUT = (10, 60)
"""Seconds to connect, and to wait for the next bytes."""
ATTEMPTS = 5
PIECE = 1 << 20


def pull(published: Published, progress: Progress | None = None) -> Path:
    """The folder with these weights, downloaded unless they are on this machine already.

    They go to the folder that the setting `weights` names, else to the setting `model_dir`, else into the hub's cache.
    What was broken off is resumed, also by a later call; each file is checked against the hub's checksum, and a damaged
    one is removed. NotAvailable says what went wrong and how to place the files by hand.
    """
    if (there := published.folder()) is not None:
        return there
    _check_named(published)
    if os.environ.get("HF_HUB_OFFLINE", "").strip().lower() in ("1", "on", "yes", "true"):
        raise NotAvailable(f"{published.name}: HF_HUB_OFFLINE forbids to download; {published.how_to_place()}")
    try:
        return _download(published, progress or (lambda _done, _total: None))
    except (OSError, ValueError, KeyError) as error:
        source = f"{published.name} could not be downloaded from {_endpoint()}"
        raise NotAvailable(f"{source} ({_reason(error)}); {published.how_to_place()}") from error


@dataclass(frozen=True, slots=True)
class _File:
    """A file of a repository; `hash` is its SHA-256 where it is large, else that of git's blob."""

    name: str
    url: str
    size: int
    hash: str
    is_large: bool

    def matches(self, path: Path) -> bool:
        return self.hash == (sha256(path) if self.is_large else _git_hash(path))


def _download(published: Published, progress: Progress) -> Path:
    with requests.Session() as session:
        if token := _token():
            session.headers["Authorization"] = f"Bearer {token}"
        commit, files = _listing(session, published.repository)
        folder = _target(published, commit)
        total, before = sum(f.size for f in files), 0
        for file in files:
            _fetch(session, file, folder / file.name, partial(_report, progress, before, total))
            before += file.size
    if not is_complete(folder, published.config):
        raise NotAvailable(f"{_endpoint()}/{published.repository} does not hold {published.name}")
    return folder


def _report(progress: Progress, before: int, total: int, done: int) -> None:
    progress(before + done, total)


def _listing(session: requests.Session, repository: str) -> tuple[str, list[_File]]:
    """The newest commit and the files of it that a network needs, the small ones first."""
    address = f"{_endpoint()}/api/models/{repository}/revision/main"
    response = session.get(address, params={"blobs": "true"}, timeout=TIMEOUT)
    response.raise_for_status()
    info = response.json()
    commit = str(info["sha"])
    files = []
    for sibling in info["siblings"]:
        name, large = sibling["rfilename"], sibling.get("lfs")
        if name in (CONFIG, INDEX) or (name.endswith(".safetensors") and "/" not in name):
            url = f"{_endpoint()}/{repository}/resolve/{commit}/{name}"
            files.append(
                _File(name, url, sibling["size"], large["sha256"] if large else sibling["blobId"], bool(large))
            )
    return commit, sorted(files, key=lambda f: f.size)


def _check_named(published: Published) -> None:
    """A folder that the user names and that holds something else must not be written over."""
    named = published.named()
    if named is None or not (named / CONFIG).is_file():
        return
    if any(read_config(named).get(key) != value for key, value in published.config.items()):
        raise InvalidInput("weights", f"{named} holds the config.json of another network and no weights of it")


def _target(published: Published, commit: str) -> Path:
    directory = settings().model_dir
    own = published.named() or (directory / published.folders[0] if directory else None)
    folder = own or published.cache() / "snapshots" / commit
    folder.mkdir(parents=True, exist_ok=True)
    if own is None:
        main = published.cache() / "refs" / "main"
        main.parent.mkdir(exist_ok=True)
        main.write_text(commit, "utf-8")
    return folder


def _fetch(session: requests.Session, file: _File, path: Path, report: Callable[[int], None]) -> None:
    """One file, through `path` + .part, which is continued where an earlier attempt left it."""
    if not (path.is_file() and file.matches(path)):
        part = path.with_name(path.name + ".part")
        with part.open("ab") as content:
            _lock(content, path)
            _complete(session, file, content, report)
            content.flush()
            if not file.matches(part):
                part.unlink()
                raise NotAvailable(f"{file.url} came damaged (not the hash {file.hash}) and was removed; pull again")
            part.replace(path)
    report(file.size)


def _lock(content: BinaryIO, path: Path) -> None:
    try:
        fcntl.flock(content, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise NotAvailable(f"{path} is being downloaded by another process") from None


def _complete(session: requests.Session, file: _File, content: BinaryIO, report: Callable[[int], None]) -> None:
    """Writes what is missing; a connection that breaks is made again."""
    for attempt in range(1, ATTEMPTS + 1):
        try:
            for _ in _pieces(session, file, content):
                report(content.tell())
            return
        except requests.HTTPError:
            raise
        except requests.RequestException:
            if attempt == ATTEMPTS:
                raise


def _pieces(session: requests.Session, file: _File, content: BinaryIO) -> Iterator[None]:
    """Writes what is missing of a file to its end; yields after each piece."""
    there = content.seek(0, os.SEEK_END)
    if there >= file.size:
        return
    with session.get(file.url, headers={"Range": f"bytes={there}-"}, stream=True, timeout=TIMEOUT) as response:
        response.raise_for_status()
        if response.status_code != requests.codes.partial_content:
            content.truncate(0)
        for piece in response.iter_content(PIECE):
            content.write(piece)
            yield


def _git_hash(path: Path) -> str:
    content = path.read_bytes()
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


def _reason(error: Exception) -> str:
    """Why it failed, without addresses: those that the hub redirects to hold signatures."""
    if isinstance(error, requests.HTTPError) and error.response is not None:
        needs = ", does HF_TOKEN hold a valid token?" if error.response.status_code in (401, 403) else ""
        return f"HTTP {error.response.status_code}{needs}"
    if isinstance(error, requests.RequestException):
        return type(error).__name__
    return f"{type(error).__name__}: {error}"


def _endpoint() -> str:
    return (os.environ.get("HF_ENDPOINT") or "https://huggingface.co").rstrip("/")


def _token() -> str:
    if token := os.environ.get("HF_TOKEN") or os.environ.get("HUGGING_FACE_HUB_TOKEN"):
        return token.strip()
    file = Path(os.environ.get("HF_TOKEN_PATH") or hub_home() / "token").expanduser()
    return file.read_text("utf-8").strip() if file.is_file() else ""
