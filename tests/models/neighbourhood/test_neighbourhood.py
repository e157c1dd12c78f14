"""The neighbourhood answers for what the zoo's networks are like, and says why not for what they are not like."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from models.neighbourhood.neighbourhood import Neighbourhood, locate, threshold_for

WIDTH = 30
NAMES = tuple(f"signal {number}" for number in range(WIDTH))
ANSWERED = 0.98


def networks(count: int, seed: int) -> Tensor:
    """Signals that go together: ten things show in thirty."""
    generator = torch.Generator().manual_seed(99)
    mixing = torch.randn(10, WIDTH, generator=generator)
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(count, 10, generator=generator) @ mixing + 0.3 * torch.randn(count, WIDTH, generator=generator)


def damaged(count: int, seed: int) -> Tensor:
    """The first two signals of a network no longer are what they are in the zoo."""
    found = networks(count, seed)
    found[:, 0] = -found[:, 1] + found[:, 0].abs()
    return found


@pytest.fixture(scope="module")
def found() -> Neighbourhood:
    return locate(networks(1500, 0), networks(600, 1), damaged(1500, 2), seed=0)


@pytest.fixture(scope="module")
def threshold(found: Neighbourhood) -> float:
    return threshold_for(found.score(networks(600, 1)), ANSWERED)


def test_as_many_networks_are_answered_as_promised(found: Neighbourhood, threshold: float):
    share = (found.score(networks(3000, 3)) < threshold).float().mean()
    assert abs(float(share) - ANSWERED) < 0.02


def test_what_is_far_out_is_outside(found: Neighbourhood, threshold: float):
    assert (found.score(networks(100, 3) * 10) >= threshold).all()
    assert (found.score(networks(100, 3) + 30) >= threshold).all()


def test_what_does_not_go_together_is_outside(found: Neighbourhood, threshold: float):
    """Every signal by itself is as in the zoo."""
    generator = torch.Generator().manual_seed(0)
    mixed = networks(1000, 3)
    mixed = torch.stack([column[torch.randperm(1000, generator=generator)] for column in mixed.T], dim=1)
    assert (found.score(mixed) >= threshold).float().mean() > 0.9


def test_damage_is_told_from_the_zoo(found: Neighbourhood):
    zoo, broken = found.alarm(networks(1000, 4)), found.alarm(damaged(1000, 5))
    assert (broken[:, None] > zoo).float().mean() > 0.8


def test_without_damage_to_learn_from_nothing_is_damage():
    found = locate(networks(1500, 0), networks(600, 1), torch.zeros(0, WIDTH), seed=0)
    zoo, broken = found.alarm(networks(100, 4)), found.alarm(damaged(100, 5))
    assert (zoo == 0).all() and (broken == 0).all()
    assert found.score(networks(100, 4)).mean() < 0.7


def test_a_reason_names_what_is_unusual(found: Neighbourhood, threshold: float):
    strange = networks(1, 6)[0]
    strange[7] = 1000.0
    reasons = " ".join(found.reasons(strange, NAMES, threshold))
    assert "signal 7 is unusually large" in reasons
    usual = found.middle
    assert found.reasons(usual, NAMES, threshold) == ()


def test_there_is_a_reason_just_where_the_score_is_outside(found: Neighbourhood, threshold: float):
    rows = torch.cat([networks(200, 7), damaged(200, 8)])
    outside = (found.score(rows) >= threshold).tolist()
    assert [bool(found.reasons(row, NAMES, threshold)) for row in rows] == outside
    assert 0 < sum(outside) < len(outside)


def test_a_neighbourhood_is_what_it_was_saved_as(found: Neighbourhood, tmp_path: Path):
    save_file(found.tensors(), tmp_path / "found.safetensors")
    again = Neighbourhood.from_tensors(load_file(tmp_path / "found.safetensors"))
    rows = networks(50, 9)
    assert torch.equal(again.score(rows), found.score(rows))


def test_the_same_seed_gives_the_same_neighbourhood(found: Neighbourhood):
    again = locate(networks(1500, 0), networks(600, 1), damaged(1500, 2), seed=0)
    rows = networks(50, 9)
    torch.testing.assert_close(again.score(rows), found.score(rows))
    other = locate(networks(1500, 0), networks(600, 1), damaged(1500, 2), seed=1)
    assert not torch.equal(other.alarm(rows), found.alarm(rows))
