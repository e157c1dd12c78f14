"""What a published predictor says about zoos that neither it nor its intervals have seen."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from models.evaluation.judged import Estimates, Judged
from models.evaluation.scores import Scores, score
from models.evaluation.table import Table
from models.evaluation.tables import MISSING

BEGIN = "<!-- elsewhere: written by `python -m models.evaluation elsewhere` -->"
END = "<!-- end of elsewhere -->"
_HEADER = ("networks", "architectures", "snapshots", "answered", "R2", "tau", "ceiling", "MAE", "intervals hold")


@dataclass(frozen=True, slots=True, kw_only=True)
class Elsewhere:
    """One property's predictions for some networks of such a zoo."""

    networks: str
    architectures: int
    snapshots: int
    answered: float
    """Share of the snapshots; the rest of this is of them."""
    scores: Scores | None
    holds: float | None
    """Share of the served intervals that hold what was measured."""


def elsewhere(judged: Judged) -> list[Elsewhere]:
    """Of all networks, of finals, of each family, and the generalization gap of all."""
    snapshots, everything = judged.snapshots, np.ones(len(judged.is_answered), bool)
    parts = {"all": everything, "finals": snapshots.is_final}
    parts |= {str(name): snapshots.family == name for name in np.unique(snapshots.family)}
    found = [_part(name, judged, part, judged.accuracy, snapshots.accuracy) for name, part in parts.items()]
    return [*found, _part("all, generalization gap", judged, everything, judged.gap, snapshots.gap)]


def elsewhere_table(name: str, zoos: str, found: Sequence[Elsewhere]) -> Table:
    """A row for each part."""
    rows = tuple(
        (
            each.networks,
            str(each.architectures),
            str(each.snapshots),
            f"{each.answered:.1%}",
            *_numbers(each.scores),
            MISSING if each.holds is None else f"{each.holds:.1%}",
        )
        for each in found
    )
    return Table(title=f"{name} on {zoos}, which it was not fitted to", header=_HEADER, rows=rows)


def _part(
    name: str,
    judged: Judged,
    part: Bool[np.ndarray, " snapshots"],
    said: Estimates,
    measured: Float[np.ndarray, " snapshots"],
) -> Elsewhere:
    answered = part & judged.is_answered
    inside = (said.low <= measured) & (measured <= said.high)
    return Elsewhere(
        networks=name,
        architectures=len(np.unique(judged.snapshots.architecture[part])),
        snapshots=int(part.sum()),
        answered=float(judged.is_answered[part].mean()),
        scores=score(said.value[answered], measured[answered]) if answered.any() else None,
        holds=float(inside[answered].mean()) if answered.any() else None,
    )


def _numbers(scores: Scores | None) -> tuple[str, ...]:
    if scores is None:
        return (MISSING,) * 4
    found = (scores.r2, scores.tau, scores.tau_ceiling, scores.mae)
    return tuple(MISSING if each is None else f"{each:.3f}" for each in found)
