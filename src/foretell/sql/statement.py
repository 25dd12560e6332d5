"""A statement as tokens and brackets. A span is a pair of token indices, half open."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator

from foretell.errors import SqlError
from foretell.sql.text import Source, Text
from foretell.sql.tokens import SIGN, WORD, Token, tokenize

Span = tuple[int, int]

OPEN = {"(": ")", "[": "]", "{": "}"}
CLOSE = frozenset(OPEN.values())
MOST_BRACKETS = 500
"""Brackets inside of brackets: what stands in many of them is looked at once for each. DuckDB knows 1,000."""
MOST_DOTS = 100
"""Dots of one name. DuckDB's time to look for it grows with their square, and cannot be interrupted."""
MOST_WITH = 6
"""WITH inside of WITH. DuckDB 2.0 takes six times as long for each level to say that something is wrong in the
innermost one, cannot be interrupted there, and would be at it for a minute at ten."""


class Statement:
    """One statement of a script."""

    def __init__(self, source: Source, tokens: list[Token]) -> None:
        self.source = source
        self.tokens = tokens
        self.partner = list(range(len(tokens)))
        """The index of the bracket that closes or opens the one at an index."""
        self.parent = [-1] * len(tokens)
        """The index of the bracket that a token stands in, or -1."""
        self._places: dict[frozenset[str], dict[int, list[int]]] = {}
        self._match_brackets()
        self._check_depth()
        self._check_names()

    def _match_brackets(self) -> None:
        stack: list[int] = []
        inside = -1
        for i, (_, text, _, _) in enumerate(self.tokens):
            if text in CLOSE:  # brackets alone have such a text: what is quoted keeps its quotes
                if not stack or OPEN[self.tokens[stack[-1]].text] != text:
                    raise self.error(f"this {text} closes nothing", i)
                first = stack.pop()
                self.partner[first], self.partner[i] = i, first
                inside = stack[-1] if stack else -1
            self.parent[i] = inside
            if text in OPEN:
                stack.append(i)
                inside = i
                if len(stack) > MOST_BRACKETS:
                    raise self.error(f"there may be {MOST_BRACKETS} brackets inside of each other at most", i)
        if stack:
            raise self.error(f"this {self.tokens[stack[-1]].text} is never closed", stack[-1])

    def take_out(self, i: int) -> None:
        """Do without a token, of whose text the source has been freed."""
        del self.tokens[i]
        self._places = {}
        self.partner = list(range(len(self.tokens)))
        self.parent = [-1] * len(self.tokens)
        self._match_brackets()

    def _check_depth(self) -> None:
        """Refuse WITH too deep inside of others."""
        if sum(token.text == "WITH" for token in self.tokens) <= MOST_WITH:
            return
        depths = {-1: 0}
        for i, inside in enumerate(self.parent):
            if self.partner[i] > i:
                depths[i] = depths[inside] + self.is_word(i + 1, "WITH")
                if depths[i] > MOST_WITH:
                    raise self.error(f"there may be {MOST_WITH} levels of WITH at most", i + 1)

    def _check_names(self) -> None:
        """Refuse names of very many parts."""
        dots = [i for i, token in enumerate(self.tokens) if token.text == "."]
        for first, last in zip(dots, dots[MOST_DOTS:], strict=False):
            if last - first == 2 * MOST_DOTS:
                raise self.error(f"a name may have {MOST_DOTS} dots at most", last)

    @property
    def start(self) -> int:
        return self.tokens[0].start

    @property
    def end(self) -> int:
        return self.tokens[-1].end

    def is_word(self, i: int, *words: str) -> bool:
        """Whether the token at `i` is one of these words, and not the second part of a dotted name."""
        if not 0 <= i < len(self.tokens):
            return False
        kind, text, _, _ = self.tokens[i]
        return text in words and kind == WORD and not (i and self.tokens[i - 1].text == ".")

    def is_sign(self, i: int, sign: str) -> bool:
        return 0 <= i < len(self.tokens) and self.tokens[i].text == sign and self.tokens[i].kind == SIGN

    def places(self, words: frozenset[str], span: Span) -> list[int]:
        """Where some words stand in a span, outside of further brackets."""
        first, last = span
        found = self._beside(words, first) if first < last else []
        return found[bisect_left(found, first) : bisect_left(found, last)]

    def nearest(self, words: frozenset[str], span: Span, i: int) -> Span:
        """Of the places in a span: the last one up to `i`, and the first one behind it; else the ends of the span."""
        found = self._beside(words, span[0])
        middle = bisect_right(found, i)
        before = found[middle - 1] if middle else -1
        after = found[middle] if middle < len(found) else span[1]
        return max(before, span[0]), min(after, span[1])

    def _beside(self, words: frozenset[str], i: int) -> list[int]:
        """Where some words stand in the same bracket as the token at `i`. Kept for the next time."""
        found = self._places.get(words)
        if found is None:
            found = self._places[words] = {}
            for j, token in enumerate(self.tokens):
                if token.text in words and self.is_word(j, token.text):
                    found.setdefault(self.parent[j], []).append(j)
        return found.get(self.parent[i], [])

    def level(self, span: Span) -> Iterator[int]:
        """The tokens of a span that stand in no further bracket; of a bracket, only the opening one."""
        i, end = span
        while i < end:
            yield i
            i = self.partner[i] + 1 if self.partner[i] > i else i + 1

    def split(self, span: Span) -> list[Span]:
        """A span cut at its commas; empty parts are an error."""
        commas = [i for i in self.level(span) if self.is_sign(i, ",")]
        parts = list(zip([span[0], *(i + 1 for i in commas)], [*commas, span[1]], strict=True))
        for first, last in parts:
            if first == last:
                raise self.error("an expression is missing here", min(first, len(self.tokens) - 1))
        return parts

    def place(self, span: Span) -> tuple[int, int]:
        """Offsets into the source."""
        return self.tokens[span[0]].start, self.tokens[span[1] - 1].end

    def written(self, span: Span) -> str:
        """The source of a span, as it was typed."""
        start, end = self.place(span)
        return self.source.text[start:end]

    def cut(self, span: Span) -> Text:
        """The source of a span, with its replacements."""
        return self.source.cut(*self.place(span))

    def key(self, span: Span) -> tuple[tuple[str, str], ...]:
        """What is equal for two spans that mean the same but for blanks, comments and the case of words."""
        return tuple((token.kind, token.text) for token in self.tokens[span[0] : span[1]])

    def error(self, message: str, i: int | Span, code: int | None = None, kind: type[SqlError] = SqlError) -> SqlError:
        """An error at a token, or behind the last; `code` is TDengine's, else that of the `kind`."""
        first = i if isinstance(i, int) else i[0]
        place = self.tokens[first].start if first < len(self.tokens) else self.end
        return self.source.error(message, place, code, kind)


def statements(text: str) -> Iterator[Statement]:
    """The statements of a script, cut at its semicolons."""
    source = Source(text)
    part: list[Token] = []
    for token in tokenize(text):
        if token.kind == SIGN and token.text == ";":
            if part:
                yield Statement(source, part)
            part = []
        else:
            part.append(token)
    if part:
        yield Statement(source, part)
