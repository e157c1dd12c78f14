"""Where a zoo lives on disk: one shard for each job, and an index of all snapshots.

ZOO/recipe.json         the recipe
ZOO/jobs/00012.safetensors   tensors `member/step/name`; the architecture is in the metadata
ZOO/jobs/00012.json     one entry for each snapshot of the job; its presence says that the job is complete
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from pydantic import TypeAdapter
from safetensors import safe_open
from safetensors.numpy import save_file

from metagauge.architecture.architecture import Architecture
from metagauge.architecture.codec import METADATA_KEY, from_json, to_json
from metagauge.errors import ArchitectureMismatchError
from models.zoo.measure import Score
from models.zoo.population import Snapshot
from models.zoo.recipe import TrainingRecipe, ZooRecipe


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One snapshot of the index. A run is (job, member); networks of one job share their architecture."""

    __pydantic_config__: ClassVar = {"ser_json_inf_nan": "constants"}

    job: int
    member: int
    step: int
    family: str
    test_accuracy: float
    test_loss: float
    test_images: int
    train_accuracy: float
    train_loss: float
    train_images: int
    is_final: bool
    training: TrainingRecipe

    @property
    def run(self) -> tuple[int, int]:
        """Names the run this snapshot is from."""
        return self.job, self.member


_ENTRIES = TypeAdapter(list[Entry])


class ZooStore:
    """The folder of one zoo."""

    def __init__(self, folder: Path) -> None:
        self._jobs = folder / "jobs"
        self._recipe = folder / "recipe.json"

    def prepare(self, recipe: ZooRecipe) -> None:
        """Makes the folder, or checks that what is there was made by the same recipe.

        Raises:
            ValueError: the folder holds a zoo of another recipe.
        """
        self._jobs.mkdir(parents=True, exist_ok=True)
        if self._recipe.exists() and self.recipe().digest() != recipe.digest():
            raise ValueError(f"{self._recipe} is another recipe; choose another folder or remove that zoo")
        self._recipe.write_text(json.dumps(asdict(recipe), indent=2) + "\n")

    def recipe(self) -> ZooRecipe:
        """The recipe this zoo was made by."""
        return TypeAdapter(ZooRecipe).validate_json(self._recipe.read_bytes())

    def has(self, job: int) -> bool:
        """Whether a job is complete."""
        return self._index(job).exists()

    def is_measured(self, job: int, recipe: ZooRecipe) -> bool:
        """Whether the networks of a complete job were measured on as many images as the recipe says."""
        return all(
            entry.test_images == recipe.test_images
            and entry.train_images == min(recipe.train_images, entry.training.training_images)
            for entry in self.job_entries(job)
        )

    def save(
        self,
        job: int,
        family: str,
        architecture: Architecture,
        recipes: Sequence[TrainingRecipe],
        snapshots: Sequence[Snapshot],
    ) -> None:
        """Writes one job; an interrupted write leaves nothing that looks complete."""
        tensors = {
            f"{snapshot.member}/{snapshot.step}/{name}": tensor
            for snapshot in snapshots
            for name, tensor in snapshot.tensors.items()
        }
        save_file(tensors, self._shard(job), metadata={METADATA_KEY: to_json(architecture)})
        self._write(job, [_entry(job, family, recipes[snapshot.member], snapshot) for snapshot in snapshots])

    def measured_again(self, job: int, scores: Mapping[tuple[int, int], tuple[Score, Score]]) -> None:
        """Writes new scores, of test and train images, of the networks of a complete job. Keys: (member, step)."""
        entries = self.job_entries(job)
        self._write(job, [replace(entry, **_labels(*scores[entry.member, entry.step])) for entry in entries])

    def _write(self, job: int, entries: Sequence[Entry]) -> None:
        partial = self._index(job).with_suffix(".partial")
        partial.write_bytes(_ENTRIES.dump_json(list(entries)))
        partial.rename(self._index(job))

    def entries(self) -> list[Entry]:
        """The index: all snapshots of all complete jobs, in order."""
        return [
            entry for path in sorted(self._jobs.glob("*.json")) for entry in _ENTRIES.validate_json(path.read_bytes())
        ]

    def job_entries(self, job: int) -> list[Entry]:
        """The index of one complete job."""
        return _ENTRIES.validate_json(self._index(job).read_bytes())

    def networks(self, job: int) -> tuple[Architecture, Iterator[tuple[int, int, dict[str, np.ndarray]]]]:
        """The architecture of a job, and (member, step, tensors) of its snapshots."""
        with safe_open(self._shard(job), framework="numpy") as shard:
            network = from_json(shard.metadata()[METADATA_KEY])
        if not isinstance(network, Architecture):
            raise ArchitectureMismatchError(f"job {job} of the zoo holds a dataflow, and zoos are made of layers")
        return network, self._networks(job)

    def _networks(self, job: int) -> Iterator[tuple[int, int, dict[str, np.ndarray]]]:
        with safe_open(self._shard(job), framework="numpy") as shard:
            names: dict[tuple[int, int], list[str]] = {}
            for key in shard.keys():  # noqa: SIM118 - the handle is not a mapping
                member, step, name = key.split("/", 2)
                names.setdefault((int(member), int(step)), []).append(name)
            for (member, step), mine in sorted(names.items()):
                yield member, step, {name: shard.get_tensor(f"{member}/{step}/{name}") for name in mine}

    def _shard(self, job: int) -> Path:
        return self._jobs / f"{job:05d}.safetensors"

    def _index(self, job: int) -> Path:
        return self._jobs / f"{job:05d}.json"


def _entry(job: int, family: str, training: TrainingRecipe, snapshot: Snapshot) -> Entry:
    return Entry(
        job=job,
        member=snapshot.member,
        step=snapshot.step,
        family=family,
        is_final=snapshot.step == training.steps,
        training=training,
        **_labels(snapshot.test, snapshot.train),
    )


def _labels(test: Score, train: Score) -> dict[str, Any]:
    return {
        f"{name}_{key}": value
        for name, score in (("test", test), ("train", train))
        for key, value in asdict(score).items()
    }
