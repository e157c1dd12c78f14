"""What is known of the snapshots that a method is scored on, as columns."""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from jaxtyping import Bool, Float, Shaped

from models.training.networks import JobNetworks


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshots:
    """Row i of every column is one snapshot of a trained network."""

    accuracy: Float[np.ndarray, " snapshots"]
    """Measured test accuracy."""
    gap: Float[np.ndarray, " snapshots"]
    """Measured train accuracy minus test accuracy."""
    family: Shaped[np.ndarray, " snapshots"]
    architecture: Shaped[np.ndarray, " snapshots"]
    """Digests."""
    stratum: Shaped[np.ndarray, " snapshots"]
    """Names the length of training and the step; snapshots of one stratum have seen as many batches."""
    is_final: Bool[np.ndarray, " snapshots"]

    def where(self, chosen: Bool[np.ndarray, " snapshots"]) -> "Snapshots":
        """Some of the snapshots."""
        return Snapshots(**{field.name: getattr(self, field.name)[chosen] for field in fields(self)})


def snapshots_of(networks: Sequence[JobNetworks]) -> Snapshots:
    """All snapshots of some jobs, in order."""
    entries = [entry for job in networks for entry in job.entries]
    return Snapshots(
        accuracy=np.array([entry.test_accuracy for entry in entries], np.float64),
        gap=np.array([entry.train_accuracy - entry.test_accuracy for entry in entries], np.float64),
        family=np.array([job.family for job in networks for _ in job.entries]),
        architecture=np.array([job.architecture for job in networks for _ in job.entries]),
        stratum=np.array([f"{entry.training.steps}/{entry.step}" for entry in entries]),
        is_final=np.array([entry.is_final for entry in entries]),
    )


def together(parts: Sequence[Snapshots]) -> Snapshots:
    """The snapshots of several parts, one after the other."""
    return Snapshots(
        **{field.name: np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(Snapshots)}
    )
