"""Blocks of weights: linear maps in any orientation, convolutions, embeddings."""

from dataclasses import replace
from math import prod

import numpy as np

from metagauge.architecture.dataflow import Step
from metagauge.architecture.operators.contraction import Contract, Convolve
from metagauge.graph.draft import Cursor
from metagauge.graph.flow.canvas import Canvas, Drawn, Operand
from metagauge.graph.flow.layout import Layout, Units, size, units
from metagauge.graph.parameter_graph import Block, NodeGroup, Role
from metagauge.graph.symmetry.rules import Axes


def linear(canvas: Canvas, step: Step, operator: Contract, source: Drawn) -> bool:
    """A value contracted with a weight. False if it is no such map of neurons."""
    data = next(number for number, name in enumerate(step.inputs) if name not in canvas.arrays)
    names, (output,) = step.inputs, step.outputs
    if len(names) != 2:
        return False
    operands, _, after = operator.equation.partition("->")
    letters = operands.split(",")
    map_ = _Map(
        value=letters[data], weight=letters[1 - data], output=after, source=canvas.layout(names[data]),
        target=canvas.layout(output),
    )  # fmt: skip
    if not all(map_.is_plain(index, number) for index, number in map_.meetings(len(source.pieces))):
        return False
    array = canvas.arrays.array(names[1 - data])
    if operator.factor != 1:
        array = (np.asarray(array, np.float32) * np.float32(operator.factor)).astype(np.float32)
    numbers = canvas.sharing.coefficients(names[1 - data], array.size)
    origin = canvas.arrays.origin(names[1 - data]) or names[1 - data]
    trees = canvas.symmetry.values[names[1 - data]]
    targets: list[Cursor] = []
    for number in range(map_.target.pieces):
        after_axes = map_.target.piece(number)
        met = [
            (cursor, index)
            for index, cursor in enumerate(source.pieces)
            if not map_.cut_runs_through or index == number
        ]
        blocks = [(index, *map_.block(canvas, output, cursor, index, number, array, trees)) for cursor, index in met]
        rows = map_.rows(after_axes)
        target = canvas.group(output, after_axes, rows, [cursor for _, cursor, _, _, _ in blocks])
        for index, cursor, weight, runs, kernel in blocks:
            sharing = None
            if numbers is not None:
                _, sharing, _, _ = map_.block(canvas, output, cursor, index, number, numbers, trees)
            canvas.draft.connect(
                Block(
                    source=cursor.group,
                    target=target.group,
                    role="linear",
                    weight=weight,
                    name=origin,
                    groups=runs,
                    kernel=kernel,
                    reading=cursor.reading,
                    sharing=sharing,
                )
            )
        canvas.bias(f"{output}.bias", target.group)
        targets.append(target)
    canvas.drawn[output] = Drawn(pieces=tuple(targets))
    return True


class _Map:
    """The letters of a contraction: which axes of the weight are rows, sums and runs."""

    def __init__(self, *, value: str, weight: str, output: str, source: Layout, target: Layout) -> None:
        self.value, self.weight, self.output = value, weight, output
        self.source, self.target = source, target
        self.runs = [letter for letter in output if letter in value and letter in weight]
        self.made = [letter for letter in output if letter not in value]
        self.sums = [letter for letter in value if letter in weight and letter not in output]
        self.read = [*self.runs, *self.sums]
        self.source_cut = None if source.cut is None else value[source.cut]
        self.target_cut = None if target.cut is None else output[target.cut]

    @property
    def cut_runs_through(self) -> bool:
        """Whether the pieces of the output are made of one piece of the value each."""
        return self.source_cut is not None and self.source_cut == self.target_cut

    def meetings(self, pieces: int) -> list[tuple[int, int]]:
        """Which pieces of the value, and of the output, meet."""
        return [
            (index, number)
            for number in range(self.target.pieces)
            for index in range(pieces)
            if not self.cut_runs_through or index == number
        ]

    def is_plain(self, index: int, number: int) -> bool:
        """Whether no neurons occur twice in what is read or made, as in `x x^T`, both axes of which are the same."""
        read = units(*(dict(zip(self.value, self.source.piece(index), strict=True))[each] for each in self.read))
        made = self.rows(self.target.piece(number))
        return len(set(read)) == len(read) and len(set(made)) == len(made)

    def rows(self, axes: Axes) -> Units:
        """The neurons of a piece of the output."""
        by_letter = dict(zip(self.output, axes, strict=True))
        return units(*(by_letter[letter] for letter in (*self.runs, *self.made)))

    def block(
        self, canvas: Canvas, name: str, cursor: Cursor, index: int, number: int, array: np.ndarray, trees: Axes
    ) -> tuple[Cursor, np.ndarray, int, tuple[int, ...]]:
        """Of one piece into another: the cursor to read, the weight (rows, neurons, positions), runs and kernel."""
        value_axes = dict(zip(self.value, self.source.piece(index), strict=True))
        output_axes = dict(zip(self.output, self.target.piece(number), strict=True))
        weight_axes = dict(zip(self.weight, trees, strict=True))
        for letter, layout, piece, axes in (
            (self.source_cut, self.source, index, value_axes),
            (self.target_cut, self.target, number, output_axes),
        ):
            if (
                letter is not None
                and letter in self.weight
                and array.shape[self.weight.index(letter)] != axes[letter].size
            ):
                array = layout.pick(array, self.weight.index(letter), piece)
                weight_axes[letter] = axes[letter]
        runs = units(*(value_axes[letter] for letter in self.runs))
        sums = units(*(value_axes[letter] for letter in self.sums))
        own = canvas.neurons[cursor.group]
        if not set(own) <= {*runs, *sums} or own[: len(runs)] != runs:
            cursor = rearranged(canvas, name, cursor, self.source.piece(index), (*runs, *sums))
            own = canvas.neurons[cursor.group]
        order = [*self.runs, *self.made, *self.sums]
        by_letter = {**weight_axes, **{letter: value_axes[letter] for letter in self.sums + self.runs}}
        parts = [unit for letter in order for unit in units(by_letter[letter])]
        split = array.transpose([self.weight.index(letter) for letter in order])
        by_unit = split.reshape([unit.size for unit in parts])
        rows = len(units(*(by_letter[letter] for letter in (*self.runs, *self.made))))
        neurons = [unit for unit in own if unit not in runs]
        columns = [rows + sums.index(unit) for unit in neurons]
        places = [rows + at for at, unit in enumerate(sums) if unit not in own]
        kernel = tuple(by_unit.shape[at] for at in places)
        found = by_unit.transpose([*range(rows), *columns, *places])
        if 0 in found.strides:
            canvas.arrays.spend(found.size)  # a repeated weight becomes one that is written out
        height = prod(by_unit.shape[:rows])
        return cursor, found.reshape(height, size(tuple(neurons)), prod(kernel)), size(runs), kernel


def convolution(canvas: Canvas, step: Step, operator: Convolve, source: Drawn) -> bool:
    """A convolution with a weight. False if it is no such map of channels."""
    value, weight, *rest = step.inputs
    (output,) = step.outputs
    if weight not in canvas.arrays or any(name and name not in canvas.arrays for name in rest):
        return False
    before, after = canvas.layout(value), canvas.layout(output)
    if before.cut not in (None, 1) or after.cut not in (None, 1):
        return False
    if operator.groups > 1 and (before.pieces > 1 or after.pieces > 1):
        source, before = _joined(canvas, value, source, before)
        if after.pieces > 1:
            return False
    array = canvas.arrays.array(weight)
    numbers = canvas.sharing.coefficients(weight, array.size)
    if operator.transposed:
        array = _as_forward(array, operator.groups)
        numbers = None if numbers is None else _as_forward(numbers, operator.groups)
    bias = canvas.arrays.array(rest[0]) if rest and rest[0] else None
    targets: list[Cursor] = []
    for number in range(after.pieces):
        axes = after.piece(number)
        cursors = [channels(canvas, output, cursor, before.piece(index)) for index, cursor in enumerate(source.pieces)]
        target = canvas.group(output, axes, units(axes[1]), cursors)
        for index, cursor in enumerate(cursors):
            columns = before if operator.groups == 1 else None
            part = _piece(array, after, number, columns, index)
            sharing = None if numbers is None else _piece(numbers, after, number, columns, index)
            canvas.draft.connect(
                Block(
                    source=cursor.group,
                    target=target.group,
                    role="conv",
                    weight=part.reshape(*part.shape[:2], prod(part.shape[2:])),
                    name=canvas.arrays.origin(weight) or weight,
                    groups=operator.groups,
                    kernel=part.shape[2:],
                    stride=operator.stride,
                    dilation=operator.dilation,
                    padding=operator.padding,
                    reading=cursor.reading,
                    transposed=operator.transposed,
                    sharing=None if sharing is None else sharing.reshape(*part.shape[:2], prod(part.shape[2:])),
                )
            )
        if bias is None:
            canvas.bias(f"{output}.bias", target.group)
        else:
            own = after.pick(bias, 0, number)
            canvas.bias(canvas.arrays.origin(rest[0]) or rest[0], target.group, own)
        if any(operator.extra):
            group = canvas.draft.group(target.group)
            canvas.draft.amend(target.group, _with_detail(group, f"extra={list(operator.extra)}"))
        targets.append(target)
    canvas.drawn[output] = Drawn(pieces=tuple(targets))
    return True


def embedding(canvas: Canvas, step: Step, axis: int, source: Drawn) -> bool:
    """Rows of a table, picked by a value: one block from what picks, a kernel position for each row."""
    table = step.inputs[0]
    (output,) = step.outputs
    array = canvas.arrays.array(table)
    trees = canvas.symmetry.values[table]
    others = tuple(tree for number, tree in enumerate(trees) if number != axis)
    found = canvas.layout(output)
    cursor, *others_read = source.pieces
    if found.pieces > 1 or others_read or canvas.neurons[cursor.group]:
        return False
    rows = units(*others)
    target = canvas.group(output, found.axes, rows, (cursor,))
    weight = np.moveaxis(array, axis, -1).reshape(size(rows), 1, array.shape[axis])
    role: Role = "embedding"
    name = canvas.arrays.origin(table) or table
    canvas.draft.connect(
        Block(
            source=cursor.group,
            target=target.group,
            role=role,
            weight=weight,
            name=name,
            kernel=(array.shape[axis],),
            reading=cursor.reading,
        )
    )
    canvas.drawn[output] = Drawn(pieces=(target,))
    return True


def channels(canvas: Canvas, name: str, cursor: Cursor, axes: Axes) -> Cursor:
    """A cursor whose neurons are the channels of a value (batch, channels, *positions)."""
    wanted = units(axes[1])
    return cursor if canvas.neurons[cursor.group] == wanted else rearranged(canvas, name, cursor, axes, wanted)


def rearranged(canvas: Canvas, name: str, cursor: Cursor, axes: Axes, wanted: Units) -> Cursor:
    """The same values, other axes of which are the neurons."""
    target = canvas.group(f"{name}.rearranged", axes, wanted, (cursor,), operation="rearrange")
    canvas.wire(name, cursor, target.group)
    return target


def _joined(canvas: Canvas, name: str, source: Drawn, before: Layout) -> tuple[Drawn, Layout]:
    """All channels of a value in one group."""
    whole = Layout(axes=before.axes)
    joined = f"{name}.joined"
    canvas.combine({joined: whole}, [Operand(drawn=source, layout=before)], "join", (), neurons=units(before.axes[1]))
    return canvas.drawn[joined], whole


def _piece(array: np.ndarray, after: Layout, number: int, before: Layout | None, index: int) -> np.ndarray:
    """The rows of a convolution's weight that make one piece of channels, and the columns that read another."""
    part = after.pick(array, 0, number)
    return part if before is None else before.pick(part, 1, index)


def _as_forward(array: np.ndarray, groups: int) -> np.ndarray:
    """A transposed convolution's weight (inputs, outputs / groups, ...) as (outputs, inputs / groups, ...)."""
    inputs, outputs, *kernel = array.shape
    apart = array.reshape(groups, inputs // groups, outputs, *kernel)
    return np.moveaxis(apart, 2, 1).reshape(groups * outputs, inputs // groups, *kernel)


def _with_detail(group: NodeGroup, detail: str) -> NodeGroup:
    return replace(group, detail=(*group.detail, detail))
