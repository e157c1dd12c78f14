"""One way to judge a network: a metanetwork with its intervals, its domain and the networks it compares with."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from models.calibration import Calibration
from models.metanetworks.config import has_several
from models.metanetworks.ensemble import ProductEnsemble
from models.metanetworks.products import ProductConfig, ProductMetanetwork
from models.neighbourhood.landmarks import Landmarks
from models.neighbourhood.neighbourhood import Neighbourhood

_METANETWORK, _NEIGHBOURHOOD, _LANDMARKS = "metanetwork/", "neighbourhood/", "landmarks/"
"""Prefixes of tensor names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgeConfig:
    """Everything about a judge but its tensors."""

    __pydantic_config__: ClassVar = {"extra": "forbid"}
    metanetwork: ProductConfig
    test_accuracy: Calibration
    generalization_gap: Calibration
    threshold: float
    """Domain score from which on it abstains."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judge:
    """A metanetwork in evaluation mode, where the networks lie that it was fitted to, and some of them."""

    config: JudgeConfig
    metanetwork: ProductMetanetwork | ProductEnsemble
    neighbourhood: Neighbourhood
    landmarks: Landmarks

    def tensors(self) -> dict[str, Tensor]:
        """Everything there is to save; what was learned as float16, to which `models.training.rounded` rounded it."""
        learned = {name for name, _ in self.metanetwork.named_parameters()}
        numbers = self.metanetwork.state_dict().items()
        parts = {
            _METANETWORK: {name: each.half() if name in learned else each for name, each in numbers},
            _NEIGHBOURHOOD: self.neighbourhood.tensors(),
            _LANDMARKS: self.landmarks.tensors(),
        }
        return {f"{prefix}{name}": tensor for prefix, part in parts.items() for name, tensor in part.items()}

    @classmethod
    def of(cls, config: JudgeConfig, tensors: Mapping[str, Tensor]) -> "Judge":
        """The judge whose `tensors` these are."""
        wanted = config.metanetwork
        metanetwork = ProductEnsemble(wanted) if has_several(wanted) else ProductMetanetwork(wanted)
        metanetwork.load_state_dict(under(_METANETWORK, tensors))
        return cls(
            config=config,
            metanetwork=metanetwork.eval(),
            neighbourhood=Neighbourhood.from_tensors(under(_NEIGHBOURHOOD, tensors)),
            landmarks=Landmarks.from_tensors(under(_LANDMARKS, tensors)),
        )


def under(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors whose names begin with `prefix`, by the rest of their names."""
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
