"""Fourier transforms, which are products with a known matrix."""

from collections.abc import Mapping

import numpy as np

from metagauge.architecture.attributes import flag, integer
from metagauge.architecture.operators.contraction import Contract, Convolve
from metagauge.architecture.tracing.arithmetic import binary
from metagauge.architecture.tracing.constants import READ_LIMIT
from metagauge.architecture.tracing.movement import padded
from metagauge.architecture.tracing.reshaping import axis_of, reshaped, sliced, transposed
from metagauge.architecture.tracing.states import Inputs, Numbers, Tensorlike, required, shape_of, tensor_at
from metagauge.architecture.tracing.tracing import TraceOperator, Tracing
from metagauge.checkpoint.program import Node
from metagauge.errors import StructureNotInferableError

_AXIS_IS_INPUT = 20
"""The operator set from which DFT has its axis as an input."""


def waves(samples: int, bins: int, length: int, *, inverse: bool = False) -> np.ndarray:
    """(samples, real or imaginary, bins, real or imaginary): what each sample adds to each bin.

    Raises:
        StructureNotInferableError: there are more numbers than are looked at.
    """
    if 4 * samples * bins > 4 * READ_LIMIT:
        raise StructureNotInferableError(f"a Fourier transform of {samples} samples")
    angle = (1 if inverse else -1) * 2 * np.pi * np.outer(np.arange(samples), np.arange(bins)) / length
    real, imaginary = np.cos(angle), np.sin(angle)
    table = np.stack([np.stack([real, imaginary], -1), np.stack([-imaginary, real], -1)], 1)
    return (table / length if inverse else table).astype(np.float32)


def _transform(tracing: Tracing, node: Node, inputs: Inputs) -> Tensorlike:
    """DFT of real or complex numbers, the last axis, along one axis."""
    x, length_state, axis_state = required(inputs, 0), tensor_at(inputs, 1), tensor_at(inputs, 2)
    rank, is_inverse = len(shape_of(x)), flag(node, "inverse", False)
    if axis_state is not None:
        axis = tracing.integers(axis_state)[0]
    else:
        axis = integer(node, "axis", -2 if tracing.opset >= _AXIS_IS_INPUT else 1)
    axis = axis_of(axis, rank)
    parts = shape_of(x)[-1]
    if parts not in (1, 2) or axis == rank - 1 or (is_inverse and flag(node, "onesided", False)):
        raise StructureNotInferableError("a Fourier transform of this form")
    length = shape_of(x)[axis] if length_state is None else tracing.integers(length_state)[0]
    missing = length - shape_of(x)[axis]
    if missing > 0:
        x = padded(tracing, x, tuple((0, missing if place == axis else 0) for place in range(rank)))
    x = sliced(tracing, x, axis, 0, length)
    bins = length // 2 + 1 if flag(node, "onesided", False) else length
    table = waves(length, bins, length, inverse=is_inverse)[:, :parts]
    letters = "abcdefgh"[: rank - 1]
    before = f"{letters[:axis]}n{letters[axis + 1 :]}p"
    after = f"{letters[:axis]}k{letters[axis + 1 :]}q"
    return tracing.apply(Contract(equation=f"{before},npkq->{after}"), x, Numbers(array=table))


def _short_time(tracing: Tracing, node: Node, inputs: Inputs) -> Tensorlike:
    """STFT of a real signal (batch, samples, 1): a convolution with waves under a window."""
    signal, window = required(inputs, 0), tensor_at(inputs, 2)
    (step,) = tracing.integers(required(inputs, 1))
    length_state = tensor_at(inputs, 3)
    batch, samples, parts = (*shape_of(signal), 1)[:3]
    if length_state is not None:
        (length,) = tracing.integers(length_state)
    elif window is not None:
        (length,) = shape_of(window)
    else:
        raise StructureNotInferableError("the length of its frames is not known")
    if parts != 1:
        raise StructureNotInferableError("the spectrum of a complex signal")
    bins = length // 2 + 1 if flag(node, "onesided", True) else length
    table = waves(length, bins, length)[:, 0].transpose(1, 2, 0).reshape(2 * bins, 1, length)
    kernel: Tensorlike = Numbers(array=np.ascontiguousarray(table))
    if window is not None:
        before = (length - shape_of(window)[0]) // 2
        after = length - shape_of(window)[0] - before
        kernel = binary(tracing, "multiply", kernel, padded(tracing, window, ((before, after),)))
    operator = Convolve(stride=(step,), padding=((0, 0),), dilation=(1,))
    frames = tracing.apply(operator, reshaped(tracing, signal, (batch, 1, samples)), kernel)
    count = shape_of(frames)[2]
    return transposed(tracing, reshaped(tracing, frames, (batch, bins, 2, count)), (0, 3, 1, 2))


OPERATORS: Mapping[tuple[str, str], TraceOperator] = {
    ("", "DFT"): _transform,
    ("", "STFT"): _short_time,
}
