"""What every test has."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from foretell.settings import settings


@pytest.fixture(autouse=True)
def fresh_settings() -> Iterator[None]:
    """They are read once: no test has those of another."""
    settings.cache_clear()
    yield
    settings.cache_clear()
