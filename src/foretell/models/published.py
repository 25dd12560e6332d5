"""Where published weights lie on this machine: no network, no heavy library.

Looked up in this order: the folder that the setting `weights` names for the model, which alone counts where there is
one; the folder of the setting `model_dir` (FORETELL_MODEL_DIR); the cache of the Hugging Face hub, where HF_HOME and
HF_HUB_CACHE say that it is. hub.py brings them there.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from foretell.errors import InvalidInput
from foretell.models.checkpoint import CONFIG, is_complete, read_config, weight_files
from foretell.settings import settings


@dataclass(frozen=True)
class Published:
    """Weights that somebody published: `repository` of the hub, the `folders` of a model directory that may hold
    them, and what their config.json must say.
    """

    name: str
    repository: str
    folders: tuple[str, ...]
    config: Mapping[str, Any]

    def folder(self) -> Path | None:
        """The first complete folder with these weights; a named one may hold any size of the architecture."""
        if (named := self.named()) is not None:
            kind = {key: value for key, value in self.config.items() if key == "model_type"}
            return named if is_complete(named, kind) else None
        return next((f for f in self._places() if is_complete(f, self.config)), None)

    def damage(self) -> str | None:
        """What is wrong with a folder that should hold them; None where there is none, or nothing to be seen."""
        named = self.named()
        for folder in (named,) if named is not None else self._places():
            try:
                if (folder / CONFIG).is_file():
                    read_config(folder)
                    weight_files(folder)
            except InvalidInput as error:
                return str(error)
        return None

    def named(self) -> Path | None:
        """The folder that the setting `weights` names."""
        return settings().weights.get(self.name)

    def label(self, folder: Path) -> str:
        """What to call the weights in `folder`: by the model's name where they are its own."""
        return self.name if is_complete(folder, self.config) else folder.name

    def cache(self) -> Path:
        """The folder of the repository in the hub's cache."""
        return hub_cache() / f"models--{self.repository.replace('/', '--')}"

    def how_to_place(self) -> str:
        named = self.named()
        place = f"{self.folders[0]!r} of the directory that FORETELL_MODEL_DIR names" if named is None else str(named)
        source = f"https://huggingface.co/{self.repository}"
        return f"put config.json and model.safetensors of {source} into the folder {place}"

    def _places(self) -> Iterator[Path]:
        directory = settings().model_dir
        if directory is not None:
            yield from (directory / name for name in self.folders)
        cached = self.cache()
        main = cached / "refs" / "main"
        if main.is_file():
            yield cached / "snapshots" / main.read_text("utf-8").strip()
        yield from sorted((cached / "snapshots").glob("*"))


def hub_cache() -> Path:
    """The hub's cache, where its own tools look for it."""
    if place := os.environ.get("HF_HUB_CACHE") or os.environ.get("HUGGINGFACE_HUB_CACHE"):
        return Path(place).expanduser()
    return hub_home() / "hub"


def hub_home() -> Path:
    """The folder of the hub's tools."""
    cache = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(os.environ.get("HF_HOME") or f"{cache}/huggingface").expanduser()
