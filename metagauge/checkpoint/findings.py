"""What is worth telling about the tensors of a checkpoint, whatever file they came in."""

from collections.abc import Iterable, Iterator, Mapping

import numpy as np

from metagauge.checkpoint.dtypes import SCALED_DTYPES
from metagauge.checkpoint.finding import Finding
from metagauge.checkpoint.tensor import Tensor

_SHOWN = 20
"""Findings of one rule that are listed one by one; the rest is one finding with their number."""
_CHUNK = 1 << 20
"""Elements tested at once, so that the test needs little memory beside the tensor."""


def tensor_findings(tensors: Mapping[str, Tensor]) -> tuple[Finding, ...]:
    """Tensors without elements, of block-scaled types, and parameters that are not finite. Reads every parameter."""
    rules = (_empty, _block_scaled, _non_finite)
    return tuple(finding for rule in rules for finding in _shortened(rule(tensors.values())))


def _empty(tensors: Iterable[Tensor]) -> Iterator[Finding]:
    for tensor in tensors:
        if tensor.size == 0:
            message = f"{tensor.name!r} has shape {list(tensor.shape)} and so no elements"
            yield Finding(rule="empty-tensor", level="warning", message=message, layer=tensor.name)


def _block_scaled(tensors: Iterable[Tensor]) -> Iterator[Finding]:
    for tensor in tensors:
        if tensor.dtype in SCALED_DTYPES:
            message = f"{tensor.name!r} is {tensor.dtype}, which means something only with a scale stored beside it"
            yield Finding(rule="block-scaled-dtype", level="warning", message=message, layer=tensor.name)


def _non_finite(tensors: Iterable[Tensor]) -> Iterator[Finding]:
    for tensor in tensors:
        # Graphs compute with an infinite constant now and then (masks); a parameter never has a reason to be one.
        count = _count_non_finite(tensor) if tensor.is_parameter else 0
        if count:
            message = f"{tensor.name!r} holds {count} of {tensor.size} elements that are NaN or infinite"
            yield Finding(rule="non-finite", level="error", message=message, layer=tensor.name, value=float(count))


def _count_non_finite(tensor: Tensor) -> int:
    flat = tensor.flat()
    return sum(
        part.size - int(np.count_nonzero(np.isfinite(part)))
        for part in (flat[start : start + _CHUNK] for start in range(0, flat.size, _CHUNK))
    )


def _shortened(findings: Iterator[Finding]) -> Iterator[Finding]:
    more: list[Finding] = []
    for number, finding in enumerate(findings):
        if number < _SHOWN:
            yield finding
        else:
            more.append(finding)
    if more:
        message = f"{len(more)} more tensors like this"
        yield Finding(rule=more[0].rule, level=more[0].level, message=message, value=float(len(more)))
