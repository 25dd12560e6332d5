"""`foretell doctor`: what is set up here, what is not, what to do about it. It only looks, and loads the plugins."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import socket
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import metadata, util
from pathlib import Path
from typing import Literal

from foretell.admin import state_folder
from foretell.application import new_node
from foretell.errors import ForetellError
from foretell.http_api.access import Rules, has_rule
from foretell.registry import registry, require
from foretell.server import check_certificate, read_given
from foretell.settings import CONFIG, Settings, settings
from foretell.tdgpt.node import named
from foretell.wire.hosts import is_loopback

Level = Literal["ok", "note", "wrong"]
EXTRAS = {"torch": "Time-MoE and training", "ray": "a cluster", "onnxruntime": "Time-MoE without torch"}
LITTLE_MEMORY = 2 << 30
LITTLE_DISK = 1 << 30


@dataclass(frozen=True, slots=True)
class Finding:
    """`advice` says what to do; empty where there is nothing to do."""

    level: Level
    what: str
    advice: str = ""


def examine(config: Path | None = None) -> list[Finding]:
    """Everything that can be seen from here, for a server that is started with the file `config`."""
    with _own_settings():
        try:
            given, _ = read_given(config, {})
        except ForetellError as error:
            file = f"the file that {CONFIG} names" if config is None else str(config)
            return [Finding("wrong", f"settings: {error}", f"mend it in the environment or {file}"), *_versions()]
        return [finding for check in CHECKS for finding in check(given)]


@contextlib.contextmanager
def _own_settings() -> Iterator[None]:
    """The settings that are read meanwhile, here and in the processes of plugins, are those of the server only."""
    before = os.environ.get(CONFIG)
    settings.cache_clear()
    try:
        yield
    finally:
        os.environ.pop(CONFIG, None)
        if before is not None:
            os.environ[CONFIG] = before
        settings.cache_clear()


def _versions(_: Settings | None = None) -> Iterator[Finding]:
    yield Finding("ok", f"foretell {metadata.version('foretell')}, Python {sys.version.split()[0]}, {sys.platform}")
    for module, purpose in EXTRAS.items():
        if util.find_spec(module) is None:
            extra = "onnx" if module == "onnxruntime" else module
            yield Finding("note", f"{module} is not installed", f"pip install 'foretell[{extra}]' for {purpose}")
        else:
            yield Finding("ok", f"{module} {metadata.version(module)}")


def _machine(settings: Settings) -> Iterator[Finding]:
    cores = os.cpu_count() or 1
    yield Finding("ok", f"{cores} cores, {settings.workers or cores} worker processes of a server")
    if settings.workers > cores:
        yield Finding("note", f"workers = {settings.workers} is more than {cores} cores", "take fewer")
    memory = _memory()
    if memory is not None and memory < LITTLE_MEMORY:
        yield Finding("note", f"{memory >> 20} MB of memory left", "take fewer workers")


def _memory() -> int | None:
    """Bytes that new work may take, where the system says so."""
    try:
        lines = Path("/proc/meminfo").read_text("utf-8").splitlines()
    except OSError:
        return None
    found = {name: rest.split()[0] for name, _, rest in (line.partition(":") for line in lines)}
    return int(found["MemAvailable"]) << 10 if "MemAvailable" in found else None


def _models(_: Settings) -> Iterator[Finding]:
    known = registry()
    yield Finding("ok", f"{len(known.entries())} models can run here")
    for entry in known.all_entries():
        if (needed := entry.missing()) is not None:
            yield Finding("note", f"{entry.name} cannot run here", needed)
    for place, reason in known.broken.items():
        yield Finding("wrong", f"{place} cannot be imported: {reason}", "mend or remove that package")


def _folders(settings: Settings) -> Iterator[Finding]:
    state = state_folder(settings)
    yield _writable("state_dir", state, "jobs of the server cannot be kept")
    logs = {"app_log": Path(settings.app_log).parent} if settings.app_log else {}
    logs |= {"audit_log": settings.audit_log.parent} if settings.audit_log is not None else {}
    yield from (_writable(name, folder, "the server will not start") for name, folder in logs.items())
    missing = [(name, folder) for name, folder in logs.items() if not folder.is_dir()]
    for name, folder in (*missing, *settings.missing_folders()):
        yield Finding("wrong", f"{name}: there is no folder {folder}", "make it, or mend the setting")


def _writable(name: str, folder: Path, loss: str) -> Finding:
    there = next(path for path in (folder, *folder.parents) if path.exists())
    if not os.access(there, os.W_OK):
        return Finding("wrong", f"{name}: {there} cannot be written", f"{loss}; change its owner or the setting")
    free = shutil.disk_usage(there).free
    if free < LITTLE_DISK:
        return Finding("note", f"{name}: {free >> 20} MB free on the disk of {there}", loss + " when it is full")
    return Finding("ok", f"{name}: {folder}")


def _access(settings: Settings) -> Iterator[Finding]:
    if is_loopback(settings.host):
        yield Finding("ok", f"the server listens on {settings.host} only")
    elif not has_rule(settings):
        advice = "set tokens, keys or clients, or host = 127.0.0.1"
        yield Finding("wrong", f"anybody who reaches {settings.host}:{settings.port} can use the server", advice)
    elif settings.tls_certificate is None:
        advice = "set tls_certificate and tls_key, or put a proxy with TLS before it"
        yield Finding("note", f"secrets travel unencrypted to {settings.host}:{settings.port}", advice)


def _start(settings: Settings) -> Iterator[Finding]:
    """What keeps a server from starting, by its own checks."""
    for check in (Rules.of, check_certificate, _database, _cluster, _names):
        try:
            check(settings)
        except ForetellError as error:
            yield Finding("wrong", str(error), "the server will not start; mend the setting")


def _database(settings: Settings) -> None:
    """Whether one could be opened with these limits; the file itself may be another process's just now."""
    if settings.db is not None:
        from foretell.sql.database.safety import Limits, check_place, opened

        check_place(str(settings.db))
        opened(":memory:", Limits(settings.sql_memory, settings.sql_folders, settings.sql_writes_files)).close()


def _cluster(settings: Settings) -> None:
    if settings.ray:
        from foretell.engine.cluster import knock

        require("ray", "ray")
        knock(settings.ray)


def _names(settings: Settings) -> None:
    """Whether the models are known that the settings name, be they plugins or servers elsewhere."""
    asyncio.run(_loaded(settings.model_copy(update={"ray": ""})))


async def _loaded(settings: Settings) -> None:
    node = new_node(settings)
    try:
        await node.reload()
        for field, name in (("default_model", settings.default_model), *(("preload", one) for one in settings.preload)):
            named(node.serving.engine.models, field, name)
    finally:
        await node.close()


def _ports(settings: Settings) -> Iterator[Finding]:
    for port in (settings.port, *settings.also):
        with socket.socket() as probe:
            probe.settimeout(0.5)
            if port and probe.connect_ex(("127.0.0.1", port)) == 0:
                advice = "a server of yours? otherwise choose another with --port"
                yield Finding("note", f"something listens on port {port} already", advice)


CHECKS: tuple[Callable[[Settings], Iterator[Finding]], ...] = (
    _versions,
    _machine,
    _models,
    _folders,
    _access,
    _start,
    _ports,
)
