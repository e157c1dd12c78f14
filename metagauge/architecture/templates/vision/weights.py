"""Weights as layers use them: as they are stored, or made of other tensors by a reparametrisation."""

from math import prod

from metagauge.architecture.templates.sketch import Value
from metagauge.architecture.templates.vision.canvas import Canvas, mismatch

_WEIGHT_NORMS = (
    ("weight_g", "weight_v"),
    ("parametrizations.weight.original0", "parametrizations.weight.original1"),
)
"""Magnitudes and directions, in torch's older and newer spelling."""

_SPECTRAL_NORMS = (
    ("weight_orig", "weight_u", "weight_v"),
    ("parametrizations.weight.original", "parametrizations.weight.0._u", "parametrizations.weight.0._v"),
)
"""The weight as it is trained, and its first singular vectors as the power method left them."""

REPARAMETRISED = tuple(forms[0] for forms in (*_WEIGHT_NORMS, *_SPECTRAL_NORMS))
"""What tells that a module's weight is made of several tensors."""


def weight(canvas: Canvas, name: str, *, transposed: bool = False) -> Value:
    """The weight of module `name`, whose outputs are on axis 0, or on axis 1 of a `transposed` convolution.

    Besides `weight` itself: weight norm (Salimans and Kingma 2016), `g v / |v|`, and spectral norm (Miyato et al.
    2018), `w / (u w v)` with the stored vectors u and v, both in torch's older and newer spelling.

    Raises:
        TensorMissingError: the file has none of these.
        ArchitectureMismatchError: their shapes do not go together.
    """
    for original, left, right in _SPECTRAL_NORMS:
        if canvas.has(f"{name}.{original}"):
            vectors = canvas.weight(f"{name}.{left}"), canvas.weight(f"{name}.{right}")
            return _spectral_norm(canvas, canvas.weight(f"{name}.{original}"), *vectors, axis=int(transposed))
    for magnitude, direction in _WEIGHT_NORMS:
        if canvas.has(f"{name}.{magnitude}"):
            return _weight_norm(canvas, canvas.weight(f"{name}.{magnitude}"), canvas.weight(f"{name}.{direction}"))
    return canvas.weight(f"{name}.weight")


def _weight_norm(canvas: Canvas, lengths: Value, directions: Value) -> Value:
    whole = prod(lengths.shape) == 1
    fits = lengths.rank == directions.rank and all(
        length in (1, size) for length, size in zip(lengths.shape, directions.shape, strict=False)
    )
    if not whole and not fits:
        raise mismatch(lengths, f"the directions it scales have shape {list(directions.shape)}")
    sketch = canvas.sketch
    axes = tuple(axis for axis in range(directions.rank) if whole or lengths.shape[axis] == 1)
    norm = sketch.reduce("ReduceL2", directions, axes, keep=True)
    return sketch.multiply(directions, sketch.elementwise("Div", lengths, norm))


def _spectral_norm(canvas: Canvas, original: Value, left: Value, right: Value, axis: int) -> Value:
    sketch = canvas.sketch
    if original.rank < 2 or left.shape != (original.shape[axis],):
        raise mismatch(left, f"the weight it belongs to has shape {list(original.shape)}")
    matrix = original
    if axis:
        matrix = sketch.transpose(original, (1, 0, *range(2, original.rank)))
    rows, columns = matrix.shape[0], prod(matrix.shape[1:])
    if right.shape != (columns,):
        raise mismatch(right, f"the weight it belongs to has shape {list(original.shape)}")
    matrix = sketch.reshape(matrix, (rows, columns))
    product = sketch.matmul(matrix, sketch.reshape(right, (columns, 1)))
    sigma = sketch.matmul(sketch.reshape(left, (1, rows)), product)
    return sketch.elementwise("Div", original, sketch.reshape(sigma, (1,) * original.rank))
