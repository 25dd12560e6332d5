"""The text `k=v,k=v` in which SQL hands options to an algorithm (protocol section 3.1)."""

from __future__ import annotations

import re

_PART = re.compile(r"[^,\[]*(?:\[[^\]]*\][^,\[]*)*")


def read_pairs(text: str) -> tuple[dict[str, str], list[str]]:
    """Keys and values, and the parts that are none (no `=`, nothing beside it, a key given before).

    Commas inside [ ] do not separate; stray commas and blanks are let pass; the first of two equal keys counts.
    """
    pairs: dict[str, str] = {}
    stray: list[str] = []
    for part in _PART.findall(text):
        if not part.strip():
            continue
        key, sign, value = (word.strip() for word in part.partition("="))
        if sign and key and value and key not in pairs:
            pairs[key] = value
        else:
            stray.append(part.strip())
    return pairs, stray
