"""The pages tell the truth: the demo is what `make demo` prints, examples run, links lead somewhere."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tools import models_page

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text("utf-8")
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
FORETELL = [sys.executable, "-c", "from foretell.cli import main; main()"]


def blocks(language: str, text: str = README) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", text, re.S)


def commands(block: str) -> list[list[str]]:
    """The commands of a console block; one may run over several lines, up to its closing quotation mark."""
    found, text = [], ""
    for line in block.splitlines():
        if line.startswith("$ "):
            text = line[2:]
        elif text:
            text += "\n" + line
        try:
            words = shlex.split(text)
        except ValueError:
            continue
        if words:
            found.append(words)
        text = ""
    return found


def numbers_and_words(text: str) -> list[object]:
    return [float(t) if re.fullmatch(r"-?\d+\.\d+", t) else t for t in text.split()]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    (tmp_path / "out").mkdir()
    return tmp_path


def test_the_first_screen_is_what_the_demo_prints(folder: Path) -> None:
    code = f"import sys; sys.path.insert(0, {str(folder / 'examples')!r}); import demo; demo.main()"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=folder, check=True)
    shown = numbers_and_words(blocks("console")[0])
    printed = numbers_and_words(done.stdout + done.stderr)
    assert printed == [pytest.approx(word, rel=2e-3) if isinstance(word, float) else word for word in shown]
    assert (folder / "out" / "demo.png").stat().st_size > 10_000


@pytest.mark.parametrize("command", [c for block in blocks("console")[1:] for c in commands(block)], ids=" ".join)
def test_the_commands_run(command: list[str], folder: Path) -> None:
    assert command[0] == "foretell"
    done = subprocess.run([*FORETELL, *command[1:]], capture_output=True, text=True, cwd=folder, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout or (folder / "ahead.csv").exists()


@pytest.mark.parametrize("page", ["README.md", "docs/python.md"])
def test_the_python_of_a_page_runs(page: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    code = "\n".join(blocks("python", (ROOT / page).read_text("utf-8")))
    exec(compile(code, page, "exec"), {})
    assert list(folder.glob("*.png"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page: Path) -> None:
    targets = [t for t in re.findall(r"\]\(([^)#]+)\)", page.read_text("utf-8")) if "://" not in t]
    assert [t for t in targets if not (page.parent / t).exists()] == []


def test_the_page_of_models_is_what_the_registry_says() -> None:
    assert models_page.PAGE.read_text("utf-8") == models_page.page(), "run `make docs`"


def test_the_notebook_runs(folder: Path) -> None:
    code = "n = nbformat.read('examples/quickstart.ipynb', 4); nbclient.NotebookClient(n).execute()"
    run = [sys.executable, "-c", f"import nbclient, nbformat; {code}"]
    done = subprocess.run(run, capture_output=True, text=True, cwd=folder, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
