"""The steps of a dataflow while an architecture is lowered: fresh names, and parameters read once."""

from collections.abc import Iterable
from dataclasses import replace
from typing import assert_never

from metagauge.architecture.dataflow import Step
from metagauge.architecture.operators.contraction import Contract
from metagauge.architecture.operators.elementwise import Binary, BinaryFunction, Unary
from metagauge.architecture.operators.movement import Reshape, Slice, Transpose
from metagauge.architecture.operators.operator import Operator
from metagauge.architecture.operators.source import Weight
from metagauge.architecture.parameter import Parameter, Scale, View
from metagauge.architecture.parameter import Reshape as ReshapeView
from metagauge.architecture.parameter import Slice as SliceView
from metagauge.architecture.parameter import Transpose as TransposeView


class Steps:
    """Steps in execution order. Methods add some, and return the name of the value that they compute."""

    def __init__(self, reserved: Iterable[str]) -> None:
        self._steps: list[Step] = []
        self._taken = set(reserved)
        self._parameters: dict[Parameter, str] = {}

    def all(self) -> tuple[Step, ...]:
        """The steps so far."""
        return tuple(self._steps)

    def step(self, operator: Operator, *inputs: str, name: str) -> str:
        """One operator; its value is called `name`, with a number behind it if that is taken."""
        fresh, number = name, 1
        while fresh in self._taken:
            number += 1
            fresh = f"{name}.{number}"
        self._taken.add(fresh)
        self._steps.append(Step(outputs=(fresh,), operator=operator, inputs=inputs))
        return fresh

    def rename_newest(self, name: str) -> str:
        """Calls the value of the newest step, which nothing reads yet, by a reserved name."""
        self._steps[-1] = replace(self._steps[-1], outputs=(name,))
        return name

    def parameter(self, parameter: Parameter) -> str:
        """A tensor of the checkpoint after its views. The same parameter is the same value, wherever it is used."""
        if parameter in self._parameters:
            return self._parameters[parameter]
        if parameter.views:
            *earlier, last = parameter.views
            source = self.parameter(replace(parameter, views=tuple(earlier)))
            name = self.step(_viewing(last), source, name=f"{parameter.tensor}.{last.kind}")
        else:
            name = self.step(Weight(tensor=parameter.tensor), name=parameter.tensor)
        self._parameters[parameter] = name
        return name

    def binary(self, function: BinaryFunction, left: str, right: str, name: str) -> str:
        """An elementwise function of two values."""
        return self.step(Binary(function=function), left, right, name=name)

    def linear(self, weight: Parameter, bias: Parameter | None, source: str, equation: str, name: str) -> str:
        """A linear map, as a sum of products and a sum."""
        products = self.step(Contract(equation=equation), source, self.parameter(weight), name=f"{name}.products")
        return products if bias is None else self.binary("add", products, self.parameter(bias), f"{name}.sum")


def _viewing(view: View) -> Operator:
    match view:
        case TransposeView():
            return Transpose(axes=view.axes)
        case ReshapeView():
            return Reshape(shape=view.shape)
        case SliceView():
            return Slice(axis=view.axis, start=view.start, count=view.stop - view.start)
        case Scale():
            return Unary(function="affine", alpha=view.factor)
        case _:
            assert_never(view)
