"""The shape of sums of products."""

from metagauge.architecture.operators.contraction import Contract
from metagauge.architecture.operators.shaping.rules import Shape, Shapes
from metagauge.errors import ArchitectureMismatchError


def contract(operator: Contract, inputs: Shapes) -> Shape | None:
    """One size for each letter of the output.

    Raises:
        ArchitectureMismatchError: the equation is not one, or the inputs do not fit it.
    """
    operands, arrow, output = operator.equation.partition("->")
    letters = operands.split(",")
    is_plain = all(not part or (part.isascii() and part.isalpha()) for part in (*letters, output))
    if not arrow or not is_plain or any(len(set(part)) != len(part) for part in (*letters, output)):
        raise ArchitectureMismatchError(f"{operator.equation[:200]!r} is no equation of distinct axes")
    if len(letters) != len(inputs):
        raise ArchitectureMismatchError(f"{operator.equation[:200]!r} is of {len(letters)} values, not {len(inputs)}")
    if not set(output) <= set(operands):
        raise ArchitectureMismatchError(f"{operator.equation[:200]!r} gives an axis that no input has")
    sizes: dict[str, int] = {}
    for part, shape in zip(letters, inputs, strict=True):
        if shape is None:
            continue
        if len(part) != len(shape):
            raise ArchitectureMismatchError(f"{operator.equation[:200]!r} reads shape {list(shape)} as {part!r}")
        for letter, size in zip(part, shape, strict=True):
            if sizes.setdefault(letter, size) != size:
                message = f"axis {letter} of {operator.equation[:200]!r} has sizes {sizes[letter]} and {size}"
                raise ArchitectureMismatchError(message)
    if not set(output) <= sizes.keys():
        return None
    return tuple(sizes[letter] for letter in output)
