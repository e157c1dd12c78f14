"""What the operators share while one program is lifted."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from metagauge.architecture.layers import Attention, Conv, Linear
from metagauge.architecture.onnx import weight as weights
from metagauge.architecture.onnx.curve import Elementwise
from metagauge.architecture.onnx.draft import Draft
from metagauge.architecture.onnx.states import Known, Numbers, State, Weight
from metagauge.architecture.onnx.view import View, whole
from metagauge.architecture.parameter import Parameter
from metagauge.architecture.resolve import parameter_shape, resolve
from metagauge.checkpoint.checkpoint import Checkpoint
from metagauge.checkpoint.program import Node, Program
from metagauge.errors import LimitExceededError, StructureNotInferableError

READ_LIMIT = 1 << 20
"""Most elements of a constant whose numbers we look at: a causal mask of 1024 tokens."""

COMPUTED_LIMIT = 1 << 24
"""Most numbers that are computed from constants and shapes in one program."""

_CHAIN_LIMIT = 4
"""Most activations in a row that are taken apart."""


class Lifting:
    """The draft, the checkpoint, and what was learnt on the way."""

    def __init__(self, checkpoint: Checkpoint, program: Program, draft: Draft, batch: int) -> None:
        self.checkpoint = checkpoint
        self.draft = draft
        self.opset = program.opset
        self.batch = batch
        self.makers: Mapping[str, Node] = {name: node for node in program.nodes for name in node.outputs}
        self._spent = 0
        self.assumed: dict[str, None] = {}
        self.read: set[str] = set()
        """Tensors whose numbers told us what a node does, such as a factor: they are no parameters."""

    def spend(self, elements: int) -> None:
        """Counts numbers that were computed.

        Raises:
            LimitExceededError: the program computes more than shapes and masks.
        """
        self._spent += elements
        if self._spent > COMPUTED_LIMIT:
            raise LimitExceededError(f"the program computes more than {COMPUTED_LIMIT} numbers from constants")

    def weight(self, parameter: Parameter) -> Weight:
        """A parameter of a drafted layer, to be seen through more views."""
        return Weight(parameter=parameter, shape=parameter_shape(parameter, self.checkpoint))

    def array(self, known: Known) -> np.ndarray:
        """The numbers of a constant.

        Raises:
            StructureNotInferableError: it is too large to be anything but a parameter.
        """
        if isinstance(known, Numbers):
            return known.array
        if np.prod(known.shape) > READ_LIMIT:
            raise StructureNotInferableError(f"tensor {known.parameter.tensor!r} is used as a constant of the program")
        self.read.add(known.parameter.tensor)
        return resolve(known.parameter, self.checkpoint).reshape(known.shape)

    def integers(self, state: State | None) -> tuple[int, ...]:
        """A constant list of integers, or one integer.

        Raises:
            StructureNotInferableError: it is computed from the input.
        """
        if not isinstance(state, Numbers):
            raise StructureNotInferableError("a shape or an index depends on the input's values")
        return tuple(int(number) for number in state.array.ravel())

    def is_all(self, state: State | None, number: float) -> bool:
        """Whether a constant holds this number everywhere."""
        return isinstance(state, Weight | Numbers) and bool(np.all(self.array(state) == number))

    def whole(self, name: str) -> View:
        """All of a drafted value."""
        return whole(name, self.draft.value(name).shape, self.batch)

    def settled(self, view: View) -> View:
        """The view with its elementwise function turned into layers.

        Raises:
            StructureNotInferableError: the function is none we know.
        """
        return self._on(view, self._applied(view.source, view.function))

    def scaling(self, view: View) -> tuple[float, View]:
        """A factor that was multiplied onto the settled view, for layers that can take it into their weights."""
        factor = view.function.factor
        return (1.0, self.settled(view)) if factor is None else (factor, self._on(view, view.source))

    def scaled_parameter(self, parameter: Parameter | None, factor: float) -> Parameter | None:
        """A parameter times a number."""
        return None if parameter is None else weights.scaled(self.weight(parameter), factor).parameter

    def _applied(self, source: str, function: Elementwise, depth: int = 0) -> str:
        """The value of the function; one that is unknown as a whole may be one known operator after another."""
        if function.is_nothing:
            return source
        factor, activation = function.factor, function.activation
        if factor is not None:
            return self._scaled(source, factor)
        if activation is not None:
            return self.draft.add(activation, source)
        if function.before is None or function.last is None or depth == _CHAIN_LIMIT:
            raise StructureNotInferableError(f"the function that ends with {function.end} is no known activation")
        try:
            source = self._applied(source, function.before, depth + 1)
            return self._applied(source, Elementwise(curve=function.last, end=function.end, sight=function.last_sight))
        except StructureNotInferableError as error:
            message = f"the function that ends with {function.end} is no known activation"
            raise StructureNotInferableError(message) from error

    def _scaled(self, source: str, factor: float) -> str:
        operation = self.draft.operation(source)
        match operation.layer if operation else None:
            case Linear() as layer if operation:
                return self.draft.add(self.scaled_linear(layer, factor), *operation.inputs)
            case Conv() as layer if operation:
                weight = weights.scaled(self.weight(layer.weight), factor).parameter
                bias = self.scaled_parameter(layer.bias, factor)
                scaled = replace(layer, weight=weight, bias=bias)
                return self.draft.add(scaled, *operation.inputs)
            case Attention() as layer if operation:
                output = self.scaled_linear(layer.output, factor)
                return self.draft.add(replace(layer, output=output), *operation.inputs)
            case _:
                raise StructureNotInferableError(f"a factor of {factor} has no layer before it that could take it")

    def scaled_linear(self, layer: Linear, factor: float) -> Linear:
        """A linear layer whose outputs are multiplied by a number."""
        weight = weights.scaled(self.weight(layer.weight), factor).parameter
        return Linear(weight=weight, bias=self.scaled_parameter(layer.bias, factor))

    @staticmethod
    def _on(view: View, source: str) -> View:
        return View(source=source, runs=view.runs, offsets=view.offsets)
