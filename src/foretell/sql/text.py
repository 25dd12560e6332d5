"""SQL that is put together from slices of what the user wrote, and remembers where each slice came from."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from foretell.errors import SqlError


class Piece(NamedTuple):
    """Some SQL. It is either copied from the source at `origin`, or our own words in place of what stood there."""

    text: str
    origin: int
    copied: bool


@dataclass(frozen=True, slots=True)
class Text:
    pieces: tuple[Piece, ...] = ()

    def __str__(self) -> str:
        return "".join(piece.text for piece in self.pieces)

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
    return Text((Piece(text, origin, copied=False),))


def filled(template: str, origin: int, *parts: Text | str) -> Text:
    """Words of our own, in place of what stands at `origin`, with the parts for each {} in them."""
    words = template.split("{}")
    text = written(words[0], origin)
    for part, after in zip(parts, words[1:], strict=True):
        text += (written(part, origin) if isinstance(part, str) else part) + written(after, origin)
    return text


def joined(parts: Iterable[Text], between: str = ", ") -> Text:
    """Texts one after the other."""
    text = Text()
    for part in parts:
        text += (written(between, part.origin(0)) if text.pieces else Text()) + part
    return text


@dataclass(slots=True)
class Source:
    """A script as it was typed, and the parts of it that have been replaced so far."""

    text: str
    _patches: dict[tuple[int, int], Text] = field(default_factory=dict)

    def replace(self, start: int, end: int, text: Text) -> None:
        """Let `text` stand for the source from `start` to `end`, and for every replacement inside it.

        Inside of an earlier replacement it stands wherever that copied the source.
        """
        for (first, last), patch in self._patches.items():
            if first <= start and end <= last and (first, last) != (start, end):
                self._patches[first, last] = patch.replaced(start, end, text)
                return
        self._patches = {
            (first, last): patch for (first, last), patch in self._patches.items() if last <= start or end <= first
        }
        self._patches[start, end] = text

    def is_replaced(self, start: int, end: int) -> bool:
        """Whether something stands for the source from `start` to `end` as a whole."""
        return any(first <= start and end <= last for first, last in self._patches)

    def cut(self, start: int, end: int) -> Text:
        """The source from `start` to `end`, with its replacements."""
        pieces: list[Piece] = []
        for (first, last), patch in sorted(self._patches.items(), key=lambda item: item[0]):
            if start <= first and last <= end:
                pieces.append(Piece(self.text[start:first], start, copied=True))
                pieces.extend(patch.pieces)
                start = last
        pieces.append(Piece(self.text[start:end], start, copied=True))
        return Text(tuple(pieces))

    def error(
        self, message: str, position: int | None, code: int | None = None, kind: type[SqlError] = SqlError
    ) -> SqlError:
        """An error that shows the place; `code` is TDengine's, else that of the `kind`."""
        return kind(message, self.text, position, code)
