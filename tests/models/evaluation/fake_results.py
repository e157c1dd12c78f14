"""Results of units that nobody measured."""

from datetime import UTC, datetime, timedelta

import numpy as np

from models.evaluation.snapshots import Snapshots
from models.evaluation.units import Facts, Result, Unit

COUNT = 40
FIRST = datetime(2026, 1, 1, tzinfo=UTC)


def snapshots(families: tuple[str, ...] = ("cnn", "mlp")) -> Snapshots:
    rows = np.arange(COUNT)
    return Snapshots(
        accuracy=0.1 + rows / 100,
        gap=rows / 1000,
        family=np.array([families[row % len(families)] for row in rows]),
        architecture=np.array([f"a{row // 4}" for row in rows]),
        stratum=np.array([f"10/{10 * (row >= COUNT // 2)}" for row in rows]),
        is_final=rows >= COUNT // 2,
    )


def result(
    *,
    arm: str = "full",
    method: str = "rich",
    seed: int = 0,
    off: float = 0.0,
    ranked_only: bool = False,
    fingerprint: str = "now",
    settings: str = "",
    minutes: int = 0,
    families: tuple[str, ...] = ("cnn", "mlp"),
) -> Result:
    """A method that predicts all accuracies right but for `off`."""
    known = snapshots(families)
    facts = Facts(
        unit=Unit(zoo="zoo", arm=arm, method=method, seed=seed),
        words=f"the {method} one",
        kind="baseline",
        ranked_only=ranked_only,
        settings=settings,
        fingerprint=fingerprint,
        train_snapshots=100,
        train_architectures={"five": 3, "half": 10}.get(arm, 20),
        test_snapshots=COUNT,
        test_architectures=10,
        parameters=None,
        cpu_s=60.0,
        wall_s=70.0,
        measured_at=FIRST + timedelta(minutes=minutes),
    )
    return Result(facts=facts, snapshots=known, accuracy=known.accuracy + off, gap=None)
