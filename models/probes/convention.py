"""How a network reads images and orders its classes, where it was not trained as the zoo's networks are."""

from dataclasses import dataclass
from math import isfinite

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from models.subject import Declared, Triple

CLASSES, CHANNELS = 10, 3
"""Of CIFAR-10."""
COMMON: tuple[tuple[Triple, Triple], ...] = (
    ((0.0, 0.0, 0.0), (1.0, 1.0, 1.0)),
    ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5)),
    ((0.0, 0.0, 0.0), (1 / 255, 1 / 255, 1 / 255)),
)
"""Mean and spread of networks that read pixels from 0 to 1, from -1 to 1 and from 0 to 255."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Convention:
    """What must be known to ask a network about images, and to compare its answers with those of others."""

    mean: Triple
    spread: Triple
    """A network reads (pixel / 255 - mean) / spread, for red, green and blue."""
    classes: tuple[int, ...] = tuple(range(CLASSES))
    """For each output in turn, the number of its class in CIFAR-10's order."""

    def declared(self, declared: Declared) -> "Convention":
        """This convention, but for what a user said.

        Raises:
            ValueError: the classes declared are not those of CIFAR-10, each once, or mean and spread are not three
                finite numbers, the spread's positive.
        """
        classes = self.classes if declared.classes is None else declared.classes
        spread = self.spread if declared.spread is None else declared.spread
        if sorted(classes) != list(range(CLASSES)):
            raise ValueError(f"the declared classes {list(classes)} are not the numbers 0 to {CLASSES - 1}, each once")
        mean = self.mean if declared.mean is None else declared.mean
        if any(len(each) != CHANNELS or not all(map(isfinite, each)) for each in (mean, spread)):
            said = f"the declared mean {list(mean)} or spread {list(spread)}"
            raise ValueError(f"{said} is not {CHANNELS} finite numbers")
        if not all(each > 0 for each in spread):
            raise ValueError(f"the declared spread {list(spread)} is not positive")
        return Convention(mean=mean, spread=spread, classes=classes)

    def read(self, images: UInt8[np.ndarray, "images 3 32 32"]) -> Float[Tensor, "images 3 32 32"]:
        """What the network is given."""
        mean, spread = (torch.tensor(each, dtype=torch.float32).view(3, 1, 1) for each in (self.mean, self.spread))
        return (torch.from_numpy(images).float() / 255 - mean) / spread

    def ordered(self, logits: Float[Tensor, "*networks classes"]) -> Float[Tensor, "*networks classes"]:
        """Logits in CIFAR-10's order."""
        return logits[..., torch.argsort(torch.tensor(self.classes, device=logits.device))]
