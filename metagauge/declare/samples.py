"""What a module is traced with: one sample of each input."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_leaves

from metagauge.errors import StructureNotInferableError

FAILURES = (RuntimeError, ValueError, TypeError, IndexError, AttributeError, AssertionError, NotImplementedError)
"""What modules raise on inputs that they were not made for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Samples:
    """Arguments of a call, by place and by name, each with the batch axis that the module wants."""

    places: tuple[Tensor, ...]
    names: Mapping[str, Tensor]

    @property
    def tensors(self) -> tuple[Tensor, ...]:
        """All of them."""
        return (*self.places, *self.names.values())

    @property
    def batch(self) -> int:
        """The size of the first axis if it is the same in all tensors; otherwise zero."""
        sizes = {tensor.shape[0] if tensor.dim() else 0 for tensor in self.tensors}
        return sizes.pop() if len(sizes) == 1 else 0

    def changed(self, change: Callable[[Tensor], Tensor]) -> "Samples":
        """The same arguments with every tensor changed."""
        names = {name: change(tensor) for name, tensor in self.names.items()}
        return Samples(places=tuple(change(tensor) for tensor in self.places), names=names)

    def __str__(self) -> str:
        return " and ".join(str(list(tensor.shape)) for tensor in self.tensors)


def samples_of(module: nn.Module, inputs: object) -> Samples:
    """One sample of what `inputs` describes: a shape without the batch axis, an example tensor with it, or several.

    Shapes stand for floating-point numbers, or for whole numbers if the module runs on nothing else. Examples of
    several samples are cut to their first one, where each sample alone gives its part of the results; where it does
    not, the first axis is no batch, and they stay as they are.

    Raises:
        StructureNotInferableError: `inputs` is nothing of this, or the module does not run on it.
    """
    first = next((tensor for tensor in module.parameters() if tensor.is_floating_point()), torch.empty(0))
    samples = _described(inputs, first)
    try:
        if samples.batch < 2 or not _is_batch(module, samples):
            _ran(module, samples)
            return samples
        return samples.changed(lambda tensor: tensor[:1])
    except FAILURES as error:
        shapes_only = not any(isinstance(each, Tensor) for each in _each(inputs))
        whole = samples.changed(lambda tensor: torch.zeros_like(tensor, dtype=torch.int64))
        if shapes_only and _runs(module, whole):
            return whole
        first_line = str(error).strip().partition("\n")[0][:300]
        message = f"{type(module).__name__} does not run on an input of shape {samples}: {first_line}"
        raise StructureNotInferableError(f"{message}{_advice(module, samples, shapes_only)}") from error


def _advice(module: nn.Module, samples: Samples, shapes_only: bool) -> str:
    """What would make the module run on such inputs."""
    if not shapes_only:
        return "; examples are what the module is called with, batch axis included"
    cut = samples.changed(lambda tensor: tensor[0] if tensor.dim() > 1 else tensor)
    for candidate in (cut, cut.changed(lambda tensor: torch.zeros_like(tensor, dtype=torch.int64))):
        if _runs(module, candidate):
            shapes = ", ".join(str(tuple(tensor.shape[1:])) for tensor in cut.tensors)
            return f"; the batch axis is added to a shape: leave it out, {shapes}"
    return (
        "; the first axis is the batch of one sample, which is added to a shape. Inputs of several kinds, whole numbers"
        " among them, are given as example tensors: save(module, (tokens, mask), path)"
    )


def _described(inputs: object, first: Tensor) -> Samples:
    if isinstance(inputs, Mapping):
        return Samples(places=(), names={str(name): _sample(each, first) for name, each in inputs.items()})
    return Samples(places=tuple(_sample(each, first) for each in _each(inputs)), names={})


def _each(inputs: object) -> tuple[object, ...]:
    """The inputs apart: a shape or a tensor is one of them."""
    if isinstance(inputs, Mapping):
        return tuple(inputs.values())
    if isinstance(inputs, int | Tensor) or not isinstance(inputs, tuple | list):
        return (inputs,)
    return (tuple(inputs),) if all(isinstance(size, int) for size in inputs) else tuple(inputs)


def _sample(given: object, first: Tensor) -> Tensor:
    if isinstance(given, Tensor):
        return given.detach()
    shape = (given,) if isinstance(given, int) else given
    if isinstance(shape, tuple | list) and all(isinstance(size, int) and size > 0 for size in shape):
        return torch.zeros(1, *shape, dtype=first.dtype, device=first.device)
    raise StructureNotInferableError(
        f"inputs are a shape without the batch axis, such as (3, 32, 32), example tensors with it, or several of"
        f" these in a list, or by name in a dict; {str(given)[:100]!r} is neither shape nor tensor"
    )


def _is_batch(module: nn.Module, samples: Samples) -> bool:
    """Whether the first axis counts samples: each one alone gives its part of the results."""
    size = samples.batch
    results = [each for each in _ran(module, samples) if each.dim() and each.shape[0] == size]
    for position in (0, size - 1):
        part = slice(position, position + 1)
        alone = _runs(module, samples.changed(lambda tensor, part=part: tensor[part]))
        matching = [each for each in alone or () if each.dim() and each.shape[0] == 1]
        wanted = [each[part] for each in results]
        if not wanted or [each.shape for each in matching] != [each.shape for each in wanted]:
            return False
        if not all(_close(one, other) for one, other in zip(matching, wanted, strict=True)):
            return False
    return True


def _close(one: Tensor, other: Tensor) -> bool:
    one, other = one.to(torch.float64), other.to(torch.float64)
    return torch.allclose(one, other, rtol=1e-2, atol=1e-3 * float(other.abs().nan_to_num().max()), equal_nan=True)


def _runs(module: nn.Module, samples: Samples) -> list[Tensor] | None:
    try:
        return _ran(module, samples)
    except FAILURES:
        return None


def _ran(module: nn.Module, samples: Samples) -> list[Tensor]:
    with evaluated(module), torch.no_grad():
        results = module(*samples.places, **samples.names)
    return [leaf for leaf in tree_leaves(results) if isinstance(leaf, Tensor)]


@contextmanager
def evaluated(module: nn.Module) -> Iterator[None]:
    """Evaluation mode with every step visible: PyTorch's fused encoder layer would be one opaque operator."""
    training = {each: each.training for each in module.modules()}
    is_fused = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    module.eval()
    try:
        with torch.enable_grad():
            yield
    finally:
        torch.backends.mha.set_fastpath_enabled(is_fused)
        for each, was_training in training.items():
            each.training = was_training
