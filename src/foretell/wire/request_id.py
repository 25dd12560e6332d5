"""The name of the request that is being answered: in the answer, in each line logged meanwhile, in the audit log."""

from __future__ import annotations

from contextvars import ContextVar

request_id: ContextVar[str] = ContextVar("request_id", default="")
"""Empty outside of a request."""
