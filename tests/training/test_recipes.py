"""The recipes run: the tiny one to its end, in a size for CI."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np

from foretell.models.time_moe_numpy import NumpyTimeMoe

ROOT = Path(__file__).parents[2]


def test_the_tiny_recipe_makes_weights(tmp_path: Path) -> None:
    given = os.environ | {"STEPS": "2", "RUN": str(tmp_path / "run"), "PYTHON": sys.executable}
    done = subprocess.run([ROOT / "recipes" / "train_tiny.sh"], env=given, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "100.0%" in done.stdout
    made = {p.name for p in (tmp_path / "run" / "weights").iterdir()}
    assert made == {"config.json", "model.safetensors", "recipe.json"}


def test_the_recipe_of_timemoe_mini_makes_weights_in_a_size_for_ci(tmp_path: Path) -> None:
    given = os.environ | {"TINY": "1", "STEPS": "2", "RUN": str(tmp_path / "run"), "PYTHON": sys.executable}
    recipe = ROOT / "recipes" / "train_timemoe_mini.sh"
    done = subprocess.run([recipe], env=given, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "100.0%" in done.stdout
    made = tmp_path / "run" / "weights"
    assert {p.name for p in made.iterdir()} == {"config.json", "model.safetensors", "recipe.json"}
    assert NumpyTimeMoe.read(made).generate([np.arange(9.0)], 5).shape == (1, 5)
