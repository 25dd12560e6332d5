"""Bodies as they should not be: a seeded mutator of good ones, and the classic ones by hand."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from typing import Any

from tests.tdgpt.taosd import Column, body

START = 1_577_808_000_000
WORDS = (b"nan", b"NaN", b"-inf", b"Infinity", b"null", b"true", b'"x"', b"[]", b"{}", b"1e999", b"-0", b"9" * 40, b"")


def good() -> dict[str, bytes]:
    """One small good body for each path; they cost no model more than a moment."""
    times = [START + 1000 * i for i in range(12)]
    series = [Column("ts", "TIMESTAMP", times), Column("val", "DOUBLE", [float(i % 5) for i in range(12)])]
    pair = [
        Column("val", "DOUBLE", [1.0 * i for i in range(12)]),
        Column("val1", "DOUBLE", [2.0 * i for i in range(12)]),
    ]
    keys = [("prec", "ms"), ("wncheck", 0), ("rows", 12)]
    forecast = [("return_conf", 0), ("forecast_rows", 3), ("conf", 0.95), ("every", 1000), ("start", START + 12_000)]
    return {
        "/forecast": body(series, [("option", "algo=naive"), ("algo", "naive"), *keys, *forecast]),
        "/anomaly-detect": body(series, [("option", "algo=iqr"), ("algo", "iqr"), *keys]),
        "/imputation": body(series, [("option", "algo=linear"), ("algo", "linear"), ("freq", "s"), *keys]),
        "/correlation": body(pair, [("option", "algo=tlcc"), ("algo", "tlcc"), *keys]),
        "/ds_predict": json.dumps({"input": [1, 2, 3, 4], "next_len": 2, "model": "naive"}).encode(),
        "/tool/batch": json.dumps({"data": [1, 2, 3], "ts": [1, 2, 3], "window": [[1, 3]]}).encode(),
    }


def _truncate(text: bytes, dice: random.Random) -> bytes:
    return text[: dice.randrange(len(text))]


def _flip(text: bytes, dice: random.Random) -> bytes:
    place = dice.randrange(len(text))
    return text[:place] + bytes([dice.randrange(256)]) + text[place + 1 :]


def _word(text: bytes, dice: random.Random) -> bytes:
    """A number becomes something else."""
    digits = [i for i, c in enumerate(text) if chr(c).isdigit()]
    if not digits:
        return text
    place = dice.choice(digits)
    end = place
    while end < len(text) and chr(text[end]) in "0123456789.":
        end += 1
    return text[:place] + dice.choice(WORDS) + text[end:]


def _drop_line(text: bytes, dice: random.Random) -> bytes:
    lines = text.split(b"\n")
    del lines[dice.randrange(len(lines))]
    return b"\n".join(lines)


def _swap_lines(text: bytes, dice: random.Random) -> bytes:
    lines = text.split(b"\n")
    i, j = dice.randrange(len(lines)), dice.randrange(len(lines))
    lines[i], lines[j] = lines[j], lines[i]
    return b"\n".join(lines)


def _repeat_line(text: bytes, dice: random.Random) -> bytes:
    lines = text.split(b"\n")
    place = dice.randrange(len(lines))
    return b"\n".join([*lines[:place], *[lines[place]] * dice.randrange(2, 30), *lines[place:]])


def _nest(text: bytes, dice: random.Random) -> bytes:
    depth = dice.choice((10, 1000, 100_000))
    opening, closing = dice.choice(((b"[", b"]"), (b'{"data":', b"}")))
    return opening * depth + text + closing * dice.choice((0, depth))


def _noise(_: bytes, dice: random.Random) -> bytes:
    return dice.randbytes(dice.randrange(200))


def _as_json(text: bytes, change: Callable[[Any, random.Random], None], dice: random.Random) -> bytes:
    """`text` with something changed in its meaning, where it has one."""
    try:
        body = json.loads(text)
        change(body, dice)
        return json.dumps(body).encode()
    except (ValueError, RecursionError, LookupError, TypeError, AttributeError):
        return text


def _columns(body: Any) -> list[list[Any]]:
    """The lists of numbers in a body, whatever their names."""
    lists = body["data"] if isinstance(body.get("schema"), list) else [v for v in body.values() if isinstance(v, list)]
    return [column for column in lists if isinstance(column, list) and column]


def _other_type(body: Any, dice: random.Random) -> None:
    body[dice.choice([*body])] = dice.choice((None, True, -1, 1.5, "x", [], {}, [[]], [None], {"a": [1]}, 10**30))


def _other_length(body: Any, dice: random.Random) -> None:
    """One column, or all of them, shorter or longer."""
    columns = _columns(body)
    cut, more = dice.randrange(len(columns[0])), dice.choice((0, 1, 5, 41_000))
    for column in dice.choice((columns, columns[-1:])):
        column[cut:] = column[:1] * more


def _unsorted(body: Any, dice: random.Random) -> None:
    dice.shuffle(_columns(body)[0])


def _twice(body: Any, dice: random.Random) -> None:
    times = _columns(body)[0]
    times[dice.randrange(len(times))] = dice.choice(times)


def _huge(text: bytes, dice: random.Random) -> bytes:
    """A megabyte and more: of blanks, of a key, of a number."""
    filling = dice.choice((b" ", b"9", b'"a",'))
    place = dice.choice((0, len(text) // 2, len(text)))
    return text[:place] + filling * (dice.choice((1, 3)) << 20) + text[place:]


MEANING: tuple[Callable[[Any, random.Random], None], ...] = (_other_type, _other_length, _unsorted, _twice)
HUGE_EVERY = 50
MUTATIONS: tuple[Callable[[bytes, random.Random], bytes], ...] = (
    _truncate,
    _flip,
    _word,
    _drop_line,
    _swap_lines,
    _repeat_line,
    _nest,
    _noise,
)


def bodies(count: int, seed: int = 0) -> Iterator[tuple[str, bytes]]:
    """`count` paths and bodies, the same for the same seed: one change of meaning, or one to three of text."""
    dice = random.Random(seed)
    texts = list(good().items())
    for _ in range(count):
        path, text = dice.choice(texts)
        if dice.random() < 0.3:
            text = _as_json(text, dice.choice(MEANING), dice)
        else:
            for _ in range(dice.randrange(1, 4)):
                text = dice.choice(MUTATIONS)(text, dice) or b" "
        if not dice.randrange(HUGE_EVERY):
            text = _huge(text, dice)
        yield path, text
