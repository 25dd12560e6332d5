"""TDgpt's own configuration files (protocol section 4.1) as our settings: read as data, never executed.

`taosanode.ini` is configparser's; `taosanode.config.py` is Python, of which only plain values count. Keys that mean
nothing here come back as notes for the log.
"""

from __future__ import annotations

import ast
import configparser
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from foretell.errors import InvalidInput
from foretell.tdgpt.model_servers import check_url
from foretell.wire.hosts import is_loopback

LEVELS = {"WARN": "WARNING"}
HYPHENS = {"timemoe_fc": "timemoe-fc"}
"""Names of algorithms that are no names in Python."""
NO_MEANING = "means nothing here"


@dataclass(slots=True)
class Found:
    """Settings by our names, and what is to be said in the log."""

    values: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def read(path: Path, may_open: bool) -> Found:
    """The settings of a file. An address that is not loopback counts only where `may_open`: there is an access rule."""
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput("config", f"cannot read {path}: {error}") from None
    found = _python(text, path) if path.suffix == ".py" else _ini(text, path)
    host = found.values.get("host")
    if host is not None and not is_loopback(host) and not may_open:
        found.values["host"] = "127.0.0.1"
        found.notes.append(
            f"{host} is open to others and there is no access rule: listening on 127.0.0.1 only; "
            f"say --host {host}, or set tokens or clients"
        )
    return found


def _ini(text: str, path: Path) -> Found:
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read_string(text, str(path))
    except configparser.Error as error:
        raise InvalidInput("config", " ".join(str(error).split())) from None
    found = Found()
    for section in parser.sections():
        for key, value in parser.items(section):
            _ini_key(found, section, key, value.strip())
    return found


def _ini_key(found: Found, section: str, key: str, value: str) -> None:
    if section == "tsfm-service":
        found.values.setdefault("tsfm_service", {})[key] = check_url(key, value)
    elif (section, key) == ("uwsgi", "http"):
        _address(found, value)
    elif section == "taosanode" and key.replace("-", "_") in KEYS:
        _known(found, key.replace("-", "_"), value)
    else:
        found.notes.append(f"[{section}] {key} {NO_MEANING}")


def _python(text: str, path: Path) -> Found:
    """Assignments of plain values at the top of the file; everything else is let be."""
    try:
        tree = ast.parse(text, str(path))
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise InvalidInput("config", f"{path}: {error}") from None
    found = Found()
    for statement in tree.body:
        for name, node in _assignments(statement):
            try:
                value = ast.literal_eval(node)
            except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
                found.notes.append(f"{name} is computed; only plain values are read")
            else:
                _python_key(found, name, value)
    return found


def _assignments(statement: ast.stmt) -> list[tuple[str, ast.expr]]:
    if isinstance(statement, ast.Assign):
        return [(t.id, statement.value) for t in statement.targets if isinstance(t, ast.Name)]
    if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name) and statement.value:
        return [(statement.target.id, statement.value)]
    return []


def _python_key(found: Found, name: str, value: Any) -> None:
    if name == "bind":
        _address(found, value[0] if isinstance(value, list) and value else value)
    elif name == "models" and isinstance(value, dict):
        _models(found, value)
    elif name in KEYS:
        _known(found, name, value)
    elif isinstance(value, str) and value.startswith(("http://", "https://")):
        algorithm = HYPHENS.get(name, name)
        found.values.setdefault("tsfm_service", {})[algorithm] = check_url(algorithm, value)
    else:
        found.notes.append(f"{name} {NO_MEANING}")


def _models(found: Found, models: Mapping[str, Any]) -> None:
    """`{name: {port, endpoint, algo_name}}`: servers on this machine."""
    for name, about in models.items():
        if not isinstance(about, dict) or not isinstance(about.get("port"), int):
            raise InvalidInput("models", f"{name} needs a port, got {about!r}")
        algorithm = str(about.get("algo_name") or name)
        url = f"http://127.0.0.1:{about['port']}/{str(about.get('endpoint') or '/ds_predict').lstrip('/')}"
        found.values.setdefault("tsfm_service", {})[algorithm] = check_url(algorithm, url)


def _address(found: Found, value: Any) -> None:
    """`host:port`, `:port` or `port`."""
    host, _, port = str(value).rpartition(":")
    if not port.isdecimal():
        raise InvalidInput("bind", f"must be host:port, got {value!r}")
    found.values["port"] = int(port)
    if host:
        found.values["host"] = host.strip("[]")


KEYS = ("app_log", "model_dir", "log_level", "timeout")


def _known(found: Found, key: str, value: Any) -> None:
    if key == "log_level":
        level = str(value).upper()
        found.values[key] = LEVELS.get(level, level)
    elif key == "timeout":
        found.values["request_timeout"] = value
    else:
        found.values[key] = value
