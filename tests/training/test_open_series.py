"""Real series beside synthetic ones: how they are cut, and how often windows are of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from foretell.training.dice import Dice
from foretell.training.open_series import LENGTHS, SEASONS_OF, Source, columns, gather, pieces, seasons
from foretell.training.synthetic import LONG
from foretell.training.windows import Pool, load_shelves

NOISE = np.random.default_rng(2).normal(size=6000)
PLAN = ((LONG, 640, 64),)


def test_pieces_overlap_are_standardised_and_average_over_steps() -> None:
    assert [len(p) for p in pieces(NOISE, 1)] == [LENGTHS[0]] * 3
    assert [len(p) for p in pieces(NOISE, 6)] == [LENGTHS[1]] * 2
    first = NOISE[: 6 * 640].reshape(640, 6).mean(1)
    np.testing.assert_allclose(pieces(NOISE, 6)[0], (first - first.mean()) / first.std())
    assert pieces(NOISE, 60) == []


def test_gaps_are_drawn_straight_and_what_is_mostly_missing_or_still_is_left_out() -> None:
    gappy = np.linspace(0, 1, 6000)
    gappy[5::10] = np.nan
    straight = pieces(gappy, 1)[0]
    np.testing.assert_allclose(np.diff(straight, 2), 0, atol=1e-9)
    assert pieces(np.where(np.arange(6000) % 3, np.nan, NOISE), 1) == []
    assert pieces(np.where(np.arange(6000) % 20, 0.0, NOISE), 1) == []
    assert pieces(np.floor(NOISE), 1) == []


def test_seasons_of_a_step() -> None:
    assert seasons(96, 4) == (24, 168)
    assert seasons(24, 24) == seasons(1, 1) == (7, 365)
    assert seasons(144, 5) == seasons(1, 7) == (1, 1)


def test_windows_are_of_real_series_as_often_as_asked(tmp_path: Path) -> None:
    (tmp_path / "meters").mkdir()
    pd.DataFrame({"t": "day 1", "power": NOISE, "price": 1.0}).to_csv(tmp_path / "meters" / "a.csv", index=False)
    source = Source("meters", "CC0", 24, columns("*.csv"), ((1, 2), (6, 9)))
    shelves = gather(tmp_path, (source,))
    assert {name: cut.shape for name, cut in shelves.items() if name.isdigit()} == {"2816": (2, 2816), "640": (2, 640)}
    assert shelves["2816" + SEASONS_OF].tolist() == [[24, 168]] * 2
    assert shelves["640" + SEASONS_OF].tolist() == [[4, 28]] * 2
    np.savez(tmp_path / "real.npz", **shelves)  # type: ignore[arg-type]
    dice = Dice(3)
    real = load_shelves(tmp_path / "real.npz", dice)
    pool = Pool(dice, plan=PLAN, real=real, share=0.4)
    drawn = [pool.shelves_for(500)[0] in real for _ in range(500)]
    assert 0.33 < np.mean(drawn) < 0.47
    assert Pool(dice, plan=PLAN, real=real, share=1.0).shelves_for(2800) == [
        s for s in real if s.series.shape[1] == 2816
    ]
    assert Pool(dice, plan=PLAN, real=real).shelves_for(500)[0] not in real
