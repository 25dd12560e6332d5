"""Secrets never leave: tokens in paths, URLs and queries are masked wherever a text goes out (logs, errors, lists)."""

from __future__ import annotations

import logging
import re

MASK = "***"
_SECRETS = (
    (re.compile(r"(?<=://)[^/@\s]+(?=@)"), MASK),  # https://user:password@host
    (re.compile(r"(?<=/rest/login/)[^?\s\"']+"), MASK),  # /rest/login/USER/PASSWORD
    (re.compile(r"(?<=/k/)[^/\s?\"']+"), MASK),  # /k/TOKEN/forecast
    (re.compile(r"(?i)\b(token|api[_-]?key|key|password|secret|access_token)=[^&\s,;\"']+"), rf"\1={MASK}"),
    (re.compile(r"(?i)\b(authorization:?\s*)?(basic|bearer)\s+[A-Za-z0-9+/=._~-]{6,}"), rf"\2 {MASK}"),
)


def mask(text: str) -> str:
    """`text` without what looks like a secret."""
    for pattern, replacement in _SECRETS:
        text = pattern.sub(replacement, text)
    return text


class Masking(logging.Filter):
    """Masks what is logged."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = mask(record.getMessage()), None
        return True
