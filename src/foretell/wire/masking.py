"""Secrets never leave: tokens in paths, URLs and queries are masked wherever a text goes out (logs, errors, lists)."""

from __future__ import annotations

import logging
import re

MASK = "***"
_SECRETS = (
    (re.compile(r"(?<=://)[^/\s]+(?=@)"), MASK),  # https://user:password@host
    (re.compile(r"(?<=/rest/login/)[^?\s\"']+"), MASK),  # /rest/login/USER/PASSWORD
    (re.compile(r"(?<=/k/)[^/\s?\"']+"), MASK),  # /k/TOKEN/forecast
    (re.compile(r"(?i)\b(token|api[_-]?key|key|password|secret|access_token)=[^&\s,;\"']+"), rf"\1={MASK}"),
    (re.compile(r"(?i)\b(authorization:?\s*)?(basic|bearer)\s+[A-Za-z0-9+/=._~-]{6,}"), rf"\2 {MASK}"),
)


def mask(text: str) -> str:
    """`text` without what looks like a secret. No secret is without one of three signs; most texts have none."""
    if "/" not in text and "=" not in text and " " not in text:
        return text
    for pattern, replacement in _SECRETS:
        text = pattern.sub(replacement, text)
    return text


class Masking(logging.Filter):
    """Masks what is logged, tracebacks as well."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = mask(record.getMessage()), None
        if record.exc_info:
            record.exc_text = mask(_PLAIN.formatException(record.exc_info))
            record.exc_info = None
        return True


_PLAIN = logging.Formatter()
