"""Networks of the zoo that a prediction can be compared with: the nearest are shown."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from models.prediction import NearestNetwork

MOST = 500
"""Landmarks that are kept: with their words, well below a megabyte."""
NEAREST = 3
_WORDS = "words"


@dataclass(frozen=True, slots=True, kw_only=True)
class Landmarks:
    """Some training networks: where they are (`Neighbourhood.place`), what they are and how good they were."""

    places: Float[Tensor, "landmarks directions"]
    test_accuracies: Float[Tensor, " landmarks"]
    families: tuple[str, ...]
    descriptions: tuple[str, ...]

    def nearest(self, place: Float[Tensor, " directions"], count: int = NEAREST) -> tuple[NearestNetwork, ...]:
        """The nearest landmarks, nearest first, each description once. Distances are as one coordinate differs."""
        distances = (self.places - place).square().mean(1).sqrt()
        found: dict[tuple[str, str], NearestNetwork] = {}
        for number in distances.argsort(stable=True).tolist():
            network = NearestNetwork(
                family=self.families[number],
                description=self.descriptions[number],
                test_accuracy=round(float(self.test_accuracies[number]), 4),
                distance=float(distances[number]),
            )
            found.setdefault((self.families[number], self.descriptions[number]), network)
            if len(found) == count:
                break
        return tuple(found.values())

    def tensors(self) -> dict[str, Tensor]:
        """By name, for a file; words as bytes of JSON."""
        words = json.dumps([self.families, self.descriptions]).encode()
        return {
            "places": self.places.contiguous(),
            "test_accuracies": self.test_accuracies.contiguous(),
            _WORDS: torch.frombuffer(bytearray(words), dtype=torch.uint8),
        }

    @classmethod
    def from_tensors(cls, tensors: Mapping[str, Tensor]) -> Self:
        """What `tensors` gave.

        Raises:
            ValueError: the words are no JSON, or not as many as there are places.
        """
        words: UInt8[Tensor, " bytes"] = tensors[_WORDS]
        families, descriptions = json.loads(bytes(words.numpy()))
        if not len(families) == len(descriptions) == len(tensors["places"]):
            raise ValueError("there are not as many words as landmarks")
        return cls(
            places=tensors["places"],
            test_accuracies=tensors["test_accuracies"],
            families=tuple(families),
            descriptions=tuple(descriptions),
        )


def choose(architectures: Sequence[str], seed: int, most: int = MOST) -> list[int]:
    """Numbers of snapshots to keep: as many of each architecture as fit, drawn at random, in order."""
    generator = torch.Generator().manual_seed(seed)
    by_architecture: dict[str, list[int]] = {}
    order: list[int] = torch.randperm(len(architectures), generator=generator).tolist()
    for number in order:
        by_architecture.setdefault(architectures[number], []).append(number)
    rounds = max(map(len, by_architecture.values()), default=0)
    queue = [mine[turn] for turn in range(rounds) for mine in by_architecture.values() if turn < len(mine)]
    return sorted(queue[:most])
