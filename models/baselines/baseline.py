"""What a baseline is: something that is fitted to networks with known accuracies, and predicts others'."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from jaxtyping import Float

from models.training.networks import JobNetworks


class Fitted(Protocol):
    """A baseline after its fit."""

    def predict(self, networks: Sequence[JobNetworks]) -> Float[np.ndarray, " snapshots"]:
        """Test accuracies of all snapshots in order; of what only ranks, larger numbers for more accurate."""
        ...


class Baseline(Protocol):
    """A method with its choices made, but for those it tunes on what it is fitted to."""

    def fit(self, train: Sequence[JobNetworks], seed: int) -> Fitted:
        """Fits to the test accuracies of these networks; what it tunes is tuned on architectures held out of them."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    """A baseline as a line of a table."""

    name: str
    baseline: Baseline
    ranks_only: bool = False
    """Its numbers are no accuracies: Kendall's tau is to be looked at, and not R2."""
    needs_responses: bool = False
    """It reads what networks answer to probe images, so they must have been executed."""

    def can_read(self, networks: Sequence[JobNetworks]) -> bool:
        """Whether these networks carry what the baseline reads."""
        return not self.needs_responses or all(job.graphs.responses is not None for job in networks)


def groups_of(networks: Sequence[JobNetworks]) -> np.ndarray:
    """The architecture of each snapshot, for folds that hold architectures out: (snapshots,)."""
    return np.concatenate([np.full(len(job.entries), job.architecture) for job in networks])


def accuracies_of(networks: Sequence[JobNetworks]) -> Float[np.ndarray, " snapshots"]:
    """The measured test accuracy of each snapshot."""
    return np.concatenate([job.accuracy.numpy() for job in networks])
