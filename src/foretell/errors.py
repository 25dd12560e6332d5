"""Every error that foretell raises on purpose.

    ForetellError
    |-- InvalidInput            a field of the request is wrong; names the field          400  0x80000118
    |   |-- SqlError            a statement is wrong; shows the place                     400  0x80002600
    |   |   |-- NoPrivilege     the user may not do that                                  403  0x80002644
    |   |   |-- NoDatabase      no database is named, and none is current                 400  0x80002616
    |   |   |-- NoSuchDatabase  no database of that name                                  404  0x80000388
    |   |   |-- DatabaseExists  there is one of that name                                 409  0x80000381
    |   |   |-- NoSuchTable     no table, super-table or sub-table of that name           404  0x80002603
    |   |   |-- TableExists     there is one of that name                                 409  0x80000603
    |   |   |-- NoSuchColumn    no column or tag of that name                             400  0x80002602
    |   |   |-- ValueTooLong    a text is longer than its column                          400  0x80002653
    |   |   |-- NoSuchUser      no user of that name                                      404  0x80000351
    |   |   `-- UserExists      there is one of that name                                 409  0x80000350
    |   |-- RepeatedTime        two rows of one series have the same time                400  0x80000118
    |   |-- NameTwice           two installed models have one name                        400  0x80000118
    |   |-- BodyTooLate         a request body did not arrive in time                    408  0x80000118
    |   |-- BodyTooLarge        a request body has more bytes than the limit allows       413  0x80000118
    |   |-- WrongMediaType      a request body is of a kind that is not read                415  0x80000118
    |   |-- TooManyRows         more rows asked for, or sent, than the limit allows       400  0x80000446
    |   `-- WhiteNoise          the series is white noise and the check was on            400  0x80000447
    |-- UnknownName             no such model, table, column, option; lists the known     404  0x80000443
    |-- AuthenticationFailed    unknown user, or not his password                         401  0x80000357
    |-- DatabaseInUse           another process has the file; says which                  409  0x80000445
    |-- NotAvailable            the model exists but cannot run here; says what it needs  501  0x80000443
    |-- ServerUnreachable       the server behind a model is not there, or broke off      502  0x80000445
    |-- Overloaded              the queue is full                                         503  0x80000445
    |-- DeadlineExceeded        the work took longer than allowed and was stopped         504  0x80000445
    |-- Cancelled               the caller asked to stop                                  499  0x80000445
    |-- AnodeError              an analytics node cannot be managed or reached            502  0x80000445
    `-- ModelFailed             the model raised, died or returned nonsense               500  0x80000445

Each class knows its HTTP status and its TDengine code (protocol section 1.8), so that a door only has
to pick the shape. Messages are one line, name the field and, where there is a list of known values, show it (at
most MOST_NAMED of them); of a long one the middle is left out.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any

MOST_NAMED = 20
LONGEST, LONGEST_NAME = 4_000, 200
"""Characters of a message, and of an unknown name in it."""
WIDEST = 400
"""Characters of a line that a message shows."""


def clipped(text: str, longest: int = LONGEST) -> str:
    """The beginning and the end of a long text: who sent 30 MB does not get them back."""
    half = longest // 2
    return text if len(text) <= longest else f"{text[:half]} ... {text[-half:]}"


def listed(names: Iterable[str]) -> str:
    """The first names, and how many more there are."""
    known = list(names)
    more = f" and {len(known) - MOST_NAMED:,} more" if len(known) > MOST_NAMED else ""
    return (", ".join(known[:MOST_NAMED]) or "none") + more


class ForetellError(Exception):
    """Anything that foretell refuses to do or could not do."""

    http_status = 500
    tdengine_code = 0x80000445
    field = ""
    """What is wrong, by the name that the caller knows it by: an option, a column, an argument; empty if none is."""

    def __init__(self, message: str = "") -> None:
        super().__init__(clipped(message))

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), self.args, self.__dict__)


def _rebuild(kind: type[ForetellError], args: tuple[Any, ...], state: dict[str, Any]) -> ForetellError:
    """An error as it crossed a process boundary: subclasses need not be made again from their arguments."""
    error = kind.__new__(kind, *args)
    error.args = args
    error.__dict__.update(state)
    return error


class InvalidInput(ForetellError):
    """A field has a value that cannot be used."""

    http_status = 400
    tdengine_code = 0x80000118

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}" if field else message)
        self.field = field


class SqlError(InvalidInput):
    """A statement that cannot be understood or run; `position` is an offset into `statement`.

    `code` is TDengine's code where it has a closer one than "syntax error".
    """

    tdengine_code = 0x80002600

    def __init__(self, message: str, statement: str = "", position: int | None = None, code: int | None = None) -> None:
        self.message = clipped(message, LONGEST // 2)
        super().__init__("", self.message + _excerpt(statement, position))
        self.statement = statement
        self.position = position
        if code is not None:
            self.tdengine_code = code


class NoPrivilege(SqlError):
    http_status = 403
    tdengine_code = 0x80002644


class NoDatabase(SqlError):
    tdengine_code = 0x80002616


class NoSuchDatabase(SqlError):
    http_status = 404
    tdengine_code = 0x80000388


class DatabaseExists(SqlError):
    http_status = 409
    tdengine_code = 0x80000381


class NoSuchTable(SqlError):
    http_status = 404
    tdengine_code = 0x80002603


class TableExists(SqlError):
    http_status = 409
    tdengine_code = 0x80000603


class NoSuchColumn(SqlError):
    tdengine_code = 0x80002602


class ValueTooLong(SqlError):
    tdengine_code = 0x80002653


class NoSuchUser(SqlError):
    http_status = 404
    tdengine_code = 0x80000351


class UserExists(SqlError):
    http_status = 409
    tdengine_code = 0x80000350


class RepeatedTime(InvalidInput):
    """The columns that tell series apart may be missing; each door adds how they are named there."""

    def __init__(self, field: str, time: object, series: str) -> None:
        where = f" in series {series!r}" if series else ""
        advice = "aggregate first, or name the columns that tell the series apart"
        super().__init__(field, f"the time {time} stands twice{where}; {advice}")


class NameTwice(InvalidInput):
    """Two models have one name."""

    def __init__(self, kind: str, name: str, one: str, other: str) -> None:
        super().__init__("name", f"{kind} {name!r} is both {one} and {other}")


class BodyTooLarge(InvalidInput):
    http_status = 413

    def __init__(self, limit: int, when: str = "") -> None:
        super().__init__("body", f"is larger than {limit} bytes{when}")


class BodyTooLate(InvalidInput):
    http_status = 408

    def __init__(self, seconds: float) -> None:
        super().__init__("body", f"did not arrive within {seconds:g} s")


class WrongMediaType(InvalidInput):
    http_status = 415


class TooManyRows(InvalidInput):
    tdengine_code = 0x80000446


class WhiteNoise(InvalidInput):
    """The Ljung-Box test finds no structure; the text is the one that newer servers look for."""

    tdengine_code = 0x80000447

    def __init__(self) -> None:
        super().__init__("", "white noise data not processed")


class UnknownName(ForetellError):
    """A name that nothing answers to, with the names that would have worked (None: they are not told).

    `field` is where it stood.
    """

    http_status = 404
    tdengine_code = 0x80000443

    def __init__(self, what: str, name: str, known: Iterable[str] | None, field: str = "") -> None:
        self.what, self.name, self.known, self.field = what, name, tuple(sorted(known or ())), field
        shown = clipped(name, LONGEST_NAME)
        close = difflib.get_close_matches(shown.lower(), self.known, n=1)
        hint = f", did you mean {close[0]!r}?" if close else ""
        told = "" if known is None else f" (known: {listed(self.known)})"
        super().__init__(f"unknown {what} {shown!r}{hint}{told}")


class AuthenticationFailed(ForetellError):
    http_status = 401
    tdengine_code = 0x80000357

    def __init__(self, message: str = "Authentication failure") -> None:
        super().__init__(message)


class DatabaseInUse(ForetellError):
    """One process at a time has a database file."""

    http_status = 409


class NotAvailable(ForetellError):
    http_status = 501
    tdengine_code = 0x80000443


class ServerUnreachable(ForetellError):
    http_status = 502


class Overloaded(ForetellError):
    http_status = 503


class DeadlineExceeded(ForetellError):
    http_status = 504

    def __init__(self, message: str = "the deadline passed before the work was done") -> None:
        super().__init__(message)


class Cancelled(ForetellError):
    http_status = 499

    def __init__(self, message: str = "the work was cancelled") -> None:
        super().__init__(message)


ANODE_ERRORS = {
    0x8000011B: "the anode's answer is no JSON that can be read",
    0x80000430: "there is an anode of this url",
    0x80000431: "there is no such anode",
    0x80000432: "the url of an anode has 128 bytes at most",
    0x80000433: "the anode speaks another protocol",
    0x80000434: "the anode has an invalid version",
    0x80000437: "the name of an algorithm of the anode has more than 63 bytes",
    0x80000440: "the anode answered nothing",
    0x80000441: "the anode cannot be reached",
    0x80000445: "the anode answered with an error",
}


class AnodeError(ForetellError):
    """What is wrong with an analytics node. The code is TDengine's for exactly that (protocol section 1.8)."""

    http_status = 502

    def __init__(self, code: int, detail: str = "") -> None:
        super().__init__(f"{ANODE_ERRORS[code]}{f': {detail}' if detail else ''}")
        self.tdengine_code = code


def code_of(reason: str) -> int:
    """TDengine's code for the reason why a series has no answer: that of an anode's error, if it is one."""
    known = (code for code, text in ANODE_ERRORS.items() if reason.startswith(text))
    return next(known, ForetellError.tdengine_code)


class ModelFailed(ForetellError):
    """The model itself is at fault: it raised, its process died, or its answer does not fit the request."""


def _excerpt(statement: str, position: int | None) -> str:
    """The line of `statement` that holds `position`, with a caret under it; a long one around there."""
    if position is None or not statement:
        return ""
    position = min(position, len(statement))
    start = statement.rfind("\n", 0, position) + 1
    end = statement.find("\n", position)
    end = len(statement) if end < 0 else end
    row = statement.count("\n", 0, position) + 1
    first = start if end - start <= WIDEST else max(start, position - WIDEST // 2)
    head = f"line {row}: {'...' if first > start else ''}"
    rest = "..." if first + WIDEST < end else ""
    line = statement[first : min(end, first + WIDEST)]
    return f"\n  {head}{line}{rest}\n  {' ' * (len(head) + position - first)}^"
