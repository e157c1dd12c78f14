"""Splits a zoo by architecture, or by run; never by row."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, assert_never

import numpy as np

from models.training.networks import JobNetworks

SplitKind = Literal["architecture", "run"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """Disjoint parts of a zoo. Calibration sets the domain's border, test is scored, and both set intervals."""

    kind: SplitKind
    train: tuple[JobNetworks, ...]
    calibration: tuple[JobNetworks, ...]
    test: tuple[JobNetworks, ...]


def split(
    networks: Sequence[JobNetworks], kind: SplitKind, seed: int, shares: tuple[float, float] = (0.16, 0.20)
) -> Split:
    """Calibration and test get `shares` of each family's architectures (or, by run, of each architecture's runs)."""
    rng = np.random.default_rng([seed, 77])
    parts: tuple[list[JobNetworks], ...] = ([], [], [])
    match kind:
        case "architecture":
            part_of = _deal({job.architecture: job.family for job in networks}, shares, rng)
            for job in networks:
                parts[part_of[job.architecture]].append(job)
        case "run":
            runs = sorted({run for job in networks for run in job.runs})
            part_of_run = _deal(dict.fromkeys(runs, ""), shares, rng)
            for job in networks:
                numbers = np.array([part_of_run[run] for run in job.runs])
                for number, part in enumerate(parts):
                    if (numbers == number).any():
                        part.append(job.where(numbers == number))
        case _:
            assert_never(kind)
    train, calibration, test = (tuple(part) for part in parts)
    return Split(kind=kind, train=train, calibration=calibration, test=test)


def _deal(strata: dict, shares: tuple[float, float], rng: np.random.Generator) -> dict:
    """Gives every key a part, 0 to 2, in the same proportions inside every stratum."""
    part_of = {}
    for stratum in sorted(set(strata.values())):
        keys = [key for key, mine in strata.items() if mine == stratum]
        keys = [keys[number] for number in rng.permutation(len(keys))]
        calibration, test = (round(share * len(keys)) for share in shares)
        part_of |= dict.fromkeys(keys[:test], 2)
        part_of |= dict.fromkeys(keys[test : test + calibration], 1)
        part_of |= dict.fromkeys(keys[test + calibration :], 0)
    return part_of
