"""The arms of the evaluation: which networks are fitted to, and which are scored.

full             unseen architectures: the split by architecture
run              unseen runs of known architectures: the split by run, the paper's kind
half, quarter,   the same test networks as `full`, and that share of its training architectures
ten, five
ood-width        fitted to the narrow half of each family's architectures, scored on the strictly wider ones
family:NAME      fitted to the training architectures of the other families, scored on all of this one's
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from models.features import KINDS, MAX_ORDER
from models.training.networks import JobNetworks
from models.training.split import split

SPLIT_SEED = 0
"""Splits are the same for all methods and seeds; what a seed changes is the fit."""
FEWEST = 3
"""Architectures that are fitted to at least, so that folds of them can be made."""
SHARES = {"half": 0.5, "quarter": 0.25, "ten": 0.1, "five": 0.05}
FAMILY = "family"
_HIDDEN = KINDS.index("hidden")


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What one arm fits to and scores. No snapshot, and but for `run` no architecture, is in both."""

    train: tuple[JobNetworks, ...]
    test: tuple[JobNetworks, ...]


def arms_of(names: Sequence[str], networks: Sequence[JobNetworks]) -> tuple[str, ...]:
    """The arms that names stand for: `family` is one for each family, if there are several."""
    families = sorted({job.family for job in networks})
    found: list[str] = []
    for name in names:
        if name == FAMILY:
            found += [f"{FAMILY}:{family}" for family in families] if len(families) > 1 else []
        else:
            found.append(name)
    return tuple(dict.fromkeys(found))


def parts_of(arm: str, networks: Sequence[JobNetworks]) -> Parts:
    """The networks of an arm.

    Raises:
        ValueError: there is no such arm, or it has nothing to fit to or nothing to score.
    """
    if arm == "ood-width":
        parts = _by_width(networks)
    else:
        whole = split(networks, "run" if arm == "run" else "architecture", SPLIT_SEED)
        if arm in ("full", "run"):
            parts = Parts(train=whole.train, test=whole.test)
        elif arm in SHARES:
            parts = Parts(train=_share(whole.train, SHARES[arm]), test=whole.test)
        elif arm.startswith(f"{FAMILY}:"):
            family = arm.removeprefix(f"{FAMILY}:")
            others = tuple(job for job in whole.train if job.family != family)
            parts = Parts(train=others, test=tuple(job for job in networks if job.family == family))
        else:
            raise ValueError(f"no arm is called {arm!r}; there are: full, run, {', '.join(SHARES)}, ood-width, family")
    if not parts.train or not parts.test:
        raise ValueError(f"arm {arm!r} has {len(parts.train)} jobs to fit to and {len(parts.test)} to score")
    return parts


def width(job: JobNetworks) -> int:
    """Neurons of the widest hidden group; neurons that a flatten made of positions are no width."""
    groups = [
        group
        for group in job.graphs.groups
        if group.static[_HIDDEN] > 0 and not bool(group.order[:, MAX_ORDER + 1 :].any())
    ]
    return max((group.order.shape[0] for group in groups), default=0)


def _by_width(networks: Sequence[JobNetworks]) -> Parts:
    """Inside each family, so that it is width alone that the test networks have more of."""
    train, test = [], []
    for family in sorted({job.family for job in networks}):
        mine = {job.architecture: width(job) for job in networks if job.family == family}
        border = sorted(mine.values())[(len(mine) - 1) // 2]
        for job in networks:
            if job.family == family:
                (train if mine[job.architecture] <= border else test).append(job)
    return Parts(train=tuple(train), test=tuple(test))


def _share(train: Sequence[JobNetworks], share: float) -> tuple[JobNetworks, ...]:
    """That share of the architectures and at least FEWEST, families in proportion; larger shares hold smaller ones."""
    rng = np.random.default_rng([SPLIT_SEED, 11])
    places: list[tuple[float, str]] = []
    for family in sorted({job.family for job in train}):
        mine = sorted({job.architecture for job in train if job.family == family})
        offsets = (rng.permutation(len(mine)) + rng.random()) / len(mine)
        places += zip(offsets.tolist(), mine, strict=True)
    places.sort()
    chosen = {architecture for _, architecture in places[: max(FEWEST, round(share * len(places)))]}
    return tuple(job for job in train if job.architecture in chosen)
