"""The log of a server: to a file or stderr, as text or as lines of JSON, masked, with the request that it is about."""

from __future__ import annotations

import logging
import sys
from logging.handlers import WatchedFileHandler

import msgspec

from foretell.errors import InvalidInput
from foretell.settings import Settings
from foretell.wire.masking import Masking
from foretell.wire.request_id import request_id

TEXT = "%(asctime)s %(levelname)s %(name)s: %(message)s"


class Text(logging.Formatter):
    """A line for people; the request's name at its end."""

    def __init__(self) -> None:
        super().__init__(TEXT)

    def format(self, record: logging.LogRecord) -> str:
        name = request_id.get()
        return super().format(record) + (f" [{name}]" if name else "")


class Json(logging.Formatter):
    """A line for programs: time, level, logger, message, and where there is one request and traceback."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": round(record.created, 3),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if name := request_id.get():
            line["request"] = name
        if record.exc_text:  # the masking has written it already
            line["traceback"] = record.exc_text
        return msgspec.json.encode(line).decode()


FORMATS = {"text": Text, "json": Json}


class LogFile(WatchedFileHandler):
    """A file that may be moved away: it is made anew. One that cannot be is an error of the log, not of who logs."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            super().emit(record)
        except OSError:  # looking whether the file is still there
            self.handleError(record)


def start_log(settings: Settings) -> None:
    """One log for the process, as the settings say; of other people's libraries, which tell every connection and query
    string, only warnings."""
    handler = _file(settings.app_log) if settings.app_log else logging.StreamHandler(sys.stderr)
    handler.addFilter(Masking())
    handler.setFormatter(FORMATS[settings.log_format]())
    level = logging.getLevelNamesMapping()[settings.log_level]
    logging.basicConfig(level=max(level, logging.WARNING), handlers=[handler], force=True)
    logging.getLogger("foretell").setLevel(level)


def _file(path: str) -> logging.Handler:
    try:
        return LogFile(path)
    except OSError as error:
        raise InvalidInput("app_log", f"cannot write {path}: {error.strerror}") from None
