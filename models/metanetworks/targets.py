"""What metanetworks predict of a network, and how far off a prediction is."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional

TARGETS = 4
"""Logit of the test accuracy, generalization gap, logit of the training accuracy, log(1 + test loss)."""
_TRAIN_ACCURACY, _LOSS = 0.3, 0.1
"""What the targets that are not served weigh; they are there because they are known, and shape what is embedded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What was measured of trained networks."""

    test_accuracy: Float[Tensor, " networks"]
    gap: Float[Tensor, " networks"]
    """Training accuracy less test accuracy."""
    train_accuracy: Float[Tensor, " networks"]
    test_loss: Float[Tensor, " networks"]
    """Cross-entropy in nats."""

    def of(self, rows: Int[Tensor, " chosen"]) -> "Measured":
        """Of some of the networks."""
        return Measured(
            test_accuracy=self.test_accuracy[rows],
            gap=self.gap[rows],
            train_accuracy=self.train_accuracy[rows],
            test_loss=self.test_loss[rows],
        )

    @classmethod
    def joined(cls, parts: Sequence["Measured"]) -> "Measured":
        """Of all networks of all parts, in order."""
        return cls(
            test_accuracy=torch.cat([part.test_accuracy for part in parts]),
            gap=torch.cat([part.gap for part in parts]),
            train_accuracy=torch.cat([part.train_accuracy for part in parts]),
            test_loss=torch.cat([part.test_loss for part in parts]),
        )


def accuracy_and_gap(
    outputs: Float[Tensor, "networks targets"],
) -> tuple[Float[Tensor, " networks"], Float[Tensor, " networks"]]:
    """Test accuracy as a fraction, and the gap: what is served."""
    return torch.sigmoid(outputs[:, 0]), outputs[:, 1]


def loss(outputs: Float[Tensor, "networks targets"], measured: Measured) -> Float[Tensor, ""]:
    """Binary cross-entropy on accuracies (Lim et al. 2024, app. C), Huber losses on the gap and the log of the loss."""
    right = functional.binary_cross_entropy_with_logits
    return (
        right(outputs[:, 0], measured.test_accuracy)
        + functional.smooth_l1_loss(outputs[:, 1], measured.gap, beta=0.05)
        + _TRAIN_ACCURACY * right(outputs[:, 2], measured.train_accuracy)
        + _LOSS * functional.smooth_l1_loss(outputs[:, 3], measured.test_loss.log1p(), beta=0.2)
    )
