"""A folder with config.json and model.safetensors (one file, or shards with an index) into a network, strictly.

Every tensor of the files must have its place in the network and every place its tensor, of the right shape.
This file imports no torch, so that a folder can be looked at without it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from safetensors import SafetensorError, safe_open

from foretell.errors import InvalidInput

if TYPE_CHECKING:
    from torch import Tensor, nn

CONFIG = "config.json"
WEIGHTS = "model.safetensors"
INDEX = "model.safetensors.index.json"
PICKLES = (".bin", ".pt", ".pth", ".pkl", ".ckpt")
Places = Iterable[tuple[str, "nn.Parameter", Any]]
"""Name of a tensor in the files, the parameter that takes it, and the index where it lies there."""


def read_config(folder: Path) -> dict[str, Any]:
    """config.json; InvalidInput names the file where it is missing or no JSON object."""
    return _read_json(folder / CONFIG)


def weight_files(folder: Path) -> list[Path]:
    """model.safetensors, or the shards that the index names."""
    if (folder / WEIGHTS).is_file():
        return [folder / WEIGHTS]
    if not (folder / INDEX).is_file():
        raise InvalidInput("weights", f"{folder} has neither {WEIGHTS} nor {INDEX}{_pickles(folder)}")
    shards = sorted(set(_read_json(folder / INDEX).get("weight_map", {}).values()))
    missing = [s for s in shards if Path(s).name != s or not (folder / s).is_file()]
    if missing or not shards:
        raise InvalidInput("weights", f"{folder / INDEX} names files that are not there: {', '.join(missing) or '-'}")
    return [folder / s for s in shards]


def _pickles(folder: Path) -> str:
    """What to say of weights of the kind that runs code when it is read."""
    found = sorted(path.name for path in folder.iterdir() if path.suffix in PICKLES) if folder.is_dir() else []
    return f"; {found[0]} is a pickle, which is never read: save the weights as safetensors" if found else ""


def load(places: Places, folder: Path) -> None:
    """Fill the parameters from the files, in the parameters' own type."""
    open_places = {name: (parameter, index) for name, parameter, index in places}
    for name, tensor in _tensors(folder):
        if name not in open_places:
            raise InvalidInput("weights", f"{folder}: {name} is unknown to this architecture, or there twice")
        parameter, index = open_places.pop(name)
        if parameter[index].shape != tensor.shape:
            shapes = f"{list(tensor.shape)}, config.json asks for {list(parameter[index].shape)}"
            raise InvalidInput("weights", f"{folder}: {name} is {shapes}")
        parameter.data[index] = tensor.to(parameter.dtype)
    if open_places:
        some = ", ".join(sorted(open_places)[:3])
        raise InvalidInput("weights", f"{folder}: {len(open_places)} tensors are missing, among them {some}")


def _tensors(folder: Path) -> Iterator[tuple[str, Tensor]]:
    for file in weight_files(folder):
        try:
            with safe_open(file, framework="pt") as tensors:
                for name in tensors.keys():  # noqa: SIM118 (not a dict)
                    yield name, tensors.get_tensor(name)
        except (SafetensorError, OSError) as error:
            raise InvalidInput("weights", f"cannot read {file}: {error}") from None


def _read_json(file: Path) -> dict[str, Any]:
    try:
        found = json.loads(file.read_text("utf-8"))
    except OSError as error:
        raise InvalidInput("weights", f"cannot read {file}: {error.strerror}") from None
    except ValueError as error:
        raise InvalidInput("weights", f"{file} is not JSON: {error}") from None
    if not isinstance(found, dict):
        raise InvalidInput("weights", f"{file} holds no JSON object")
    return found


def is_complete(folder: Path, expected: Mapping[str, Any]) -> bool:
    """Whether the files are there and config.json has the `expected` values: no weight is read."""
    try:
        config = read_config(folder)
        return bool(weight_files(folder)) and all(config.get(k) == v for k, v in expected.items())
    except InvalidInput:
        return False


def fingerprint(folder: Path) -> str:
    """Eight hexadecimal digits that name the weights: of the SHA-256 of the file, or of those of its shards."""
    hashes = [sha256(file) for file in weight_files(folder)]
    return (hashes[0] if len(hashes) == 1 else hashlib.sha256("".join(hashes).encode()).hexdigest())[:8]


def sha256(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()
