"""What a value of a program is known to be while the program is traced."""

from dataclasses import dataclass

import numpy as np

from metagauge.architecture.operators.source import NumberKind
from metagauge.errors import StructureNotInferableError

Shape = tuple[int, ...]


COUNT = -1
"""In place of an axis: the number says how many rows there are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """Rows along an axis of which the input chooses some: `valid`, one truth for each, is a value of the dataflow."""

    valid: str
    axis: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Numbers:
    """Numbers that are known now: int64, bool, float32 or float64. They belong to the wiring, not to the weights."""

    array: np.ndarray
    tensor: str = ""
    """The tensor of the checkpoint that holds exactly these numbers, if one does."""
    rows: Rows | None = None

    @property
    def shape(self) -> Shape:
        """The array's shape."""
        return self.array.shape

    @property
    def numbers(self) -> NumberKind:
        """What kind of numbers they are."""
        return {"f": "float", "b": "bool"}.get(self.array.dtype.kind, "int")  # type: ignore[return-value]


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """A value of the dataflow. Its shape is None where something on the way to it is not understood."""

    name: str
    shape: Shape | None
    numbers: NumberKind = "float"
    rows: Rows | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sequence:
    """A list of values, whose length is known."""

    items: tuple["Numbers | Value", ...]


State = Numbers | Value | Sequence
Tensorlike = Numbers | Value
Inputs = tuple[State | None, ...]
"""What a node reads; None stands for an input left out."""


def tensor_at(inputs: Inputs, position: int) -> Tensorlike | None:
    """An input that may be left out.

    Raises:
        StructureNotInferableError: it is a list.
    """
    state = inputs[position] if position < len(inputs) else None
    if isinstance(state, Sequence):
        raise StructureNotInferableError(f"input {position} is a list of tensors")
    return state


def required(inputs: Inputs, position: int) -> Tensorlike:
    """An input that must be there.

    Raises:
        StructureNotInferableError: it is not.
    """
    state = tensor_at(inputs, position)
    if state is None:
        raise StructureNotInferableError(f"input {position} is missing")
    return state


def shape_of(state: Tensorlike) -> Shape:
    """A shape that must be known.

    Raises:
        StructureNotInferableError: it is not.
    """
    if state.shape is None:
        raise StructureNotInferableError("the shape of an input is not known")
    return state.shape
