"""Secrets never leave: tokens in paths, URLs and queries are masked wherever a text goes out (logs, errors, lists)."""

from __future__ import annotations

import logging
import re

MASK = "***"
_HIDDEN = r"(?:(?<=token)|(?<=key)|(?<=secret)|(?<=password)|(?<=passwd)|(?<=pwd)|(?<=sig)|(?<=signature))"
"""Behind a name that is one of a secret."""
_VALUE = r"""(?:"[^"]*+"?|'[^']*+'?|[^&\s,;"']++)"""
_SECRETS = (
    (re.compile(r"(?<=/rest/login/)[^?\s\"']+"), MASK),  # /rest/login/USER/PASSWORD
    (re.compile(r"(?<=/k/)[^/\s?\"']+"), MASK),  # /k/TOKEN/forecast
    (re.compile(rf"(?i)(?<![\w-])([\w-]++{_HIDDEN}\s*+=\s*+){_VALUE}"), rf"\1{MASK}"),  # ?auth_token=SECRET
    (re.compile(rf"""(?i)((["'])[\w-]++{_HIDDEN}\2\s*+:\s*+){_VALUE}"""), rf"\1{MASK}"),  # {"password": "SECRET"}
    (re.compile(rf"(?i)(?<![\w-])(\w++-[\w-]++{_HIDDEN}:\s*+){_VALUE}"), rf"\1{MASK}"),  # X-API-Key: SECRET
    (
        re.compile(r"(?i)\b(pass\s++)(?:'(?:[^'\\]|\\.|'')*+'?|\"[^\"]*+\"?)"),
        rf"\1{MASK}",
    ),  # ALTER USER u PASS 'SECRET'
    (re.compile(r"(?i)\b(authorization:?\s*+)?(basic|bearer)\s++[A-Za-z0-9+/=._~-]{6,}"), rf"\2 {MASK}"),
)
_PLACE = re.compile(r"(?<=://)(?:(?!://)[^\s\"'])++")
"""What a URL names, up to its end."""


def mask(text: str) -> str:
    """`text` without what looks like a secret. No secret is without one of four signs; most texts have none."""
    if not any(sign in text for sign in "/= :"):
        return text
    text = _PLACE.sub(_without_user, text)
    for pattern, replacement in _SECRETS:
        text = pattern.sub(replacement, text)
    return text


def _without_user(place: re.Match[str]) -> str:
    """USER:PASSWORD@host. A password may have slashes, which stand in a path too; there an @ follows no colon."""
    user, at, rest = place[0].rpartition("@")
    return f"{MASK}@{rest}" if at and ("/" not in user or ":" in user.partition("/")[0]) else place[0]


class Masking(logging.Filter):
    """Masks what is logged, tracebacks as well."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = mask(record.getMessage()), None
        if record.exc_info:
            record.exc_text = mask(_PLAIN.formatException(record.exc_info))
            record.exc_info = None
        return True


_PLAIN = logging.Formatter()
