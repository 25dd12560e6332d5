"""One server for all clients."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.sql.taos.serving import serving


@pytest.fixture(scope="session")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """host:port of a server over a database of its own."""
    with serving(tmp_path_factory.mktemp("plant")) as found:
        yield found
