"""Statements with words dropped, doubled and swapped are run or refused, and never crash or hang."""

from __future__ import annotations

import random

import pytest

from foretell.errors import ForetellError
from foretell.sql import Session
from foretell.sql.tokens import tokenize
from tests.sql.pairs import HERE, pairs
from tests.sql.test_pairs import FILES

STATEMENTS = 250
SECONDS = 5
UNITS = "bauasmhdwny"


def words(text: str) -> list[str]:
    return [text[token.start : token.end] for token in tokenize(text)]


CORPUS = [words(pair.ours) for file in FILES for pair in pairs(file)]
WORDS = [word for statement in CORPUS for word in statement]


def mutilated(chance: random.Random) -> str:
    """A statement after one to three accidents."""
    found = list(chance.choice(CORPUS))
    for _ in range(chance.randint(1, 3)):
        i, j = chance.randrange(len(found)), chance.randrange(len(found))
        match chance.randrange(4):
            case 0:
                found.insert(i, chance.choice(WORDS))
            case 1:
                found[i] = chance.choice(WORDS)
            case 2:
                found[i], found[j] = found[j], found[i]
            case _ if len(found) > 1:
                del found[i]
    text = ""
    for word in found:
        text += word if text and text[-1].isdigit() and word in UNITS else f" {word}"
    return text


@pytest.mark.parametrize("seed", range(4))
def test_accidents_are_refused_or_run(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(HERE / "data")
    chance = random.Random(seed)
    with Session(warn=lambda line: None, timeout=SECONDS) as session:
        for _ in range(STATEMENTS // 4):
            text = mutilated(chance)
            try:
                session.sql(text)
            except ForetellError:
                continue
