"""What commands ask of a running server of this user, on this machine: `foretell reload` and `foretell health`; and the
secret that lets only its own user reload it."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import secrets
import ssl
from collections.abc import Iterator, Mapping
from http.client import HTTPConnection, HTTPException, HTTPSConnection, RemoteDisconnected
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from foretell.errors import ForetellError, InvalidInput, NotAvailable
from foretell.settings import Settings
from foretell.wire.hosts import is_loopback

log = logging.getLogger("foretell.server")
TIMEOUT = 300.0
HEALTH_TIMEOUT = 4.0
PORTS = {"http": 80, "https": 443}
WILDCARDS = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  where such a server is reached from here


class HungUp(NotAvailable):
    """Somebody listens, but will not talk to us."""


def state_folder(settings: Settings) -> Path:
    """Where servers keep what outlives them: what the settings say, or the user's own place."""
    if settings.state_dir is not None:
        return settings.state_dir
    return Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / "foretell"


def token_file(settings: Settings, port: int) -> Path:
    """Where a server on `port` leaves its admin token for commands of the same user."""
    return state_folder(settings) / f"admin-{port}.token"


@contextlib.contextmanager
def with_admin_token(settings: Settings, port: int) -> Iterator[Settings]:
    """The settings with an admin token: theirs, or a new one in a file that only this user can read, while it is good.

    Without such a file `foretell reload` is not to be had; all else is.
    """
    if settings.admin_token:
        yield settings
        return
    token, path = secrets.token_urlsafe(24), token_file(settings, port)
    try:
        _write(path, token)
    except OSError as error:
        log.warning("foretell reload will not work: cannot write %s (state_dir): %s", path, error.strerror)
    try:
        yield settings.model_copy(update={"admin_token": token})
    finally:
        with contextlib.suppress(OSError):
            if path.read_text() == token:
                path.unlink()


def _write(path: Path, token: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(token)


def reload(settings: Settings, url: str | None = None) -> None:
    """Ask the server of these settings, or the one at `url`, to read its plugins and model servers anew."""
    parts = _parts(url or own_url(settings))
    token = _secret(settings, parts)
    try:
        status, body = _ask(settings, parts, "POST", "/v1/reload", {"Authorization": f"Bearer {token}"}, TIMEOUT)
    except HungUp as error:
        advice = "; it wants a certificate (tls_clients): send it SIGHUP instead" if settings.tls_clients else ""
        raise HungUp(f"{error}{advice}") from None
    if status != 200:
        raise ForetellError(_detail(body) or f"{parts.geturl()} answered {status}")


def health(settings: Settings, url: str | None = None) -> None:
    """Whether the server of these settings, or the one at `url`, answers; NotAvailable if not.

    One that wants a certificate of its clients and gets none that it likes is there all the same.
    """
    parts = _parts(url or own_url(settings))
    try:
        status, _ = _ask(settings, parts, "GET", "/healthz", {}, HEALTH_TIMEOUT)
    except HungUp:
        if settings.tls_clients is not None:
            return
        raise
    if status != 200:
        raise NotAvailable(f"{parts.geturl()} answered {status}")


def own_url(settings: Settings) -> str:
    """Where a server of these settings is reached from its own machine."""
    host = WILDCARDS.get(settings.host, settings.host)
    return f"{settings.scheme}://{f'[{host}]' if ':' in host else host}:{settings.port}"


def _parts(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        fits = parts.scheme in PORTS and bool(parts.hostname) and parts.port != 0
    except ValueError:
        fits = False
    if not fits:
        raise InvalidInput("url", f"must be like http://127.0.0.1:6035, got {url!r}")
    return parts


def _secret(settings: Settings, parts: SplitResult) -> str:
    """What a reload shows: the token of the settings, or the one that a server of this machine left here. It leaves the
    machine encrypted only, and one that was left here not at all."""
    host = parts.hostname or ""
    if parts.scheme == "http" and not is_loopback(host):
        raise InvalidInput("url", f"must be https or on this machine: a reload shows a secret, got {parts.geturl()}")
    if settings.admin_token:
        return settings.admin_token
    if not is_loopback(host) and host != settings.host:
        raise InvalidInput("admin_token", f"is needed for {host}: the one made at the start is for its own machine")
    return _token(settings, parts)


def _token(settings: Settings, parts: SplitResult) -> str:
    path = token_file(settings, parts.port or PORTS[parts.scheme])
    try:
        return path.read_text()
    except FileNotFoundError:
        raise NotAvailable(
            f"no server of this user and state_dir was started at {parts.geturl()} (there is no {path})"
        ) from None
    except OSError as error:
        raise InvalidInput("admin_token", f"cannot read {path}: {error.strerror}") from None


def _ask(
    settings: Settings, parts: SplitResult, method: str, path: str, headers: Mapping[str, str], timeout: float
) -> tuple[int, bytes]:
    """Status and body of an answer. NotAvailable: nobody is there; HungUp: somebody is, and does not answer."""
    host, port = parts.hostname or "", parts.port or PORTS[parts.scheme]
    if parts.scheme == "https":
        connection: HTTPConnection = HTTPSConnection(host, port, timeout=timeout, context=_context(settings, host))
    else:
        connection = HTTPConnection(host, port, timeout=timeout)
    try:
        connection.request(method, f"{parts.path.rstrip('/')}{path}", headers=dict(headers))
        answer = connection.getresponse()
        return answer.status, answer.read()
    except (ssl.SSLError, RemoteDisconnected) as error:
        raise HungUp(f"the server at {parts.geturl()} cannot be talked to: {error}") from None
    except (OSError, HTTPException) as error:
        raise NotAvailable(f"no server answers at {parts.geturl()}: {error or type(error).__name__}") from None
    finally:
        connection.close()


def _context(settings: Settings, host: str) -> ssl.SSLContext:
    """What TLS takes. Nobody stands between here and here, so that any certificate is good there; a server that asks
    for one is shown its own."""
    context = ssl.create_default_context()
    if is_loopback(host) or host == settings.host:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if settings.tls_clients is not None and settings.tls_certificate is not None:
        context.load_cert_chain(settings.tls_certificate, settings.tls_key)
    return context


def _detail(body: bytes) -> str:
    try:
        return str(json.loads(body)["detail"])
    except (ValueError, KeyError, TypeError):
        return ""
