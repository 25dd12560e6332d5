"""Recorded requests and what must come back: one file each, `{path, request, answer}` (a text is compared as it is,
numbers to 2 %, `...` matches anything)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.tdgpt.taosd import Taosd

FILES = sorted(Path(__file__).parent.glob("*.json"))


@pytest.mark.parametrize("file", FILES, ids=lambda f: f.stem)
def test_recorded(taosd: Taosd, file: Path) -> None:
    recorded = json.loads(file.read_text())
    answer = taosd.post(recorded["path"], json.dumps(recorded["request"]).encode())
    wrong = differences(recorded["answer"], answer)
    assert not wrong, f"{wrong} in {answer}"


def differences(wanted: Any, got: Any, at: str = "answer") -> list[str]:
    """Where `got` lacks or contradicts something of `wanted`; more keys than wanted are fine."""
    if wanted == "...":
        return []
    if isinstance(wanted, dict) and isinstance(got, dict):
        missing = [f"{at}.{key} is missing" for key in wanted if key not in got]
        return missing + [d for k in wanted if k in got for d in differences(wanted[k], got[k], f"{at}.{k}")]
    if isinstance(wanted, list) and isinstance(got, list) and len(wanted) == len(got):
        return [d for i, (w, g) in enumerate(zip(wanted, got, strict=True)) for d in differences(w, g, f"{at}[{i}]")]
    if isinstance(wanted, float) and isinstance(got, int | float):
        return [] if got == pytest.approx(wanted, rel=0.02, abs=1e-9) else [f"{at}: {got} is not {wanted}"]
    return [] if wanted == got else [f"{at}: {got!r} is not {wanted!r}"]
