"""Large bodies are read elsewhere, and it makes no difference but to those who wait for /list."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from foretell.errors import InvalidInput, TooManyRows
from foretell.tdgpt import reader
from foretell.wire import tdgpt
from tests.tdgpt.malformed import good

READ: tuple[tuple[str, Callable[[bytes], Any]], ...] = (
    ("/forecast", tdgpt.read_forecast),
    ("/anomaly-detect", tdgpt.read_anomaly),
    ("/imputation", tdgpt.read_imputation),
    ("/correlation", tdgpt.read_correlation),
)


def test_a_large_body_is_read_as_a_small_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "LARGE", 0)
    found = reader.Reader()

    async def test() -> None:
        for path, read in READ:
            text = good()[path]
            far, near = await found.read(read, text), read(text)
            for field in dataclasses.fields(near):
                np.testing.assert_equal(getattr(far, field.name), getattr(near, field.name))
        with pytest.raises(InvalidInput, match="is not JSON"):
            await found.read(tdgpt.read_forecast, b"{1,")
        with pytest.raises(TooManyRows, match="actual 41000 rows"):
            await found.read(tdgpt.read_forecast, b'{"data": [[%s], [%s]]}' % ((b",".join([b"1"] * 41_000),) * 2))

    try:
        asyncio.run(test())
    finally:
        found.close()


def test_a_small_body_starts_no_process() -> None:
    found = reader.Reader()
    text = good()["/forecast"]
    assert asyncio.run(found.read(tdgpt.read_forecast, text)).rows == 3
    assert not found._executor._idle
    found.close()
