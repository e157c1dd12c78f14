"""Small dataflows for the tests of the normal form, written operator by operator."""

import numpy as np
import torch

from metagauge.architecture.dataflow import Dataflow, Step
from metagauge.architecture.normal_form.normalise import normalise
from metagauge.architecture.operators.control import Opaque
from metagauge.architecture.operators.elementwise import Binary, BinaryFunction, Unary, UnaryFunction
from metagauge.architecture.operators.literal import pack
from metagauge.architecture.operators.operator import Operator
from metagauge.architecture.operators.shapes import shapes
from metagauge.architecture.operators.source import Constant, Given, NumberKind, Weight
from models.interpreter.dataflow import run_dataflow

Shape = tuple[int, ...]


class Sketch:
    """A dataflow that grows."""

    def __init__(self) -> None:
        self.steps: list[Step] = []
        self.weights: dict[str, Shape] = {}

    def do(self, operator: Operator, *inputs: str) -> str:
        name = f"v{len(self.steps)}"
        self.steps.append(Step(outputs=(name,), operator=operator, inputs=inputs))
        return name

    def given(self, *shape: int, numbers: NumberKind = "float") -> str:
        return self.do(Given(shape=shape, numbers=numbers))

    def weight(self, *shape: int) -> str:
        name = f"weight{len(self.weights)}"
        self.weights[name] = shape
        return self.do(Weight(tensor=name))

    def constant(self, array: np.ndarray | float | list) -> str:
        found = np.asarray(array)
        return self.do(pack(found.astype(np.float32) if found.dtype == np.float64 else found))

    def unary(self, function: UnaryFunction, x: str, alpha: float = 0.0, beta: float = 0.0) -> str:
        return self.do(Unary(function=function, alpha=alpha, beta=beta), x)

    def affine(self, x: str, alpha: float, beta: float = 0.0) -> str:
        return self.unary("affine", x, alpha, beta)

    def binary(self, function: BinaryFunction, left: str, right: str) -> str:
        return self.do(Binary(function=function), left, right)

    def flow(self, *outputs: str) -> Dataflow:
        return Dataflow(steps=tuple(self.steps), outputs=outputs)

    def normal(self, *outputs: str) -> Dataflow:
        """The normal form, after a check that it computes the same and is one."""
        flow = self.flow(*outputs)
        found = normalise(flow, shapes(flow, self.weights.__getitem__))
        assert normalise(found, shapes(found, self.weights.__getitem__)).steps == found.steps
        if not any(isinstance(step.operator, Opaque) for step in flow.steps):
            for left, right in zip(self.run(found), self.run(flow), strict=True):
                torch.testing.assert_close(left, right, rtol=1e-4, atol=1e-5, equal_nan=True)
        return found

    def run(self, flow: Dataflow) -> tuple[torch.Tensor, ...]:
        generator = torch.Generator().manual_seed(0)
        tensors = {name: torch.randn(shape, generator=generator) for name, shape in self.weights.items()}
        inputs = []
        for step in flow.steps:
            if isinstance(step.operator, Given):
                numbers = 2 * torch.randn(step.operator.shape, generator=generator)
                inputs.append(numbers if step.operator.numbers == "float" else numbers.abs().long() % 3)
        return run_dataflow(flow, tensors, inputs)


def computing(flow: Dataflow) -> list[Operator]:
    """The operators that compute, in order: without what is given, weights and constants."""
    sources = (Given, Weight, Constant)
    return [step.operator for step in flow.steps if not isinstance(step.operator, sources)]
