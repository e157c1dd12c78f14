"""Changes after which a network no longer computes what it was trained to."""

from collections.abc import Mapping

import numpy as np

from metagauge.architecture.architecture import Architecture
from models.transforms.transform import Changed, NotApplicableError, Tensors, Transform
from models.transforms.weights import weight_names


def add_noise(
    architecture: Architecture, tensors: Mapping[str, np.ndarray], rng: np.random.Generator, *, sigma: float
) -> Changed:
    """Adds normal noise to every weight, of a deviation of `sigma` times the root mean square of its tensor.

    Raises:
        NotApplicableError: there are no weights.
    """
    changed = dict(tensors)
    for name in _some(weight_names(architecture)):
        noise = rng.normal(0, sigma * _size(tensors[name]), tensors[name].shape)
        changed[name] = (tensors[name] + noise).astype(np.float32)
    return architecture, changed


def shuffle(architecture: Architecture, tensors: Mapping[str, np.ndarray], rng: np.random.Generator) -> Changed:
    """Puts the elements of each weight tensor in a random order: what a histogram sees stays the same.

    Raises:
        NotApplicableError: there are no weights.
    """
    changed = dict(tensors)
    for name in _some(weight_names(architecture)):
        changed[name] = rng.permutation(tensors[name].ravel()).reshape(tensors[name].shape)
    return architecture, changed


def reinitialise(
    architecture: Architecture, tensors: Mapping[str, np.ndarray], rng: np.random.Generator, *, share: float = 1.0
) -> Changed:
    """Draws this share of the weight tensors, at least one, anew: normal, of the root mean square that they have.

    Raises:
        NotApplicableError: there are no weights.
    """
    names = _some(weight_names(architecture))
    changed = dict(tensors)
    for number in rng.permutation(len(names))[: max(1, round(share * len(names)))]:
        array = tensors[names[number]]
        changed[names[number]] = rng.normal(0, _size(array), array.shape).astype(np.float32)
    return architecture, changed


def swap_layers(architecture: Architecture, tensors: Mapping[str, np.ndarray], rng: np.random.Generator) -> Changed:
    """Hands the weights of layers of one shape round: each takes those of another one.

    Raises:
        NotApplicableError: no two weight tensors have one shape.
    """
    by_shape: dict[tuple[int, ...], list[str]] = {}
    for name in weight_names(architecture):
        by_shape.setdefault(tensors[name].shape, []).append(name)
    changed = dict(tensors)
    for names in by_shape.values():
        order = [names[number] for number in rng.permutation(len(names))]
        for name, other in zip(order, (*order[1:], order[0]), strict=True):
            changed[name] = tensors[other]
    if all(len(names) == 1 for names in by_shape.values()):
        raise NotApplicableError("no two weight tensors have one shape")
    return architecture, changed


def truncated(early: Mapping[str, np.ndarray], *, share: float = 0.5) -> Transform:
    """Training that ended early for some: this share of the weight tensors, at least one, becomes that of `early`.

    Args:
        early: The tensors of the same network at an earlier step.
        share: Of the weight tensors, drawn at random.
    """

    def transform(
        architecture: Architecture, tensors: Mapping[str, np.ndarray], rng: np.random.Generator, /
    ) -> Changed:
        names = _some(weight_names(architecture))
        chosen = rng.permutation(len(names))[: max(1, round(share * len(names)))]
        changed: Tensors = dict(tensors)
        changed.update({names[number]: early[names[number]] for number in chosen})
        return architecture, changed

    return transform


def _some(names: tuple[str, ...]) -> tuple[str, ...]:
    if not names:
        raise NotApplicableError("there are no weights to damage")
    return names


def _size(array: np.ndarray) -> float:
    """The root mean square."""
    return float(np.sqrt(np.square(array, dtype=np.float64).mean()))
