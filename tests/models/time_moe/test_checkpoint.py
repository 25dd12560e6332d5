"""Files into networks: every tensor accounted for."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from foretell.errors import InvalidInput
from foretell.models.checkpoint import fingerprint, is_complete, load, read_config, weight_files
from foretell.models.time_moe import TimeMoe
from tests.models.time_moe.golden import TINY, tiny
from tests.models.time_moe.plain import published_tensors


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("config.json", "model.safetensors"):
        shutil.copy(TINY / name, tmp_path / name)
    return tmp_path


def rewrite(folder: Path, change: dict[str, torch.Tensor | None]) -> None:
    tensors = load_file(folder / "model.safetensors") | change
    save_file({k: v for k, v in tensors.items() if v is not None}, folder / "model.safetensors")


def shard(folder: Path) -> None:
    tensors = load_file(folder / "model.safetensors")
    names = {k: f"model-0000{1 + i % 2}-of-00002.safetensors" for i, k in enumerate(tensors)}
    for file in set(names.values()):
        save_file({k: v for k, v in tensors.items() if names[k] == file}, folder / file)
    (folder / "model.safetensors").unlink()
    (folder / "model.safetensors.index.json").write_text(json.dumps({"metadata": {}, "weight_map": names}))


def test_what_is_loaded_is_what_was_published() -> None:
    assert published_tensors(tiny()).keys() == load_file(TINY / "model.safetensors").keys()
    for name, tensor in load_file(TINY / "model.safetensors").items():
        assert torch.equal(published_tensors(tiny())[name], tensor), name


def test_shards(folder: Path) -> None:
    shard(folder)
    network = TimeMoe(tiny().shape)
    load(network.published(), folder)
    for (name, tensor), other in zip(
        published_tensors(network).items(), published_tensors(tiny()).values(), strict=True
    ):
        assert torch.equal(tensor, other), name
    assert len(fingerprint(folder)) == 8


def test_a_missing_shard_is_named(folder: Path) -> None:
    shard(folder)
    (folder / "model-00002-of-00002.safetensors").unlink()
    assert not is_complete(folder, {})
    with pytest.raises(InvalidInput, match=r"model-00002-of-00002\.safetensors"):
        weight_files(folder)


def test_an_index_cannot_name_files_elsewhere(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder.parent / "elsewhere.safetensors")
    index = {"weight_map": {"a": "../elsewhere.safetensors"}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(InvalidInput, match="elsewhere"):
        weight_files(folder)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"model.norm.weight": None}, r"1 tensors are missing, among them model\.norm\.weight"),
        ({"model.other.weight": torch.zeros(3)}, r"model\.other\.weight is unknown"),
        ({"model.norm.weight": torch.zeros(3)}, r"model\.norm\.weight is \[3\], config\.json asks for \[32\]"),
    ],
    ids=["missing", "unknown", "wrong shape"],
)
def test_every_tensor_is_accounted_for(folder: Path, change: dict[str, torch.Tensor | None], message: str) -> None:
    rewrite(folder, change)
    with pytest.raises(InvalidInput, match=message):
        load(TimeMoe(tiny().shape).published(), folder)


@pytest.mark.parametrize(("name", "content"), [("config.json", "not json"), ("config.json", "[1]")])
def test_files_that_are_something_else(folder: Path, name: str, content: str) -> None:
    (folder / name).write_text(content)
    with pytest.raises(InvalidInput, match=name):
        read_config(folder)
    assert not is_complete(folder, {})


def test_a_file_cut_short(folder: Path) -> None:
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(InvalidInput, match="cannot read"):
        load(TimeMoe(tiny().shape).published(), folder)


def test_no_folder(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="cannot read"):
        read_config(tmp_path / "none")
    with pytest.raises(InvalidInput, match=r"neither model\.safetensors nor"):
        weight_files(tmp_path)


def test_the_fingerprint_names_the_weights(folder: Path) -> None:
    assert fingerprint(folder) == "a142c84e"
    rewrite(folder, {"model.norm.weight": torch.zeros(32)})
    assert fingerprint(folder) != "a142c84e"


def test_a_pickle_is_never_read(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(InvalidInput, match=r"pytorch_model\.bin is a pickle, which is never read"):
        weight_files(folder)
