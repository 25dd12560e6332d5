"""SQL that is put together from slices of what the user wrote, and remembers where each slice came from."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from operator import itemgetter
from typing import NamedTuple

from foretell.errors import SqlError


def check_text(text: str) -> None:
    """SqlError where a statement holds halves of characters, which no database can read."""
    try:
        if not text.isascii():
            text.encode()
    except UnicodeEncodeError as error:
        raise SqlError("this is half of a character", text.encode(errors="replace").decode(), error.start) from None


class Piece(NamedTuple):
    """Some SQL. It is either copied from the source at `origin`, or our own words in place of what stood there."""

    text: str
    origin: int
    copied: bool


class Text:
    """Pieces in a row. It never changes."""

    __slots__ = ("pieces",)

    def __init__(self, pieces: tuple[Piece, ...] = ()) -> None:
        self.pieces = pieces

    def __str__(self) -> str:
        return "".join([piece[0] for piece in self.pieces])

    def __add__(self, other: Text) -> Text:
        return Text(self.pieces + other.pieces)

    @property
    def is_copied(self) -> bool:
        """Whether it is the source itself."""
        return all(piece.copied for piece in self.pieces)

    def origin(self, position: int) -> int:
        """The offset in the source that the character at `position` stands for."""
        for piece in self.pieces:
            if position < len(piece.text):
                return piece.origin + (position if piece.copied else 0)
            position -= len(piece.text)
        return self.pieces[-1].origin if self.pieces else 0

    def replaced(self, start: int, end: int, text: Text) -> Text:
        """With `text` wherever the source from `start` to `end` was copied."""
        pieces: list[Piece] = []
        for piece in self.pieces:
            first, last = start - piece.origin, end - piece.origin
            if piece.copied and first >= 0 and last <= len(piece.text):
                pieces.append(Piece(piece.text[:first], piece.origin, copied=True))
                pieces.extend(text.pieces)
                pieces.append(Piece(piece.text[last:], end, copied=True))
            else:
                pieces.append(piece)
        return Text(tuple(pieces))


def written(text: str, origin: int) -> Text:
    """Words of our own, in place of what stands at `origin`."""
    return Text((_piece(Piece, (text, origin, False)),))


def filled(template: str, origin: int, *parts: Text | str) -> Text:
    """Words of our own, in place of what stands at `origin`, with the parts for each {} in them.

    What the user wrote comes in as a part: it may hold {}, too. So do words of our own without parts.
    """
    words = _words(template) if parts else [template]
    pieces: list[Piece] = []
    own = words[0]
    for part, after in zip(parts, words[1:], strict=True):
        if isinstance(part, str):
            own += part + after
            continue
        if own:
            pieces.append(_piece(Piece, (own, origin, False)))
        pieces += part.pieces
        own = after
    if own:
        pieces.append(_piece(Piece, (own, origin, False)))
    return Text(tuple(pieces))


def joined(parts: Iterable[Text], between: str = ", ") -> Text:
    """Texts one after the other."""
    pieces: list[Piece] = []
    for part in parts:
        if pieces and part.pieces:
            pieces.append(_piece(Piece, (between, part.pieces[0][1], False)))
        pieces += part.pieces
    return Text(tuple(pieces))


@lru_cache(maxsize=512)
def _words(template: str) -> list[str]:
    return template.split("{}")


_piece = tuple.__new__
"""Makes a piece out of a tuple, in half the time of the class itself."""


_first, _last = itemgetter(0), itemgetter(1)


@dataclass(slots=True)
class Source:
    """A script as it was typed, and the parts of it that have been replaced so far."""

    text: str
    _patches: dict[tuple[int, int], Text] = field(default_factory=dict)
    _places: list[tuple[int, int]] = field(default_factory=list)
    """Where the patches stand, in order; none reaches into another."""

    def replace(self, start: int, end: int, text: Text) -> None:
        """Let `text` stand for the source from `start` to `end`, and for every replacement inside it.

        Inside of an earlier replacement it stands wherever that copied the source.
        """
        within: list[tuple[int, int]] = []
        for place in self._places[self._touching(start, end)]:
            first, last = place
            if first <= start and end <= last and place != (start, end):
                self._patches[place] = self._patches[place].replaced(start, end, text)
                return
            if start <= first and last <= end:
                within.append(place)
        for place in within:
            del self._patches[place]
            self._places.remove(place)
        self._patches[start, end] = text
        insort(self._places, (start, end))

    def _touching(self, start: int, end: int) -> slice:
        """The patches that have anything to do with the source from `start` to `end`."""
        return slice(bisect_left(self._places, start, key=_last), bisect_right(self._places, end, key=_first))

    def is_replaced(self, start: int, end: int) -> bool:
        """Whether something stands for the source from `start` to `end` as a whole."""
        return any(first <= start and end <= last for first, last in self._places[self._touching(start, end)])

    def cut(self, start: int, end: int) -> Text:
        """The source from `start` to `end`, with its replacements."""
        pieces: list[Piece] = []
        for first, last in [
            place for place in self._places[self._touching(start, end)] if start <= place[0] and place[1] <= end
        ]:
            if start < first:
                pieces.append(_piece(Piece, (self.text[start:first], start, True)))
            pieces += self._patches[first, last].pieces
            start = last
        if start < end or not pieces:
            pieces.append(_piece(Piece, (self.text[start:end], start, True)))
        return Text(tuple(pieces))

    def error(
        self, message: str, position: int | None, code: int | None = None, kind: type[SqlError] = SqlError
    ) -> SqlError:
        """An error that shows the place; `code` is TDengine's, else that of the `kind`."""
        return kind(message, self.text, position, code)
