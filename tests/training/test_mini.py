"""Training of timemoe-mini: scaled as it is served, heads that look back, runs that go on, published names."""

from __future__ import annotations

import json
from pathlib import Path
from typing import cast

import numpy as np
import pytest
import torch
from torch import nn

from foretell.models.time_moe import Layer
from foretell.models.time_moe_model import scale
from foretell.models.time_moe_numpy import NumpyTimeMoe
from foretell.training.dice import Dice
from foretell.training.export import export_mini
from foretell.training.muon import Muon
from foretell.training.sequences import LONGEST, MiniValidation, error_scale, mini_pool, sequences
from foretell.training.train_mini import LAGS, Recipe, new_network, train

TINY = Recipe(steps=3, warmup=1, points=1280, pool=0.02, width=16, layers=1, heads=2, inner=16)


def test_sequences_are_scaled_by_their_context_as_a_server_would() -> None:
    pool = mini_pool(Dice(3), 0.02)
    for _ in range(4):
        batch = sequences(pool, 4096, 0.25)
        assert batch.values.shape == batch.weights.shape
        assert set(batch.weights.unique().tolist()) == {0.25, 1.0}
        assert batch.values.shape[1] <= LONGEST + 129
        for values, weights in zip(batch.values.double().numpy(), batch.weights.numpy(), strict=True):
            known = values[weights == 0.25]
            if np.abs(values).max() < 12 and known.std() > 0:
                found = scale(known, "instance")
                assert (found.mean, found.spread) == pytest.approx((0, 1), abs=1e-3)


def test_a_head_looks_back_by_its_lag_at_first() -> None:
    """Untrained, each head of the first layers gives most attention to the point that its lag says."""
    recipe = Recipe()
    network = new_network(recipe)
    shape = network.shape
    for i in (0, 1, 2):
        bias = cast(nn.Parameter, cast(Layer, network.layers[i]).attention.qkv.bias).view(3, shape.heads, -1, 2)
        pairs = torch.view_as_complex(bias.detach().contiguous())
        frequencies = shape.theta ** (-torch.arange(0, shape.head_width, 2) / shape.head_width)
        back = torch.arange(300)[:, None]
        for head, lag in enumerate(LAGS[i]):
            query = pairs[0, head] * torch.polar(torch.ones(300, len(frequencies)), back * frequencies)
            score = (query * pairs[1, head].conj()).real.sum(-1)
            assert int(score.argmax()) == lag


def test_a_fresh_network_says_nothing_and_keeps_sizes() -> None:
    said = new_network(Recipe())(torch.randn(2, 30))
    assert [tuple(head.shape) for head in said] == [(2, 30, 1), (2, 30, 8), (2, 30, 32), (2, 30, 64)]
    assert all((head == 0).all() for head in said)


def test_muon_moves_a_stack_as_its_matrices_one_by_one() -> None:
    torch.manual_seed(0)
    stack = nn.Parameter(torch.randn(3, 9, 4))
    alone = [nn.Parameter(m.clone()) for m in stack.detach()]
    loss = torch.randn(3, 9, 4)
    (stack * loss).sum().backward()
    for matrix, part in zip(alone, loss, strict=True):
        (matrix * part).sum().backward()
    Muon([stack], 0.1).step()
    Muon(alone, 0.1).step()
    torch.testing.assert_close(stack.detach(), torch.stack([m.detach() for m in alone]), atol=1e-5, rtol=1e-4)


def test_a_run_stops_resumes_and_is_exported_under_published_names(tmp_path: Path) -> None:
    assert train(TINY, tmp_path / "run").progress.step == 3
    again = train(Recipe(**{**vars(TINY), "steps": 5}), tmp_path / "run", resume=True)
    assert again.progress.step == 5
    export_mini(tmp_path / "run", tmp_path / "weights", "a command")
    assert json.loads((tmp_path / "weights" / "recipe.json").read_text())["command"] == "a command"
    shipped = NumpyTimeMoe.read(tmp_path / "weights")
    context = np.sin(np.arange(50.0))
    expected = again.average.generate([torch.from_numpy(context).float()], 9).numpy()
    np.testing.assert_allclose(shipped.generate([context], 9), expected, atol=1e-5)


def test_validation_is_seasonal_naive_where_that_is_best() -> None:
    check = MiniValidation("cpu", 4)
    time = torch.arange(LONGEST + 96) * 2 * torch.pi / 24
    series = torch.sin(time)[None].repeat(4, 1)
    check.context, check.truth = series[:, :LONGEST], series[:, LONGEST:]
    assert float(check._miss(check._naive(24)).max()) < 1e-3


def test_a_sequence_that_repeats_itself_counts_more() -> None:
    time = torch.arange(700.0)
    days = torch.sin(time * 2 * torch.pi / 24)
    noise = torch.randn(700, generator=torch.Generator().manual_seed(0))
    ease = error_scale(torch.stack([days, days + 0.1 * noise, noise]))[:, 0]
    assert ease.tolist() == pytest.approx([0.06, 0.11, 1.0], abs=0.02)
