"""`foretell reload`: the call to a running server, and the secret that lets only its own user make it."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import urlsplit

from foretell.errors import ForetellError, InvalidInput, NotAvailable

TIMEOUT = 300


def token_file(port: int) -> Path:
    """Where a server on `port` leaves its admin token for commands of the same user."""
    return state_folder() / f"admin-{port}.token"


def state_folder() -> Path:
    """Where servers of this user keep what outlives them."""
    return Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / "foretell"


def write_admin_token(port: int, token: str) -> None:
    path = token_file(port)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(token)


def reload(url: str, token: str = "") -> None:
    """Ask the server at `url` to read its plugins and model servers anew."""
    import requests

    answer = None
    try:
        headers = {"Authorization": f"Bearer {token or _token(url)}"}
        answer = requests.post(f"{url.rstrip('/')}/v1/reload", headers=headers, timeout=TIMEOUT)
        detail = "" if answer.ok else str(answer.json().get("detail"))
    except requests.ConnectionError:
        raise NotAvailable(f"no server at {url}") from None
    except (requests.RequestException, ValueError) as error:
        raise ForetellError(f"{url}: {error}") from None
    if detail:
        raise ForetellError(detail)


def _token(url: str) -> str:
    path = token_file(urlsplit(url).port or 6035)
    try:
        return path.read_text()
    except FileNotFoundError:
        raise NotAvailable(f"no server of this user was started at {url} (there is no {path})") from None
    except OSError as error:
        raise InvalidInput("admin_token", f"cannot read {path}: {error.strerror}") from None
