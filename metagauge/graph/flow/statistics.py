"""Operators that combine neurons or positions: norms, softmax, pooling, sums."""

from dataclasses import replace

from metagauge.architecture.dataflow import Step
from metagauge.architecture.operators.reduction import Reduce, Softmax, Standardise, WindowPool
from metagauge.graph.draft import Cursor, constant
from metagauge.graph.flow.canvas import Canvas, Drawn
from metagauge.graph.flow.layout import Units, size, units
from metagauge.graph.flow.places import pattern
from metagauge.graph.parameter_graph import Block, NodeGroup, NormKind, Reading


def standardised(canvas: Canvas, step: Step, operator: Standardise, source: Drawn) -> bool:
    """A norm of a group's neurons, with a scale of ones and a shift of zeros that later steps fill."""
    (output,) = step.outputs
    found = canvas.layout(output)
    pieces: list[Cursor] = []
    for number, cursor in enumerate(source.pieces):
        axes = found.piece(number)
        over = units(*(axes[axis] for axis in operator.axes))
        target = canvas.opened(output, cursor, axes, norm=True)
        if canvas.draft.group(target.group).operation != "sum":
            target = canvas.renewed(output, cursor, axes)
        own = canvas.neurons[target.group]
        kind, runs = _kind(over, own, centred=operator.centred)
        group = canvas.draft.group(target.group)
        detail = (*group.detail, f"over={pattern(axes, own, operator.axes)}")
        canvas.draft.amend(
            target.group, replace(group, norm=kind, norm_groups=runs, epsilon=operator.epsilon, detail=detail)
        )
        canvas.parameter(f"{output}.scale", "norm_scale", constant(1, group.size, 1), target.group)
        canvas.parameter(f"{output}.shift", "norm_shift", constant(0, group.size, 1), target.group)
        if 1 < runs < group.size and all(unit in over for unit in own[_leading(own, over) :]):
            _members(canvas, f"{output}.groups", target.group, own[: _leading(own, over)])
        pieces.append(target)
    if found.cut in operator.axes:
        _share_statistics(canvas, output, pieces, source)
    canvas.drawn[output] = Drawn(pieces=tuple(pieces))
    return True


def _leading(own: Units, over: Units) -> int:
    """How many units come before the first that statistics are taken over."""
    return next((at for at, unit in enumerate(own) if unit in over), len(own))


def _members(canvas: Canvas, name: str, normal: int, runs: Units) -> None:
    """One node for each run of neurons that are normalised together, as a layer's group norm has."""
    group, count = canvas.draft.group(normal), size(runs)
    node = canvas.draft.put(
        NodeGroup(name=name, kind="hidden", size=count, depth=group.depth + 1, operation="standardise")
    )
    canvas.neurons[node] = runs
    weight = constant(1, count, group.size // count)
    canvas.draft.connect(Block(source=normal, target=node, role="member", weight=weight, groups=count))


def _share_statistics(canvas: Canvas, output: str, pieces: list[Cursor], source: Drawn) -> None:
    """Pieces that are normalised together read each other."""
    for number, target in enumerate(pieces):
        for other, cursor in enumerate(source.pieces):
            if other != number and cursor.group != target.group:
                canvas.wire(output, cursor, target.group, operand=1)


def _kind(over: Units, own: Units, *, centred: bool) -> tuple[NormKind, int]:
    """Which norm it is, and how many runs of neurons have statistics of their own."""
    taken = [unit for unit in own if unit in over]
    runs = size(own) // size(tuple(taken))
    if not centred:
        return "rms", runs
    if not taken:
        return "instance", runs
    return ("layer" if runs == 1 and not any(unit not in own for unit in over) else "group"), runs


def softmax(canvas: Canvas, step: Step, operator: Softmax, source: Drawn) -> bool:
    """An activation that looks along an axis."""
    (output,) = step.outputs
    found = canvas.layout(output)
    if found.cut == operator.axis:
        return False
    pieces: list[Cursor] = []
    for number, cursor in enumerate(source.pieces):
        axes = found.piece(number)
        target = canvas.opened(output, cursor, axes)
        group, own = canvas.draft.group(target.group), canvas.neurons[target.group]
        name = "log_softmax" if operator.logarithm else "softmax"
        detail = (*group.detail, f"softmax over {pattern(axes, own, (operator.axis,))}")
        canvas.draft.amend(target.group, replace(group, activation=name, detail=detail))
        pieces.append(target)
    canvas.drawn[output] = Drawn(pieces=tuple(pieces))
    return True


def pooled(canvas: Canvas, step: Step, operator: WindowPool, source: Drawn) -> bool:
    """Windows of positions: the way in which the next block reads."""
    if operator.reduction == "l2" or any(each != 1 for each in operator.dilation) or operator.ceil:
        return False
    (output,) = step.outputs
    before = canvas.layout(step.inputs[0])
    is_padded = any(width for pair in operator.padding for width in pair)
    reading = Reading(
        reduction=operator.reduction,
        window=operator.kernel,
        stride=operator.stride,
        padding=operator.padding,
        count_padding=operator.count_padding or operator.reduction == "max" or not is_padded,
    )
    if any(canvas.neurons[cursor.group] != units(before.piece(n)[1]) for n, cursor in enumerate(source.pieces)):
        return False
    canvas.drawn[output] = Drawn(
        pieces=tuple(
            canvas.read_through(output, cursor, before.piece(number), reading)
            for number, cursor in enumerate(source.pieces)
        )
    )
    return True


def reduced(canvas: Canvas, step: Step, operator: Reduce, source: Drawn) -> bool:
    """The mean or maximum over all positions. False for other reductions, which are operators of their own."""
    (output,) = step.outputs
    before = canvas.layout(step.inputs[0])
    if operator.function not in ("mean", "max") or before.cut in operator.axes:
        return False
    pieces: list[Cursor] = []
    for number, cursor in enumerate(source.pieces):
        axes = before.piece(number)
        gone = units(*(axes[axis] for axis in operator.axes))
        positions = tuple(unit for unit in units(*axes) if unit not in canvas.neurons[cursor.group])
        if gone != positions:
            return False
        sizes = tuple(axes[axis].size for axis in operator.axes if axes[axis].size > 1)
        reading = Reading(reduction="mean" if operator.function == "mean" else "max", window=sizes, stride=sizes)
        pieces.append(canvas.read_through(output, cursor, axes, reading) if sizes else cursor)
    canvas.drawn[output] = Drawn(pieces=tuple(pieces))
    return True
