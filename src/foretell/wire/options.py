"""The text `k=v,k=v` in which SQL hands options to an algorithm (protocol section 3.1), and durations such as 1h."""

from __future__ import annotations

import re
from collections.abc import Iterator

from foretell.errors import InvalidInput
from foretell.steps import DAY, SECOND, Step

DURATIONS = {
    "b": Step(ns=1),
    "ns": Step(ns=1),
    "u": Step(ns=1000),
    "us": Step(ns=1000),
    "a": Step(ns=SECOND // 1000),
    "ms": Step(ns=SECOND // 1000),
    "s": Step(ns=SECOND),
    "m": Step(ns=60 * SECOND),
    "h": Step(ns=3600 * SECOND),
    "d": Step(ns=DAY),
    "w": Step(ns=7 * DAY),
    "n": Step(months=1),
    "mo": Step(months=1),
    "q": Step(months=3),
    "y": Step(months=12),
}
"""Units of a duration: TDengine's (b, u, a, s, m, h, d, w, n for a calendar month, y) and the usual ones."""

_SEPARATOR = re.compile(r"\[[^\]]*\]|(,)")


def read_pairs(text: str) -> tuple[dict[str, str], list[str]]:
    """Keys and values, and the parts that are none (no `=`, nothing beside it, a key given before).

    Commas inside [ ] do not separate, but a [ that nothing closes is a sign like others; stray commas and blanks are
    let pass; the first of two equal keys counts.
    """
    pairs: dict[str, str] = {}
    stray: list[str] = []
    for part in _parts(text):
        if not part.strip():
            continue
        key, sign, value = (word.strip() for word in part.partition("="))
        if sign and key and value and key not in pairs:
            pairs[key] = value
        else:
            stray.append(part.strip())
    return pairs, stray


def _parts(text: str) -> Iterator[str]:
    """The text between commas. Behind the last ] no [ is looked for, which would be a search to the end for each."""
    start, closed = 0, text.rfind("]") + 1
    for match in _SEPARATOR.finditer(text, 0, closed):
        if match[1]:
            yield text[start : match.start()]
            start = match.end()
    first, *others = text[closed:].split(",")
    yield text[start:closed] + first
    yield from others


def read_step(key: str, text: str, bare: Step | None = None) -> Step:
    """The step of a duration such as `1h` or `2mo`; a number alone counts `bare`, where that is given."""
    match = re.fullmatch(r"([+-]?\d{1,18})\s*([a-z]*)", text)
    one = None if match is None else DURATIONS[match[2]] if match[2] in DURATIONS else bare if not match[2] else None
    if match is None or one is None:
        number = "a whole number of milliseconds, or of one of" if bare else "a whole number of one of"
        raise InvalidInput(key, f"must be {number} {', '.join(DURATIONS)}, got {text!r}")
    count = int(match[1])
    if count <= 0:
        raise InvalidInput(key, f"must be greater than 0, got {text}")
    return Step(ns=one.ns * count, months=one.months * count)
