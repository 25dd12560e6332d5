"""A statement read from left to right."""

from __future__ import annotations

from typing import NamedTuple, NoReturn

from foretell.errors import SqlError
from foretell.sql.statement import Span, Statement
from foretell.sql.tokens import NAME, NUMBER, STRING, WORD, unquote


class Path(NamedTuple):
    """The name of a table as it was written: its database ("" where none was), its name, and the token of the name."""

    database: str
    name: str
    token: int


class Reader:
    """Where in a statement the reading is."""

    def __init__(self, statement: Statement, i: int = 0) -> None:
        self.statement = statement
        self.i = i

    @property
    def is_done(self) -> bool:
        return self.i >= len(self.statement.tokens)

    def sees(self, *words: str) -> bool:
        """Whether these words come next."""
        return all(self.statement.is_word(self.i + n, word) for n, word in enumerate(words))

    def take(self, *words: str) -> bool:
        """Pass over these words, if they come next."""
        found = self.sees(*words)
        self.i += len(words) if found else 0
        return found

    def expect(self, *words: str) -> None:
        if not self.take(*words):
            self.fail(f"{' '.join(words)} is expected here")

    def sees_sign(self, sign: str) -> bool:
        return self.statement.is_sign(self.i, sign)

    def take_sign(self, sign: str) -> bool:
        found = self.sees_sign(sign)
        self.i += found
        return found

    def expect_sign(self, sign: str) -> None:
        if not self.take_sign(sign):
            self.fail(f"{sign} is expected here")

    def sees_kind(self, *kinds: str) -> bool:
        return not self.is_done and self.statement.tokens[self.i].kind in kinds

    def word(self) -> str:
        """Any word, in upper case."""
        if not self.sees_kind(WORD):
            self.fail("a word is expected here")
        self.i += 1
        return self.statement.tokens[self.i - 1].text

    def name(self, what: str = "a name") -> str:
        """A name: in lower case, or as it stands between `` or "" ."""
        if not self.sees_kind(WORD, NAME):
            self.fail(f"{what} is expected here")
        token = self.statement.tokens[self.i]
        self.i += 1
        found = unquote(token, self.statement.source.text)
        return found.lower() if token.kind == WORD else found

    def path(self, what: str = "a table") -> Path:
        """NAME or DATABASE.NAME."""
        first = self.name(what)
        if not self.take_sign("."):
            return Path("", first, self.i - 1)
        return Path(first, self.name(what), self.i - 1)

    def text(self) -> str:
        """What a string holds, between ' or " ."""
        if not self.sees_kind(STRING, NAME):
            self.fail("a text is expected here")
        self.i += 1
        return unquote(self.statement.tokens[self.i - 1], self.statement.source.text)

    def whole(self) -> int:
        """A whole number without a sign."""
        if not self.sees_kind(NUMBER) or not self.statement.tokens[self.i].text.isdecimal():
            self.fail("a whole number is expected here")
        self.i += 1
        return int(self.statement.tokens[self.i - 1].text)

    def bracket(self) -> list[Span]:
        """The parts of a list in brackets."""
        if not self.sees_sign("("):
            self.fail("( is expected here")
        first, last = self.i, self.statement.partner[self.i]
        self.i = last + 1
        if last == first + 1:
            self.fail("something is missing in these brackets", first)
        return self.statement.split((first + 1, last))

    def names(self) -> list[str]:
        """Names in brackets."""
        found = []
        for span in self.bracket():
            inner = Reader(self.statement, span[0])
            found.append(inner.name("a column"))
            if inner.i != span[1]:
                inner.fail("only a name is expected here")
        return found

    def end(self) -> None:
        if not self.is_done:
            self.fail("the statement should end here")

    def error(self, message: str, i: int | None = None, kind: type[SqlError] = SqlError) -> SqlError:
        """An error at a token, the next one where none is given."""
        return self.statement.error(message, self.i if i is None else i, kind=kind)

    def fail(self, message: str, i: int | None = None, kind: type[SqlError] = SqlError) -> NoReturn:
        """Raise an error at a token."""
        raise self.error(message, i, kind)
