"""Moved elements: the same neurons seen in another arrangement, picked, or joined."""

from dataclasses import replace

from metagauge.architecture.dataflow import Step
from metagauge.architecture.operators.movement import Concat, Expand, Reshape, Slice, Transpose
from metagauge.graph.draft import Cursor
from metagauge.graph.flow.canvas import Canvas, Drawn, spread
from metagauge.graph.flow.layout import Layout, units
from metagauge.graph.flow.places import Slots, moved_slots, own_slots, turned
from metagauge.graph.parameter_graph import Reading


def rearrangement(canvas: Canvas, step: Step, operator: Reshape | Transpose | Expand, source: Drawn) -> bool:
    """The same neurons, so nothing is drawn; positions in another order are a turn in how they are read.

    False if pieces do not stay pieces.
    """
    before, after = canvas.layout(step.inputs[0]), canvas.layout(step.outputs[0])
    if before.pieces != after.pieces or not _keeps_neurons(canvas, source, after):
        return False
    pieces: list[Cursor] = []
    slots: Slots = ()
    for number, cursor in enumerate(source.pieces):
        neurons, axes = canvas.neurons[cursor.group], before.piece(number)
        known = source.slots if source.slots is not None else own_slots(axes, neurons)
        slots = moved_slots(operator, axes, after.piece(number), neurons, known)
        pieces.append(replace(cursor, reading=replace(cursor.reading, turn=turned(slots))))
    canvas.drawn[step.outputs[0]] = Drawn(pieces=tuple(pieces), slots=slots)
    return True


def _keeps_neurons(canvas: Canvas, source: Drawn, after: Layout) -> bool:
    """Whether every neuron of every piece can still be seen."""
    return all(
        set(canvas.neurons[cursor.group]) <= set(units(*after.piece(number)))
        for number, cursor in enumerate(source.pieces)
    )


def sliced(canvas: Canvas, step: Step, operator: Slice, source: Drawn) -> bool:
    """Whole pieces of a value, or one token. False for parts of groups and several tokens."""
    before, after = canvas.layout(step.inputs[0]), canvas.layout(step.outputs[0])
    if before.cut == operator.axis and before.outer == 1 and operator.step == 1:
        stop = operator.start + operator.count
        starts = [before.start(number) for number in range(before.pieces)]
        kept = [cursor for cursor, start in zip(source.pieces, starts, strict=True) if operator.start <= start < stop]
        if operator.start not in starts or len(kept) != after.pieces:
            return False
        canvas.drawn[step.outputs[0]] = Drawn(pieces=tuple(kept))
        return True
    return operator.count == 1 and before.pieces == after.pieces and _token(canvas, step, operator, source)


def _token(canvas: Canvas, step: Step, operator: Slice, source: Drawn) -> bool:
    """One place of the only axis that is no neurons'."""
    before, after = canvas.layout(step.inputs[0]), canvas.layout(step.outputs[0])
    along = units(before.axes[operator.axis])
    pieces: list[Cursor] = []
    for number, cursor in enumerate(source.pieces):
        positions = [unit for unit in units(*before.piece(number)) if unit not in canvas.neurons[cursor.group]]
        if positions != list(along) or not _keeps_neurons(canvas, source, after):
            return False
        reading = Reading(token=operator.start)
        pieces.append(canvas.read_through(step.outputs[0], cursor, before.piece(number), reading))
    canvas.drawn[step.outputs[0]] = Drawn(pieces=tuple(pieces))
    return True


def joined(canvas: Canvas, step: Step, operator: Concat) -> bool:
    """Groups beside each other along neurons. False along positions."""
    after = canvas.layout(step.outputs[0])
    if after.cut != operator.axis or after.outer != 1:
        return False
    pieces: list[Cursor] = []
    for name in step.inputs:
        if canvas.layout(name).cut not in (None, operator.axis) or canvas.layout(name).outer != 1:
            return False
        pieces += (canvas.drawn[name] if name in canvas.drawn else canvas.holder(name)).pieces
    if len(pieces) != after.pieces:
        return False
    canvas.drawn[step.outputs[0]] = Drawn(pieces=tuple(pieces))
    return True


def joined_tokens(canvas: Canvas, step: Step, operator: Concat) -> bool:
    """Tokens before or behind others: new neurons that read each part; weights among them are blocks of tokens."""
    (output,) = step.outputs
    after = canvas.layout(output)
    data = [name for name in step.inputs if name in canvas.drawn]
    if any(canvas.layout(name).pieces != after.pieces for name in data):
        return False
    pieces: list[Cursor] = []
    for number in range(after.pieces):
        cursors = [canvas.drawn[name].pieces[number] for name in data]
        axes = after.piece(number)
        neurons = canvas.neurons_of(cursors, axes)
        target = canvas.group(output, axes, neurons, cursors, operation="join", detail=_places(canvas, step, operator))
        for operand, name in enumerate(step.inputs):
            if name in canvas.drawn:
                canvas.wire(output, canvas.drawn[name].pieces[number], target.group, operand=operand)
                continue
            array, own = canvas.part(name, number) if canvas.layout(name).pieces > 1 else canvas.part(name, 0)
            found = spread(canvas.arrays, array, neurons, own)
            if found is None:
                return False
            numbers, kernel = found
            origin = canvas.arrays.origin(name) or name
            canvas.parameter(origin, "token", numbers, target.group, kernel, operand)
        pieces.append(target)
    canvas.drawn[output] = Drawn(pieces=tuple(pieces))
    return True


def _places(canvas: Canvas, step: Step, operator: Concat) -> tuple[str, ...]:
    """Where each part begins."""
    place, found = 0, []
    for name in step.inputs:
        found.append(f"from={place}")
        place += canvas.symmetry.values[name][operator.axis].size
    return tuple(found)
