"""Products of matrices, written as Einstein sums."""

from collections.abc import Mapping
from string import ascii_letters

from metagauge.architecture.attributes import flag, real, text
from metagauge.architecture.operators.contraction import Contract
from metagauge.architecture.tracing.arithmetic import affine, binary
from metagauge.architecture.tracing.reshaping import reshaped
from metagauge.architecture.tracing.states import Inputs, Shape, Tensorlike, required, shape_of, tensor_at
from metagauge.architecture.tracing.tracing import TraceOperator, Tracing
from metagauge.checkpoint.program import Node
from metagauge.errors import ArchitectureMismatchError, StructureNotInferableError


def matmul(
    tracing: Tracing,
    left: Tensorlike,
    right: Tensorlike,
    factor: float = 1.0,
    *,
    transpose_left: bool = False,
    transpose_right: bool = False,
) -> Tensorlike:
    """numpy's matmul, times a factor. An operand may have its last two axes the other way round."""
    a, b = shape_of(left), shape_of(right)
    if not a or not b:
        raise ArchitectureMismatchError(f"the matrix product of {list(a)} and {list(b)}")
    a_inner = "k" if len(a) == 1 else "km" if transpose_left else "mk"
    b_inner = "k" if len(b) == 1 else "nk" if transpose_right else "kn"
    a_batch, b_batch = len(a) - len(a_inner), len(b) - len(b_inner)
    rank = max(a_batch, b_batch)
    letters = [letter for letter in ascii_letters if letter not in "kmn"][:rank]
    left, a_letters = _without_ones(tracing, left, b[:b_batch], letters[rank - a_batch :], len(a_inner))
    right, b_letters = _without_ones(tracing, right, a[:a_batch], letters[rank - b_batch :], len(b_inner))
    output = "".join(letters) + ("m" if len(a) > 1 else "") + ("n" if len(b) > 1 else "")
    equation = f"{a_letters}{a_inner},{b_letters}{b_inner}->{output}"
    return tracing.apply(Contract(equation=equation, factor=factor), left, right)


def _without_ones(
    tracing: Tracing, x: Tensorlike, other: Shape, letters: list[str], inner: int
) -> tuple[Tensorlike, str]:
    """`x` without batch axes of size one over which the other operand's are repeated, and the letters of the rest."""
    shape = shape_of(x)
    batch = len(shape) - inner
    kept = []
    for axis in range(batch):
        place = axis - batch + len(other)
        is_repeated = shape[axis] == 1 and place >= 0 and other[place] != 1
        if not is_repeated:
            kept.append(axis)
    sizes = (*(shape[axis] for axis in kept), *shape[batch:])
    return reshaped(tracing, x, sizes), "".join(letters[axis] for axis in kept)


def _matmul(tracing: Tracing, node: Node, inputs: Inputs) -> Tensorlike:
    return matmul(tracing, required(inputs, 0), required(inputs, 1))


def gemm(tracing: Tracing, node: Node, inputs: Inputs) -> Tensorlike:
    """Gemm: alpha A B + beta C, either factor transposed."""
    left, right, shift = required(inputs, 0), required(inputs, 1), tensor_at(inputs, 2)
    if tracing.opset < 9 and len(shape_of(left)) > 2:  # caffe's inner product flattens
        first, *rest = shape_of(left)
        size = 1
        for each in rest:
            size *= each
        left = reshaped(tracing, left, (first, size))
    product = matmul(
        tracing,
        left,
        right,
        real(node, "alpha", 1.0),
        transpose_left=flag(node, "transA", False),
        transpose_right=flag(node, "transB", False),
    )
    beta = real(node, "beta", 1.0)
    if shift is None or beta == 0.0:
        return product
    return binary(tracing, "add", product, affine(tracing, tracing.parameter(shift), beta))


def einsum(tracing: Tracing, node: Node, inputs: Inputs) -> Tensorlike:
    """Einsum: with the ellipsis written out and repeated axes of size one left out."""
    operands = tuple(required(inputs, position) for position in range(len(inputs)))
    equation = text(node, "equation", "").replace(" ", "")
    left, arrow, output = equation.partition("->")
    parts = left.split(",")
    if len(parts) != len(operands):
        raise ArchitectureMismatchError(f"equation {equation[:100]!r} of {len(operands)} values")
    free = [letter for letter in ascii_letters if letter not in equation]
    widths = [
        len(shape_of(x)) - len(part.replace("...", "")) if "..." in part else 0
        for part, x in zip(parts, operands, strict=True)
    ]
    if min(widths, default=0) < 0 or max(widths, default=0) > len(free):
        raise ArchitectureMismatchError(f"equation {equation[:100]!r} does not fit its values")
    shared = "".join(free[: max(widths, default=0)])
    parts = [part.replace("...", shared[len(shared) - width :]) for part, width in zip(parts, widths, strict=True)]
    if not arrow:
        letters = sorted({letter for letter in "".join(parts) if letter not in shared})
        output = shared + "".join(letter for letter in letters if "".join(parts).count(letter) == 1)
    return summed(tracing, parts, output.replace("...", shared), operands)


def summed(tracing: Tracing, parts: list[str], output: str, operands: tuple[Tensorlike, ...]) -> Tensorlike:
    """An Einstein sum without ellipsis."""
    if any(len(set(part)) != len(part) for part in parts):
        raise StructureNotInferableError("the diagonal of a matrix in an Einstein sum")
    sizes: dict[str, int] = {}
    for part, x in zip(parts, operands, strict=True):
        for letter, size in zip(part, shape_of(x), strict=True):
            sizes[letter] = max(size, sizes.get(letter, 1))
    kept_parts, kept = [], []
    for part, x in zip(parts, operands, strict=True):
        pairs = tuple(zip(part, shape_of(x), strict=True))
        left = tuple((letter, size) for letter, size in pairs if size == sizes[letter] or size != 1)
        kept.append(reshaped(tracing, x, tuple(size for _, size in left)))
        kept_parts.append("".join(letter for letter, _ in left))
    return tracing.apply(Contract(equation=f"{','.join(kept_parts)}->{output}"), *kept)


OPERATORS: Mapping[tuple[str, str], TraceOperator] = {
    ("", "MatMul"): _matmul,
    ("", "Gemm"): gemm,
    ("", "Einsum"): einsum,
}
