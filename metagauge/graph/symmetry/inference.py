"""Which axes of a dataflow's values are the same neurons, and in which order they may be."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from metagauge.architecture.dataflow import Dataflow, Step
from metagauge.architecture.operators.control import Carry
from metagauge.architecture.operators.literal import unpack
from metagauge.architecture.operators.source import Constant, Weight
from metagauge.graph.symmetry.axis import unify
from metagauge.graph.symmetry.rules import Axes, Shape, fixed, output_axes, pin_all

_SMALL = 4096
"""Most elements of a constant whose numbers a rule may look at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Symmetry:
    """The axes of every value whose shape is known, and of every tensor."""

    values: Mapping[str, Axes]
    tensors: Mapping[str, Axes]


@dataclass(slots=True)
class _Inference:
    shapes: Mapping[str, Shape | None]
    values: dict[str, Axes] = field(default_factory=dict)
    tensors: dict[str, Axes] = field(default_factory=dict)
    numbers: dict[str, np.ndarray] = field(default_factory=dict)

    def visit(self, step: Step) -> None:
        inputs = tuple(self.values.get(name) for name in step.inputs)
        shapes = tuple(self.shapes.get(name) for name in step.outputs)
        used = [name for name in step.outputs if name]
        is_unknown = any(name and name not in self.values for name in step.inputs) or None in shapes
        if is_unknown and not isinstance(step.operator, Carry):
            pin_all(inputs)
            self.values |= {name: fixed(shape) for name, shape in zip(step.outputs, shapes, strict=True) if shape}
            return
        known = tuple(self.numbers.get(name) for name in step.inputs)
        if isinstance(step.operator, Constant) and np.prod(step.operator.shape) <= _SMALL:
            self.numbers[step.outputs[0]] = unpack(step.operator)
        if isinstance(step.operator, Weight) and step.operator.tensor in self.tensors:
            self.values[step.outputs[0]] = self.tensors[step.operator.tensor]
            return
        found = output_axes(step.operator, inputs, tuple(shape or () for shape in shapes), known)
        self.values |= {name: axes for name, axes in zip(step.outputs, found, strict=False) if name in used}
        if isinstance(step.operator, Weight):
            self.tensors[step.operator.tensor] = found[0]


def infer_symmetry(dataflow: Dataflow, shapes: Mapping[str, Shape | None]) -> Symmetry:
    """The symmetry of a dataflow, outputs and inputs in their order; `shapes` has every value's shape, if known."""
    inference = _Inference(shapes)
    for step in dataflow.steps:
        inference.visit(step)
    for step in dataflow.steps:
        if isinstance(step.operator, Carry):
            _close(step, inference.values)
    pin_all([inference.values.get(name) for name in dataflow.outputs])
    return Symmetry(values=inference.values, tensors=inference.tensors)


def _close(step: Step, values: Mapping[str, Axes]) -> None:
    """What a loop carries has the same axes in every turn."""
    first, following = (values.get(name) for name in step.inputs)
    if first is None or following is None or len(first) != len(following):
        pin_all((first, following))
        return
    for one, other in zip(first, following, strict=True):
        unify(one, other)
