"""Units of the evaluation on disk: what is measured once and kept.

OUT/ZOO/ARM/METHOD-SEED.json   what was fitted, how long it took; its presence says that the unit is complete
OUT/ZOO/ARM/METHOD-SEED.npz    predictions and what was measured, one row for each test snapshot
OUT/ZOO/ARM/METHOD-SEED.log    what fitting printed
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from pathlib import Path
from typing import ClassVar

import numpy as np
from jaxtyping import Float
from pydantic import TypeAdapter

from models.evaluation.snapshots import Snapshots


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """One method, fitted once on one arm of one zoo."""

    zoo: str
    """Names of the zoos that were joined, with + between them."""
    arm: str
    method: str
    seed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is known of a unit besides its predictions."""

    __pydantic_config__: ClassVar = {"extra": "forbid"}
    unit: Unit
    words: str
    kind: str
    ranked_only: bool
    settings: str
    fingerprint: str
    """Of all networks of the zoos; see `models.training.fingerprint`."""
    train_snapshots: int
    train_architectures: int
    test_snapshots: int
    test_architectures: int
    parameters: int | None
    cpu_s: float
    """Of this unit's process, fitting and predicting."""
    wall_s: float
    measured_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """A measured unit."""

    facts: Facts
    snapshots: Snapshots
    """What was measured."""
    accuracy: Float[np.ndarray, " snapshots"]
    """What was predicted."""
    gap: Float[np.ndarray, " snapshots"] | None


_FACTS = TypeAdapter(Facts)


class UnitStore:
    """The folder OUT."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def log(self, unit: Unit) -> Path:
        """Where the unit's process prints to."""
        path = self._stem(unit).with_suffix(".log")
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def has(self, unit: Unit, settings: str, fingerprint: str) -> bool:
        """Whether the unit was measured with these settings on these networks."""
        path = self._stem(unit).with_suffix(".json")
        if not path.exists():
            return False
        facts = _FACTS.validate_json(path.read_bytes())
        return (facts.settings, facts.fingerprint) == (settings, fingerprint)

    def forget(self, unit: Unit) -> None:
        """Removes what was measured, so that it is measured again."""
        for suffix in (".json", ".npz"):
            self._stem(unit).with_suffix(suffix).unlink(missing_ok=True)

    def save(self, result: Result) -> None:
        """Writes one unit; an interrupted write leaves nothing that looks complete."""
        stem = self._stem(result.facts.unit)
        stem.parent.mkdir(parents=True, exist_ok=True)
        stem.with_suffix(".json").unlink(missing_ok=True)
        columns = {field.name: getattr(result.snapshots, field.name) for field in fields(Snapshots)}
        predicted = {"predicted_accuracy": result.accuracy.astype(np.float32)}
        if result.gap is not None:
            predicted["predicted_gap"] = result.gap.astype(np.float32)
        np.savez_compressed(stem.with_suffix(".npz"), allow_pickle=False, **columns, **predicted)
        partial = stem.with_suffix(".partial")
        partial.write_bytes(_FACTS.dump_json(result.facts, indent=1) + b"\n")
        partial.rename(stem.with_suffix(".json"))

    def results(self, zoos: Sequence[str] = ()) -> Iterator[Result]:
        """All complete units, of all zoos or of some."""
        for path in sorted(self._folder.glob("*/*/*.json")):
            facts = _FACTS.validate_json(path.read_bytes())
            if not zoos or facts.unit.zoo in zoos:
                yield self._result(facts)

    def _result(self, facts: Facts) -> Result:
        with np.load(self._stem(facts.unit).with_suffix(".npz"), allow_pickle=False) as arrays:
            gap = arrays["predicted_gap"].astype(np.float64) if "predicted_gap" in arrays else None
            return Result(
                facts=facts,
                snapshots=Snapshots(**{field.name: arrays[field.name] for field in fields(Snapshots)}),
                accuracy=arrays["predicted_accuracy"].astype(np.float64),
                gap=gap,
            )

    def _stem(self, unit: Unit) -> Path:
        return self._folder / unit.zoo / unit.arm.replace(":", "-") / f"{unit.method}-{unit.seed}"
