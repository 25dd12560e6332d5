"""Whatever OpenAPI allows, and what it forbids, gets an answer below 500, in the shape that OpenAPI promises.

Cases come from the document that the server itself gives out. More of them: `FUZZ=1000`, as `make soak` does.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from typing import Any

import hypothesis
import pytest
import requests
import schemathesis
from schemathesis.generation import GenerationMode

from tests.http_api.conftest import serving

EXAMPLES = int(os.environ.get("FUZZ", "5"))
PATIENCE = 60
SAID = (501, 503, 504)
"""Statuses above 500 that say what is: cannot run here, too much waits, it took too long."""
LEFT_OUT = r"^/(schema|v1/models/\{name\}/pull|v1/reload)"
"""Pages of the framework, downloads, and what would load all plugins anew a thousand times."""


@pytest.fixture(scope="module")
def schema(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with serving(tmp_path_factory.mktemp("state"), request_timeout=20) as url:
        found: Any = schemathesis.openapi.from_url(f"{url}/schema/openapi.json")
        yield found.exclude(path_regex=LEFT_OUT)


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
def test_no_case_breaks_the_server(schema: Any, mode: GenerationMode) -> None:
    with requests.Session() as session:
        operations = [found.ok() for found in schema.get_all_operations()]
        assert len(operations) > 15
        for operation in operations:
            _try(operation, mode, session)


def _try(operation: Any, mode: GenerationMode, session: requests.Session) -> None:
    """Cases of one operation; an operation that takes nothing has none that are wrong."""

    @hypothesis.settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=[*hypothesis.HealthCheck],
    )
    @hypothesis.given(case=operation.as_strategy(generation_mode=mode))
    def each(case: Any) -> None:
        answer = case.call(session=session, timeout=PATIENCE)
        assert answer.status_code < 500 or answer.status_code in SAID, (case.as_curl_command(), answer.text)
        if answer.status_code >= 400:
            assert "json" in answer.headers["content-type"][0], answer.headers

    with contextlib.suppress(hypothesis.errors.Unsatisfiable):
        each()
