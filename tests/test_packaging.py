"""foretell as users install it: from a wheel, from the repository, light, with its licences."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from tools.licences import PAGE, needed

ROOT = Path(__file__).parents[1]
PIP = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--no-build-isolation"]
FORECAST = """
import foretell
from pathlib import Path
assert Path(foretell.__file__).is_relative_to({target!r}), foretell.__file__
made = foretell.forecast([1.0, 2, 4, 3] * 5, 4, "seasonal_naive", period=4)
print(foretell.__version__, made.point[0].tolist())
"""


def run(*command: str, path: Path | None = None, cwd: Path | None = None) -> str:
    environment = os.environ | ({"PYTHONPATH": str(path)} if path else {}) | {"PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=cwd, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def check_installed(target: Path, cwd: Path) -> None:
    printed = run(sys.executable, "-c", FORECAST.format(target=str(target)), path=target, cwd=cwd)
    assert re.fullmatch(r"\d+\.\d+\.\d+ \[1\.0, 2\.0, 4\.0, 3\.0\]\n", printed)
    assert run(sys.executable, str(target / "bin" / "foretell"), "--version", path=target).startswith("foretell 0.")


def check_models(target: Path) -> None:
    """The tests of the models that come with the package pass on what is installed; no network is allowed to them."""
    where = f"from foretell.models.foretell_small import WEIGHTS as w; assert w.is_relative_to({str(target)!r}), w"
    run(sys.executable, "-c", where, path=target)
    tests = ["tests/models/test_foretell_small.py", "tests/models/time_moe/test_mini.py"]
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *tests]
    assert re.search(r"^\d+ passed", run(*command, path=target, cwd=ROOT), re.M)


def test_a_wheel_installs_and_forecasts(tmp_path: Path) -> None:
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(tmp_path), str(ROOT))
    (wheel,) = tmp_path.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert "foretell/py.typed" in names
    assert not [name for name in names if name.startswith(("tests", "taosanalytics"))]
    for model in ("foretell-small", "timemoe-mini"):
        assert f"foretell/models/weights/{model}/model.safetensors" in names
    target = tmp_path / "site"
    run(*PIP, "--target", str(target), str(wheel))
    check_installed(target, tmp_path)
    check_models(target)


def test_the_repository_installs_from_its_url(tmp_path: Path) -> None:
    target = tmp_path / "site"
    run(*PIP, "--target", str(target), f"git+{ROOT.as_uri()}")
    check_installed(target, tmp_path)


def test_the_licence_of_every_package_is_listed() -> None:
    listed = set(re.findall(r"^\| ([a-z0-9-]+) \|", PAGE.read_text("utf-8"), re.M)) - {"package"}
    assert listed == set(needed()), "run `make docs`"


def test_no_licence_forbids_free_use() -> None:
    strict = re.compile(r"\b(A?GPL|SSPL|CC-BY-NC|Commercial|proprietary)", re.I)
    assert {name: text for name, text in needed().items() if strict.search(text)} == {}


@pytest.mark.parametrize("statement", ["import foretell", "import foretell.cli", "import foretell; foretell.connect()"])
def test_importing_stays_light(statement: str) -> None:
    heavy = ["torch", "statsmodels", "statsforecast", "sklearn", "pandas", "polars", "matplotlib", "ray"]
    code = f"{statement}\nimport sys\nprint([m for m in {heavy} if m in sys.modules])"
    assert run(sys.executable, "-c", code).strip() == "[]"


def test_every_dependency_is_pinned() -> None:
    pinned = {re.split("[=]", line)[0].lower().replace("_", "-") for line in open_constraints()}
    assert set(needed()) <= pinned


def open_constraints() -> list[str]:
    lines = (ROOT / "constraints.txt").read_text("utf-8").splitlines()
    assert all(re.fullmatch(r"#.*|[A-Za-z0-9._-]+==[^ ]+", line) for line in lines)
    return [line for line in lines if not line.startswith("#")]


def test_the_lock_has_the_hash_of_everything_at_the_pinned_version() -> None:
    assert {line.partition("==")[0] for line in locked("requirements.lock")} == set(needed()), (
        "run `python -m tools.lock`"
    )


def test_so_has_that_of_what_builds_the_wheel() -> None:
    assert "hatchling" in {line.partition("==")[0] for line in locked("requirements-build.lock")}


def locked(name: str) -> set[str]:
    """What a lock names, which has the hash of each, at the pinned version."""
    lines = [line for line in (ROOT / name).read_text("utf-8").splitlines() if not line.startswith("#")]
    found = {line.partition(" ")[0].lower().replace("_", "-") for line in lines}
    assert all(re.fullmatch(r"\S+==\S+ --hash=sha256:[0-9a-f]{64}", line) for line in lines)
    pinned = (ROOT / "constraints.txt").read_text("utf-8").lower().replace("_", "-").splitlines()
    assert found <= set(pinned), f"run `python -m tools.lock`: {sorted(found - set(pinned))}"
    return found
