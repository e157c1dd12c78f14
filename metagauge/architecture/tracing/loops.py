"""Loop and Scan: short loops turn by turn, others once, with what they carry as a circle."""

import numpy as np

from metagauge.architecture.attributes import integer, integers
from metagauge.architecture.operators.movement import Reshape
from metagauge.architecture.tracing.circle import circle
from metagauge.architecture.tracing.states import (
    Inputs,
    Numbers,
    Sequence,
    State,
    Tensorlike,
    required,
    shape_of,
    tensor_at,
)
from metagauge.architecture.tracing.tracing import Registry, Tracing
from metagauge.architecture.tracing.turns import Element, Turns, with_axis
from metagauge.architecture.tracing.unrolling import unrolled
from metagauge.checkpoint.program import Body, Node
from metagauge.errors import ArchitectureMismatchError, StructureNotInferableError


def loop(tracing: Tracing, node: Node, inputs: Inputs) -> tuple[State, ...]:
    """Loop."""
    body = _body(node)
    limit, condition = tensor_at(inputs, 0), tensor_at(inputs, 1)
    turns = int(tracing.number(limit)) if limit is not None and tracing.is_known(limit) else None
    if turns is not None and turns > np.iinfo(np.int32).max:
        turns = None  # PyTorch's way to write a while loop
    goes_on = condition is None or (bool(tracing.number(condition)) if tracing.is_known(condition) else None)
    if goes_on is False:
        turns = 0
    carried = tuple(state for state in inputs[2:] if state is not None)
    if len(carried) != len(node.inputs[2:]):
        raise StructureNotInferableError("a value that the loop carries is left out")
    count = len(body.outputs) - 1 - len(carried)
    loop = Turns(
        name=node.name or node.outputs[0],
        body=body,
        counted=True,
        carried=carried,
        collected=((0, False),) * count,
    )
    written = unrolled(tracing, loop, turns)
    if written is not None:
        return written
    active = Numbers(array=np.array(True)) if goes_on else condition
    return circle(tracing, loop, turns, active)


def scan(tracing: Tracing, node: Node, inputs: Inputs) -> tuple[State, ...]:
    """Scan. Until opset 8 it goes over batches as well: of one sample, whose axis is taken off and put on again."""
    if tracing.opset >= 9:
        return _scanned(tracing, node, inputs, "scan_input_directions")
    if tensor_at(inputs, 0) is not None:
        raise StructureNotInferableError("its sequences have lengths of their own")
    samples = tuple(_sample(tracing, required(inputs, place)) for place in range(1, len(inputs)))
    found = _scanned(tracing, node, samples, "directions")
    return tuple(with_axis(tracing, state, 0) for state in found if not isinstance(state, Sequence))


def _sample(tracing: Tracing, batch: Tensorlike) -> Tensorlike:
    count, *sizes = shape_of(batch)
    if count != 1:
        raise StructureNotInferableError(f"it goes over a batch of {count}")
    return tracing.apply(Reshape(shape=tuple(sizes)), batch)


def _scanned(tracing: Tracing, node: Node, inputs: Inputs, directions_name: str) -> tuple[State, ...]:
    body = _body(node)
    scanned_count = integer(node, "num_scan_inputs", 1)
    carried_count = len(inputs) - scanned_count
    carried = tuple(required(inputs, place) for place in range(carried_count))
    values = [required(inputs, place) for place in range(carried_count, len(inputs))]
    axes = _each(integers(node, "scan_input_axes"), scanned_count)
    directions = _each(integers(node, directions_name), scanned_count)
    elements = tuple(
        Element(value=value, axis=axis % len(shape_of(value)), reverse=direction != 0)
        for value, axis, direction in zip(values, axes, directions, strict=True)
    )
    lengths = {shape_of(element.value)[element.axis] for element in elements}
    if len(lengths) != 1:
        raise ArchitectureMismatchError(f"it goes over values of lengths {sorted(lengths)} at once")
    count = len(body.outputs) - carried_count
    out_axes = _each(integers(node, "scan_output_axes"), count)
    out_directions = _each(integers(node, "scan_output_directions"), count)
    loop = Turns(
        name=node.name or node.outputs[0],
        body=body,
        counted=False,
        carried=carried,
        scanned=elements,
        collected=tuple((axis, direction != 0) for axis, direction in zip(out_axes, out_directions, strict=True)),
    )
    (turns,) = lengths
    return unrolled(tracing, loop, turns) or circle(tracing, loop, turns, Numbers(array=np.array(True)))


def _each(given: tuple[int, ...] | None, count: int) -> tuple[int, ...]:
    return (0,) * count if given is None else given


def _body(node: Node) -> Body:
    try:
        return node.bodies["body"]
    except KeyError as error:
        raise ArchitectureMismatchError("it has no body") from error


OPERATORS: Registry = {("", "Loop"): loop, ("", "Scan"): scan}
