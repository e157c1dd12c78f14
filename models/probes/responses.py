"""What a network answers to probe images, in numbers: how sure it is, how varied, how steady, and what it favours.

A first part does not depend on the order of classes; the second does. Adding a constant to all logits of an image
changes nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import log

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from models.probes.convention import CLASSES
from models.probes.images import DRAWN, VIEWS

SETS = (*DRAWN, "all")
_FREE = (
    "confidence",
    "confidence spread",
    "entropy",
    "entropy spread",
    "margin",
    "margin spread",
    "log logit size",
    "log logit margin",
    "variety of answers",
    "entropy of mean",
    "information",
    "share between images",
    "directions",
    *(f"{view} {word}" for view in VIEWS for word in ("agreement", "divergence")),
)
"""For each set of images. Confidence is the largest probability, the margin what it exceeds the second by. Variety is
the entropy of how often each class is the answer; information is the entropy of the mean probabilities less the mean
entropy; the share between images is of the variance of centred logits in their mean square, and directions is in how
many of them they vary, (trace C)^2 / trace C^2. Agreement is how often a view has the same answer, divergence the mean
Kullback-Leibler divergence of its probabilities from the image's. Entropies are in units of that of ten equal classes.
"""
_ORDERED = ("probability", "log probability")
"""For each drawn kind of images and class, means; for each learned image and class, its log probability."""

_CLIP = 20.0
_HUGE = 1e6
"""Bounds logits; their softmax is that of one class long before."""


def response_names(learned: int = 0) -> tuple[str, ...]:
    """What each number is, for so many learned images."""
    free = [f"{where}: {what}" for where in SETS for what in _FREE]
    means = [f"{kind}: {what} of class {number}" for kind in DRAWN for what in _ORDERED for number in range(CLASSES)]
    each = [f"learned {image}: log probability of class {n}" for image in range(learned) for n in range(CLASSES)]
    return (*free, *means, *each)


RESPONSE_NAMES = response_names()
"""Those where nothing is learned."""
RESPONSE_FEATURES = len(RESPONSE_NAMES)


def response_features(learned: int = 0) -> int:
    """How many numbers there are, for so many learned images."""
    return len(response_names(learned))


def needs_class_order(learned: int = 0) -> Bool[np.ndarray, " response_features"]:
    """Which of the numbers are another network's when its classes are in another order."""
    return np.arange(response_features(learned)) >= len(SETS) * len(_FREE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """Logits in the order of CIFAR-10's classes."""

    drawn: Float[Tensor, "networks drawn classes"]
    """To the images that are drawn."""
    kind_of: Int[Tensor, " drawn"]
    views: Mapping[str, Float[Tensor, "networks viewed classes"]]
    """To the views of some of them."""
    viewed: Int[Tensor, " viewed"]
    """Which of the drawn images have views."""
    learned: Float[Tensor, "networks learned classes"]


def responses(answers: Answers) -> Float[Tensor, "networks response_features"]:
    """The numbers called `response_names`; finite for any logits, and differentiable."""
    logits = _centred(answers.drawn)
    views = {name: _centred(tensor) for name, tensor in answers.views.items()}
    parts: list[Tensor] = []
    for number in range(len(SETS)):
        is_in = answers.kind_of == number if number < len(DRAWN) else torch.ones_like(answers.kind_of, dtype=torch.bool)
        has_view = is_in[answers.viewed]
        pairs = [(logits[:, answers.viewed[has_view]], views[name][:, has_view]) for name in VIEWS]
        parts.append(_free(logits[:, is_in], pairs))
    for number in range(len(DRAWN)):
        known = logits[:, answers.kind_of == number].log_softmax(2)
        parts += [known.exp().mean(1), known.clamp_min(-_CLIP).mean(1) / _CLIP]
    parts.append(_centred(answers.learned).log_softmax(2).clamp_min(-_CLIP).flatten(1) / _CLIP)
    return torch.nan_to_num(torch.cat(parts, dim=1)).clamp(-_CLIP, _CLIP).float()


def _centred(logits: Float[Tensor, "networks images classes"]) -> Float[Tensor, "networks images classes"]:
    """Float64, bounded, and less their mean over classes."""
    bounded = torch.nan_to_num(logits.double(), 0.0, _HUGE, -_HUGE)
    return (bounded - bounded.mean(2, keepdim=True)).clamp(-_HUGE, _HUGE)


def _free(
    logits: Float[Tensor, "networks images classes"], pairs: list[tuple[Tensor, Tensor]]
) -> Float[Tensor, "networks free_features"]:
    """Numbers that do not depend on the order of classes. pairs: logits of images and of their views."""
    known = logits.log_softmax(2)
    probability = known.exp()
    first, second = probability.topk(2, dim=2).values.unbind(2)
    entropy = -(probability * known).sum(2) / log(CLASSES)
    mean = probability.mean(1)
    of_mean = -(mean * (mean + 1e-12).log()).sum(1) / log(CLASSES)
    answers = torch.nn.functional.one_hot(logits.argmax(2), CLASSES).double().mean(1)
    largest, next_largest = logits.topk(2, dim=2).values.unbind(2)
    size = logits.square().mean((1, 2))
    apart = logits - logits.mean(1, keepdim=True)
    covariance = apart.transpose(1, 2) @ apart / logits.shape[1]
    trace, traced = covariance.diagonal(dim1=1, dim2=2).sum(1), covariance.square().sum((1, 2))
    columns = [
        *_mean_and_spread(first),
        *_mean_and_spread(entropy),
        *_mean_and_spread(first - second),
        (size + 1e-12).log() / 2,
        ((largest - next_largest).mean(1) + 1e-6).log(),
        -(answers * (answers + 1e-12).log()).sum(1) / log(CLASSES),
        of_mean,
        of_mean - entropy.mean(1),
        trace / CLASSES / (size + 1e-12),
        trace.square() / (traced + 1e-24) / CLASSES,
    ]
    for own, view in pairs:
        is_same = own.argmax(2) == view.argmax(2)
        own_log, view_log = own.log_softmax(2), view.log_softmax(2).clamp_min(-_CLIP)
        divergence = (own_log.exp() * (own_log.clamp_min(-_CLIP) - view_log)).sum(2)
        columns += [is_same.double().mean(1), divergence.mean(1).clamp_min(0).log1p()]
    return torch.stack(columns, dim=1)


def _mean_and_spread(numbers: Float[Tensor, "networks images"]) -> tuple[Tensor, Tensor]:
    spread = (numbers.var(1, correction=0) + 1e-12).sqrt()  # whose derivative is finite where all are equal
    return numbers.mean(1), spread
