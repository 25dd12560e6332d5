"""Training: the corpus is seeded and varied, windows hide the future, the optimiser and the loss do what they say."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file, save_file

from foretell.models.foretell_small_torch import Network, features
from foretell.models.hybrid.backtest import BANDS
from foretell.models.hybrid.candidates import NAMES
from foretell.models.hybrid.features import PATCH
from foretell.models.hybrid.network import NumpyNetwork
from foretell.models.hybrid.shape import LEVELS, Shape
from foretell.training.dice import Dice
from foretell.training.export import export
from foretell.training.grow import BEGINNING_WEIGHTS, grow
from foretell.training.grow import main as begin
from foretell.training.ingredients import recursive
from foretell.training.loss import pinball, window_loss
from foretell.training.muon import Muon, orthogonal
from foretell.training.run import Progress, Run, Schedule
from foretell.training.synthetic import FAMILIES, LONG, SHORT, Style, synthesize
from foretell.training.train import Recipe, train
from foretell.training.windows import SHORTEST, Pool

TINY = Recipe(steps=3, warmup=1, tokens=256, pool=0.01, width=32, depth=1)


@pytest.mark.parametrize("style", [LONG, SHORT])
def test_series_are_standardised_finite_and_repeat_with_the_seed(style: Style) -> None:
    one, again, other = (synthesize(Dice(seed), 300, 192, style)[0] for seed in (5, 5, 6))
    assert torch.equal(one, again)
    assert not torch.equal(one, other)
    assert torch.isfinite(one).all()
    assert one.abs().max() <= 60
    np.testing.assert_allclose(one.mean(1).numpy(), 0, atol=1e-3)
    assert ((one.std(1) - 1).abs() < 0.05).float().mean() > 0.97


def test_seasons_are_those_of_the_series() -> None:
    """Where a season is told, series repeat after it better than after a step more, on average."""
    series, seasons = synthesize(Dice(3), 2048, 640, LONG)
    told = seasons[:, 0]
    assert seasons.shape == (2048, 2)
    assert 0.5 < (told > 1).float().mean() < 0.95
    rows = torch.nonzero((told >= 7) & (told < 100))[:, 0]
    place = torch.arange(200, 640)[None]

    def likeness(lag: torch.Tensor) -> float:
        later, earlier = (
            series[rows].gather(1, place.expand(len(rows), -1)),
            series[rows].gather(1, place - lag[:, None]),
        )
        return float((later * earlier).mean())

    season = told[rows]
    assert likeness(season) > likeness(season + season // 2) + 0.1


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("seed", range(6))
def test_every_family_gives_finite_numbers(family: object, seed: int) -> None:
    assert callable(family)
    found = family(Dice(seed), 16, 300, LONG)
    assert found.shape == (16, 300)
    assert torch.isfinite(found).all()


def test_the_recursion_by_doubling_is_the_plain_one() -> None:
    x, factor = torch.randn(3, 50), torch.tensor([[0.0], [0.5], [0.99]])
    slow = [x[:, 0]]
    for t in range(1, 50):
        slow.append(factor[:, 0] * slow[-1] + x[:, t])
    torch.testing.assert_close(recursive(x, factor), torch.stack(slow, 1), atol=1e-4, rtol=1e-4)


def test_windows_hide_the_future_and_keep_the_truth() -> None:
    pool = Pool(Dice(0), 0.01)
    for _ in range(20):
        window = pool.window(300)
        seen, truth = window.visible(), window.truth()
        assert seen.shape == (len(truth), window.context)
        assert truth.shape[1] == len(window.patches) * PATCH
        assert not torch.isnan(seen[:, -1]).any()
        assert torch.isfinite(truth).all()
        first = int(window.patches[0]) * PATCH + window.context
        torch.testing.assert_close(truth[:, :PATCH], window.series[:, first : first + PATCH])
        assert (~torch.isnan(seen)).sum(1).min() >= 1
        assert window.context >= SHORTEST
        assert window.usual.shape == (len(truth), 2)
        assert window.usual.min() >= 1


def test_the_pool_renews_itself() -> None:
    pool = Pool(Dice(0), 0.01)
    before = [shelf.series.clone() for shelf in pool.shelves]
    pool.refresh()
    assert all(not torch.equal(a, shelf.series) for a, shelf in zip(before, pool.shelves, strict=True))


def test_the_loss_is_smallest_at_the_quantile() -> None:
    truth = torch.randn(20_000)
    levels = torch.tensor([0.9])
    places = torch.linspace(0.5, 2.0, 31)
    losses = torch.stack([pinball(torch.full((20_000, 1), float(p)), truth, levels).mean() for p in places])
    assert abs(float(places[losses.argmin()]) - 1.2816) < 0.11


def test_the_loss_counts_in_error_scales_and_not_what_is_out_of_reach() -> None:
    truth = torch.tensor([[1.0, 100.0]])
    quantiles = torch.zeros(1, 2, 1)
    levels = torch.tensor([0.5])
    assert float(window_loss(quantiles, truth, torch.tensor([[0.5]]), levels)) == pytest.approx(2.0)
    far = window_loss(quantiles, torch.tensor([[40.0, 40.0]]), torch.tensor([[1.0]]), levels)
    assert 8 < float(far) < 40


def test_muon_orthogonalises_as_one_matrix_at_a_time() -> None:
    matrices = torch.randn(3, 8, 20)
    together = orthogonal(matrices)
    for one, found in zip(matrices, together, strict=True):
        torch.testing.assert_close(orthogonal(one[None])[0], found, atol=1e-4, rtol=1e-4)
        size = torch.linalg.svdvals(found)
        assert size.min() > 0.4
        assert size.max() < 1.4


def test_muon_learns_a_matrix() -> None:
    torch.manual_seed(0)
    goal, weight = torch.randn(6, 9), torch.nn.Parameter(torch.zeros(6, 9))
    optimiser = Muon([weight], lr=0.05, weight_decay=0.0)
    first = float(goal.square().mean())
    for _ in range(200):
        optimiser.zero_grad()
        loss = (weight - goal).square().mean()
        loss.backward()
        optimiser.step()
    assert float((weight.detach() - goal).square().mean()) < 0.1 * first


def test_the_rate_rises_stays_and_falls() -> None:
    recipe = Recipe(steps=1000, warmup=10, rate=1.0, decay=0.5, floor=0.01)
    rates = [Progress(recipe, step, 0.0).rate() for step in (0, 9, 499, 750, 1000)]
    assert rates == pytest.approx([0.1, 1.0, 1.0, 0.5, 0.01])


def test_the_network_cannot_tell_how_long_the_horizon_is() -> None:
    torch.manual_seed(0)
    network = Network(Shape(width=32, depth=2))
    for p in network.parameters():
        torch.nn.init.normal_(p, std=0.1)
    past = torch.randn(4, 128)
    with torch.no_grad():
        short = network(features(past, torch.arange(1), 16)[0])
        long = network(features(past, torch.arange(5), 80)[0])
    torch.testing.assert_close(long[:, :16], short, atol=1e-4, rtol=1e-4)
    assert (long.diff(dim=2) >= 0).all()


@pytest.mark.parametrize("file", ["save_file", "torch.save"])
def test_a_run_that_is_stopped_while_it_is_saved_can_be_taken_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: str
) -> None:
    layer = torch.nn.Linear(2, 2)
    run = Run(Schedule(), tmp_path, layer, [*layer.parameters()][:1], 0.0)
    run.save()

    def half(_: object, path: Path) -> None:
        path.write_bytes(b"half of")
        raise KeyboardInterrupt

    monkeypatch.setattr(f"foretell.training.run.{file}", half)
    with pytest.raises(KeyboardInterrupt):
        run.save()
    run.resume()


def test_a_run_stops_resumes_and_is_exported(tmp_path: Path) -> None:
    run = train(TINY, tmp_path / "run")
    assert run.progress.step == 3
    longer = Recipe(**{**vars(TINY), "steps": 5})
    again = train(longer, tmp_path / "run", resume=True)
    assert again.progress.step == 5
    (tmp_path / "run" / "state.pt").unlink()
    afresh = train(TINY, tmp_path / "run", resume=True)
    assert afresh.progress.step == 3
    export([tmp_path / "run"], tmp_path / "weights", "a command")
    story = json.loads((tmp_path / "weights" / "recipe.json").read_text())
    assert story["seed"] == TINY.seed
    assert story["command"] == "a command"
    assert story["runs"] == [{"seed": TINY.seed, "steps_done": 3, "seconds_spent": story["seconds_spent"]}]
    config = json.loads((tmp_path / "weights" / "config.json").read_text())
    assert tuple(config["levels"]) == LEVELS


def test_the_same_seed_trains_the_same_weights(tmp_path: Path) -> None:
    one, two = (train(TINY, tmp_path / name) for name in ("one", "two"))
    for a, b in zip(one.network.parameters(), two.network.parameters(), strict=True):
        assert torch.equal(a, b)


def test_a_fresh_network_is_a_blend_of_the_candidates() -> None:
    network = Network(Shape(width=32, depth=1))
    seen = features(torch.randn(3, 64), torch.arange(2), 32)[0]
    weights = {name: w.detach().numpy() for name, w in network.state_dict().items()}
    median = NumpyNetwork(network.shape, weights)(
        type(seen)(**{name: value.numpy() for name, value in vars(seen).items()})
    )[..., len(LEVELS) // 2]
    candidates = seen.candidates.reshape(3, 32, -1)
    slack = 0.5 * seen.scale.numpy()
    assert np.all(median <= candidates.amax(-1).numpy() + slack)
    assert np.all(median >= candidates.amin(-1).numpy() - slack)


def test_new_candidates_change_nothing_but_by_their_errors() -> None:
    network = Network(Shape(width=32, depth=1))
    for p in network.parameters():
        torch.nn.init.normal_(p, std=0.1)
    weights = {name: w.detach().numpy() for name, w in network.state_dict().items()}
    known = [name for name in NAMES if name not in {"local", "seasonal_curve"}]
    place = [NAMES.index(name) for name in known]
    old = weights | {
        "ahead.weight": weights["ahead.weight"].reshape(32, PATCH, -1)[..., place].reshape(32, -1),
        "weigh.weight": weights["weigh.weight"].reshape(2, len(NAMES), 32)[:, place].reshape(-1, 32),
        "weigh.bias": weights["weigh.bias"].reshape(2, -1)[:, place].reshape(-1),
        "summary.0.weight": np.delete(
            weights["summary.0.weight"],
            [band * len(NAMES) + i for band in range(BANDS) for i in range(len(NAMES)) if i not in place],
            axis=1,
        ),
    }
    grown = grow(old, known)
    assert {name: w.shape for name, w in grown.items()} == {name: w.shape for name, w in weights.items()}
    for name in ("ahead.weight", "summary.0.weight"):
        new = grown[name] == 0
        np.testing.assert_array_equal(grown[name][~new], weights[name][~new])
        assert new.sum() == (PATCH if name.startswith("ahead") else BANDS) * 2 * 32
    assert grown["weigh.bias"][NAMES.index("local")] == 0
    assert grown["weigh.bias"][len(NAMES) + NAMES.index("last")] == weights["weigh.bias"][len(NAMES)]


def test_a_new_feature_is_not_seen_at_first() -> None:
    weights = {name: w.detach().numpy() for name, w in Network(Shape(width=32, depth=1)).state_dict().items()}
    old = weights | {"summary.0.weight": weights["summary.0.weight"][:, :-1]}
    grown = grow(old, NAMES)["summary.0.weight"]
    np.testing.assert_array_equal(grown[:, :-1], old["summary.0.weight"])
    assert (grown[:, -1] == 0).all()


def test_growing_says_what_a_recipe_lacks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "recipe.json").write_text("{}")
    monkeypatch.setattr("sys.argv", ["grow", str(tmp_path), str(tmp_path / "run")])
    with pytest.raises(SystemExit, match="`candidates` has to list"):
        begin()


def test_runs_are_averaged(tmp_path: Path) -> None:
    for seed in (1, 2):
        train(Recipe(**{**vars(TINY), "seed": seed, "steps": 1}), tmp_path / str(seed))
    zeros = {name: w * 0 for name, w in load_file(tmp_path / "1" / "model.safetensors").items()}
    save_file(zeros, tmp_path / "1" / BEGINNING_WEIGHTS)
    export([tmp_path / "1", tmp_path / "2"], tmp_path / "weights", keep=0.25)
    one, two, mean = (load_file(tmp_path / name / "model.safetensors") for name in ("1", "2", "weights"))
    for name, weight in mean.items():
        np.testing.assert_allclose(weight, 0.75 * (one[name] + two[name]) / 2, atol=1e-6)
    story = json.loads((tmp_path / "weights" / "recipe.json").read_text())
    assert [run["seed"] for run in story["runs"]] == [1, 2]
    assert story["keep"] == 0.25
