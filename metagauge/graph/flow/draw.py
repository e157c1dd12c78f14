"""From a dataflow and its checkpoint to the parameter graph."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise
from typing import assert_never

from metagauge.architecture.dataflow import Dataflow, Step
from metagauge.architecture.operators.contraction import Contract, Convolve
from metagauge.architecture.operators.control import Carry, Choose, Opaque
from metagauge.architecture.operators.elementwise import Binary, Cast, Requantise, Unary, Unpack, Where
from metagauge.architecture.operators.indexing import (
    Gather,
    GatherElements,
    GatherND,
    OneHot,
    ScatterElements,
    ScatterND,
    Triangle,
)
from metagauge.architecture.operators.movement import Concat, Expand, Pad, Reshape, Resize, Slice, Transpose
from metagauge.architecture.operators.recurrent import Recurrent
from metagauge.architecture.operators.reduction import (
    Accumulate,
    Extreme,
    LocalNorm,
    Reduce,
    Softmax,
    Standardise,
    TopK,
    WindowPool,
)
from metagauge.architecture.operators.sampling import Sample
from metagauge.architecture.operators.source import Constant, Given, NumberKind, Weight
from metagauge.architecture.tracing.kinds import output_kinds
from metagauge.graph.draft import Cursor
from metagauge.graph.flow import contraction, elementwise, masking, movement, recurrence, statistics
from metagauge.graph.flow.arrays import Arrays
from metagauge.graph.flow.canvas import Canvas, Drawn, Operand
from metagauge.graph.flow.layout import Layout, elements, size, units
from metagauge.graph.flow.places import moved_slots, own_slots, turned
from metagauge.graph.flow.sharing import Sharing
from metagauge.graph.parameter_graph import RETURNED, NodeGroup, Operation
from metagauge.graph.symmetry.axis import Axis
from metagauge.graph.symmetry.inference import Symmetry

_OPERATIONS: Mapping[type, Operation] = {
    Binary: "binary",
    Where: "choose",
    Choose: "choose",
    Contract: "contract",
    Reduce: "reduce",
    Standardise: "standardise",
    Softmax: "softmax",
    LocalNorm: "local_norm",
    WindowPool: "window",
    Accumulate: "accumulate",
    Extreme: "extreme",
    TopK: "extreme",
    Resize: "resample",
    Sample: "resample",
    Pad: "rearrange",
    Reshape: "rearrange",
    Transpose: "rearrange",
    Slice: "rearrange",
    Expand: "rearrange",
    Triangle: "rearrange",
    Carry: "recurrent",
    Gather: "gather",
    GatherElements: "gather",
    GatherND: "gather",
    OneHot: "gather",
    ScatterElements: "scatter",
    ScatterND: "scatter",
    Requantise: "requantise",
    Concat: "join",
    Convolve: "contract",
    Recurrent: "recurrent",
    Opaque: "opaque",
}


def draw(dataflow: Dataflow, symmetry: Symmetry, arrays: Arrays, sharing: Sharing) -> Canvas:
    """Draws every step that depends on the input, and the outputs."""
    features = neurons(dataflow, symmetry, arrays)
    canvas = Canvas(symmetry=symmetry, arrays=arrays, sharing=sharing, features=features)
    shared = _shared(dataflow, canvas)
    for step in dataflow.steps:
        for name in step.inputs:
            canvas.readers.setdefault(name, []).append(step)
        known: list[NumberKind] = [canvas.kinds.get(name, "float") for name in step.inputs if name]
        found = output_kinds(step.operator, known, len(step.outputs)) if known or not step.inputs else ()
        canvas.kinds |= dict(zip(step.outputs, found, strict=False))
    for step in dataflow.steps:
        if all(name in arrays for name in step.outputs if name):
            continue
        _visit(canvas, step)
        for name in step.outputs:
            if name in shared and name in canvas.drawn:
                closed = tuple(cursor.shared() for cursor in canvas.drawn[name].pieces)
                canvas.drawn[name] = replace(canvas.drawn[name], pieces=closed)
    _finish(canvas, dataflow)
    return canvas


def neurons(dataflow: Dataflow, symmetry: Symmetry, arrays: Arrays) -> frozenset[Axis]:
    """The leaves of axes that weights make or read: those whose elements are neurons."""
    found: set[Axis] = set()
    for step in dataflow.steps:
        held = [symmetry.values[name] for name in step.inputs if name in arrays and name in symmetry.values]
        match step.operator:
            case Contract() | Recurrent():
                axes = [axis for value in held for axis in value]
            case Convolve():
                axes = [axis for value in held for axis in value[:2]]
            case Gather():
                axes = [axis for value in held for at, axis in enumerate(value) if at != step.operator.axis]
            case _:
                axes = []
        if any(name not in arrays for name in step.inputs if name):
            found |= {leaf for axis in axes for leaf in axis.leaves()}
    return frozenset(found)


def _shared(dataflow: Dataflow, canvas: Canvas) -> set[str]:
    """Values that more than one step reads, unless each reads another piece."""
    readers: dict[str, list[Step]] = {}
    for step in dataflow.steps:
        for name in step.inputs:
            readers.setdefault(name, []).append(step)
    returned = Counter(dataflow.outputs)
    return {
        name
        for name, steps in readers.items()
        if len(steps) + returned[name] > 1 and not (name not in returned and _apart(canvas, name, steps))
    }


def _apart(canvas: Canvas, name: str, steps: list[Step]) -> bool:
    """Whether all readers are slices of pieces, none of which is read twice."""
    cut = canvas.layout(name).cut
    spans: list[tuple[int, int]] = []
    for step in steps:
        if not (isinstance(step.operator, Slice) and step.operator.axis == cut and step.operator.step == 1):
            return False
        spans.append((step.operator.start, step.operator.start + step.operator.count))
    spans.sort()
    return all(one[1] <= other[0] for one, other in pairwise(spans))


def _visit(canvas: Canvas, step: Step) -> None:
    source = next((canvas.drawn[name] for name in step.inputs if name in canvas.drawn), None)
    is_known = all(name in canvas.symmetry.values for name in (*step.inputs, *step.outputs) if name)
    if isinstance(step.operator, Given):
        _start(canvas, step, step.operator)
    elif source is None or not is_known or not _drawn(canvas, step, source):
        _combined(canvas, step)


def _drawn(canvas: Canvas, step: Step, source: Drawn) -> bool:
    """Draws a step; False if there is no better picture of it than a group of its own."""
    arrays, operator = canvas.arrays, step.operator
    weights = [name for name in step.inputs if name in arrays]
    match operator:
        case Unary():
            elementwise.unary(canvas, step, operator, source)
            return True
        case Cast():
            is_kept = operator.numbers == "float" or canvas.kinds.get(step.inputs[0]) == operator.numbers
            if is_kept:
                canvas.drawn[step.outputs[0]] = source
            return is_kept
        case Binary():
            return elementwise.binary(canvas, step, operator)
        case Contract():
            return len(weights) == 1 and contraction.linear(canvas, step, operator, source)
        case Convolve():
            return step.inputs[0] in canvas.drawn and contraction.convolution(canvas, step, operator, source)
        case Reshape() | Transpose() | Expand():
            return movement.rearrangement(canvas, step, operator, source)
        case Slice():
            return movement.sliced(canvas, step, operator, source)
        case Concat():
            return movement.joined(canvas, step, operator) or movement.joined_tokens(canvas, step, operator)
        case Standardise():
            return statistics.standardised(canvas, step, operator, source)
        case Softmax():
            return statistics.softmax(canvas, step, operator, source)
        case WindowPool():
            return statistics.pooled(canvas, step, operator, source)
        case Reduce():
            return statistics.reduced(canvas, step, operator, source)
        case Gather():
            return step.inputs[0] in arrays and contraction.embedding(canvas, step, operator.axis, source)
        case Recurrent():
            return step.inputs[0] in canvas.drawn and recurrence.recurrent(canvas, step, operator, source)
        case Where():
            return masking.masked(canvas, step)
        case (
            Given() | Weight() | Constant() | Requantise() | Unpack() | LocalNorm() | Accumulate() | Extreme()
            | TopK() | Pad() | Resize() | GatherElements() | GatherND() | ScatterElements() | ScatterND() | OneHot()
            | Triangle() | Sample() | Choose() | Carry() | Opaque()
        ):  # fmt: skip
            return False
        case _:
            assert_never(operator)


def _combined(canvas: Canvas, step: Step) -> None:
    """Draws a step as a group that says what it does and reads all it depends on."""
    operator = step.operator
    operands = [
        Operand(
            drawn=canvas.drawn[name] if name in canvas.drawn else canvas.holder(name),
            layout=canvas.layout(name),
            is_weight=name not in canvas.drawn,
        )
        for name in step.inputs
        if name in canvas.drawn or name in canvas.arrays
    ]
    operation = _OPERATIONS.get(type(operator), "opaque")
    is_product = isinstance(operator, Binary) and operator.function == "multiply"
    if is_product:
        operation = "product"
    if isinstance(operator, Binary) and operator.function == "divide":
        operation = "quotient"
    outputs = {name: canvas.layout(name) for name in step.outputs if name}
    detail = detail_of(step)
    if isinstance(operator, Contract):
        operands, orders = _in_order(canvas, step, operator, operands)
        detail = (*detail, *orders)
    is_sum = isinstance(operator, Binary) and operator.function in ("add", "multiply", "minimum", "maximum")
    canvas.combine(outputs, operands, operation, detail, ordered=not is_sum)


def _in_order(
    canvas: Canvas, step: Step, operator: Contract, operands: list[Operand]
) -> tuple[list[Operand], tuple[str, ...]]:
    """The operands as they are stored, and in which order a contraction reads their positions.

    Written as `runs, free, sums`: axes of all operands, axes of one that stay, axes that are summed over.
    """
    inputs, _, output = operator.equation.partition("->")
    every = inputs.split(",")
    found: list[Operand] = []
    orders: list[str] = []
    for number, (letters, operand) in enumerate(zip(every, operands, strict=True)):
        kept = [letter for letter in output if letter in letters]
        runs = [letter for letter in kept if all(letter in other for other in every)]
        order = [*runs, *(letter for letter in kept if letter not in runs)]
        order += sorted((letter for letter in letters if letter not in output), key=inputs.index)
        cursor, axes = operand.drawn.pieces[0], operand.layout.piece(0)
        neurons = canvas.neurons[cursor.group]
        slots = operand.drawn.slots if operand.drawn.slots is not None else own_slots(axes, neurons)
        turn = turned(moved_slots(Transpose(axes=tuple(map(letters.index, order))), axes, axes, neurons, slots))
        if turn:
            orders.append(f"operand {number} read as {turn}")
        plain = tuple(replace(each, reading=replace(each.reading, turn=())) for each in operand.drawn.pieces)
        found.append(replace(operand, drawn=Drawn(pieces=plain)))
    return found, tuple(orders)


def detail_of(step: Step) -> tuple[str, ...]:
    """What an operator does besides its kind, `name=value`."""
    operator = step.operator
    skipped = {"__pydantic_config__", "kind", "shape", "data", "equation", "shapes", "loop"}
    if isinstance(operator, Resize):
        skipped |= set() if operator.mode == "nearest" else {"rounding"}
        skipped |= set() if operator.mode == "cubic" else {"cubic"}
    fields = type(operator).__dataclass_fields__
    return (operator.kind, *(f"{name}={getattr(operator, name)}" for name in fields if name not in skipped))


def _start(canvas: Canvas, step: Step, operator: Given) -> None:
    """An ordered input: its channels, or its features, are the neurons."""
    (name,) = step.outputs
    found = canvas.layout(name)
    choice = _input_axis(canvas, found.axes, operator)
    pieces: list[Cursor] = []
    for piece in range(found.pieces):
        axes = found.piece(piece)
        own = units(axes[choice]) if choice is not None else ()
        positions = elements(axes) // size(own)
        place = (f"input {canvas.inputs}",) if canvas.inputs else ()
        others = (size(units(axis)) for number, axis in enumerate(axes) if number != choice)
        number = canvas.draft.put(
            NodeGroup(
                name=name,
                kind="input",
                size=size(own),
                positions=positions,
                extent=tuple(each for each in others if each != 1),
                ordered=True,
                detail=place,
            )
        )
        canvas.neurons[number] = own
        pieces.append(Cursor(group=number, is_open=False))
    canvas.drawn[name] = Drawn(pieces=tuple(pieces))
    canvas.inputs += 1


def _input_axis(canvas: Canvas, axes: tuple[Axis, ...], operator: Given) -> int | None:
    """Which axis of an input holds its neurons; None for integers such as tokens."""
    if operator.numbers != "float" or not axes:
        return None
    read = [number for number, axis in enumerate(axes) if any(leaf in canvas.features for leaf in axis.leaves())]
    if len(axes) >= 4:
        return 1
    return read[-1] if read else len(axes) - 1


def _finish(canvas: Canvas, dataflow: Dataflow) -> None:
    """Marks the outputs; a value seen through a reading gets neurons of its own."""
    for place, name in enumerate(dataflow.outputs):
        if name not in canvas.drawn:
            continue
        found: Layout = canvas.layout(name)
        for number, cursor in enumerate(canvas.drawn[name].pieces):
            group = canvas.draft.group(cursor.group)
            target = cursor.group
            if elementwise.cursor_read(cursor) or group.kind != "hidden":
                target = canvas.renewed("output", replace(cursor, is_open=False), found.piece(number)).group
            canvas.draft.set_output(target)
            if place:
                returned = canvas.draft.group(target)
                canvas.draft.amend(target, replace(returned, detail=(*returned.detail, f"{RETURNED}{place}")))
