"""The recipes run: the tiny one to its end, in a size for CI."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_tiny_recipe_makes_weights(tmp_path: Path) -> None:
    given = os.environ | {"STEPS": "2", "RUN": str(tmp_path / "run"), "PYTHON": sys.executable}
    done = subprocess.run([ROOT / "recipes" / "train_tiny.sh"], env=given, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "100.0%" in done.stdout
    made = {p.name for p in (tmp_path / "run" / "weights").iterdir()}
    assert made == {"config.json", "model.safetensors", "recipe.json"}
