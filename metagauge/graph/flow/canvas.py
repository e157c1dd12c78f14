"""A parameter graph being drawn from a dataflow: where values live, and how groups are wired."""

from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass, field, replace
from itertools import groupby
from math import prod

import numpy as np

from metagauge.architecture.dataflow import Step
from metagauge.architecture.operators.source import NumberKind
from metagauge.errors import ArchitectureMismatchError, LimitExceededError
from metagauge.graph.draft import DIRECT, Cursor, Draft, constant
from metagauge.graph.flow.arrays import Arrays
from metagauge.graph.flow.correspondence import correspondence
from metagauge.graph.flow.layout import Layout, Units, elements, layout, size, units
from metagauge.graph.flow.places import Slots
from metagauge.graph.flow.sharing import Sharing
from metagauge.graph.parameter_graph import Block, NodeGroup, Operation, Reading, Role
from metagauge.graph.symmetry.axis import Axis
from metagauge.graph.symmetry.inference import Symmetry
from metagauge.graph.symmetry.rules import Axes

MAX_GROUPS = 250_000
"""Of one graph: a mixture of thousands of experts has fewer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """Where a value lives: one cursor for each piece of its layout."""

    pieces: tuple[Cursor, ...]
    slots: Slots | None = None
    """Which positions of the group it shows in which order; None for all in their own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Operand:
    """What an operator reads."""

    drawn: Drawn
    layout: Layout
    is_weight: bool = False


@dataclass(slots=True)
class Canvas:
    """The draft, the weights, and what is known of every value."""

    symmetry: Symmetry
    arrays: Arrays
    sharing: Sharing
    features: Set[Axis]
    draft: Draft = field(default_factory=Draft)
    neurons: dict[int, Units] = field(default_factory=dict)
    """The units of a group's neurons, in their order."""
    drawn: dict[str, Drawn] = field(default_factory=dict)
    layouts: dict[str, Layout] = field(default_factory=dict)
    kinds: dict[str, NumberKind] = field(default_factory=dict)
    """Whether a value holds floats, integers or truth values."""
    inputs: int = 0
    """Inputs drawn so far."""
    readers: dict[str, list[Step]] = field(default_factory=dict)
    """The steps that read a value."""

    def layout(self, name: str) -> Layout:
        """How a value is laid out; a value of unknown shape is one element."""
        if name not in self.layouts:
            self.layouts[name] = layout(self.symmetry.values.get(name, ()), self.features)
        return self.layouts[name]

    def group(self, name: str, axes: Axes, neurons: Units, sources: Iterable[Cursor], **fields: object) -> Cursor:
        """New hidden neurons for a piece of a value."""
        depth = 1 + max((self.draft.group(source.group).depth for source in sources), default=0)
        count = size(neurons)
        if len(self.neurons) > MAX_GROUPS:
            raise LimitExceededError(f"the network needs more than {MAX_GROUPS} groups of neurons")
        if count == 0:
            raise ArchitectureMismatchError(
                f"the value {name!r} has no elements: a tensor with a size of zero enters it"
            )
        group = NodeGroup(name=name, kind="hidden", size=count, positions=elements(axes) // count, depth=depth)
        number = self.draft.put(replace(group, **fields))  # pyright: ignore[reportArgumentType]
        self.neurons[number] = neurons
        return Cursor(group=number)

    def neurons_of(self, cursors: Iterable[Cursor], axes: Axes) -> Units:
        """Those units of the axes that are neurons of one of the sources, or a part of them."""
        known = {leaf for cursor in cursors for unit in self.neurons[cursor.group] for leaf in unit.leaves()}
        found = (unit for unit in units(*axes) if all(leaf in known for leaf in unit.leaves()))
        return tuple(dict.fromkeys(found))

    def wire(
        self, name: str, source: Cursor, target: int, role: Role = "wire", *, operand: int = 0, sign: float = 1.0
    ) -> None:
        """Lets neurons read the source's neurons that share their leading units, with weight one."""
        ones, others = self.neurons[source.group], self.neurons[target]
        shared = 1
        for one, other in zip(ones, others, strict=False):
            if one is not other:
                break
            shared *= one.size
        weight = constant(sign, size(others), size(ones) // shared)
        self.draft.connect(
            Block(
                source=source.group,
                target=target,
                role=role,
                weight=weight,
                name=name,
                groups=shared,
                reading=source.reading,
                operand=operand,
            )
        )

    def renewed(self, name: str, source: Cursor, axes: Axes, **fields: object) -> Cursor:
        """New neurons with the values of `source`, which they are wired to."""
        target = self.group(name, axes, self.neurons[source.group], (source,), **fields)
        self.wire(name, source, target.group, "residual")
        return target

    def opened(self, name: str, source: Cursor, axes: Axes, *, norm: bool = False) -> Cursor:
        """A cursor whose group may take an activation, or a norm: the source's own, or new neurons."""
        group = self.draft.group(source.group)
        is_free = source.is_open and source.reading == DIRECT and group.kind == "hidden"
        if is_free and group.activation == "identity" and (group.norm == "none" or not norm):
            return source
        return self.renewed(name, source, axes)

    def parameter(
        self, name: str, role: Role, weight: np.ndarray, target: int, kernel: tuple[int, ...] = (), operand: int = 0
    ) -> None:
        """Numbers that neurons read from one parameter node: weight (targets, 1, positions)."""
        node = self.draft.put(NodeGroup(name=name, kind="parameter", size=1))
        self.neurons[node] = ()
        self.draft.connect(
            Block(source=node, target=target, role=role, weight=weight, name=name, kernel=kernel, operand=operand)
        )

    def bias(self, name: str, target: int, values: np.ndarray | None = None) -> None:
        """Adds to a group's bias; a group that has none gets one, of zeros if no values are given."""
        count = self.draft.group(target).size
        own = self.draft.find(target, "bias")
        if own is None:
            weight = constant(0, count, 1) if values is None else values.reshape(count, 1, 1)
            self.parameter(name, "bias", weight, target)
        elif values is not None:
            total = values.reshape(count, 1, 1)
            if np.any(own.weight):
                total = (np.asarray(own.weight, np.float32) + total).astype(np.float32)
            self.draft.change(own, replace(own, weight=total, name=name))

    def combine(
        self,
        outputs: Mapping[str, Layout],
        operands: list[Operand],
        operation: Operation,
        detail: tuple[str, ...],
        *,
        ordered: bool = True,
        neurons: Units | None = None,
    ) -> None:
        """Draws an operator that we have no better picture of: new groups that every operand is wired to.

        Pieces meet the pieces beside them where a value and an operand are cut alike, and all pieces otherwise.
        """
        for output, found in outputs.items():
            cursors: list[Cursor] = []
            for number in range(found.pieces):
                axes = found.piece(number)
                met = [
                    (place, cursor, operand.layout.piece(index), operand)
                    for place, operand in enumerate(operands)
                    for index, cursor in enumerate(operand.drawn.pieces)
                    if index == number or not _alike(found, operand.layout)
                ]
                sources = [cursor for _, cursor, _, _ in met]
                telling = [cursor for _, cursor, _, operand in met if not operand.is_weight] or sources
                own = self.neurons_of(telling, axes) if neurons is None else neurons
                shape = correspondence([*(units(*each) for _, _, each, _ in met), units(*axes)])
                target = self.group(output, axes, own, sources, operation=operation, detail=(*detail, shape))
                for place, cursor, _, _ in met:
                    self.wire(output, cursor, target.group, operand=place if ordered else 0)
                cursors.append(target)
            self.drawn[output] = Drawn(pieces=tuple(cursors))

    def holder(self, name: str) -> Drawn:
        """Neurons that hold a weight which nothing but an operator we draw by name reads."""
        origin = self.arrays.origin(name) or name
        cursors: list[Cursor] = []
        for number in range(self.layout(name).pieces):
            array, axes = self.part(name, number)
            lead = next((at for at, axis in enumerate(axes) if axis.size != 1), None)
            own = () if lead is None else units(axes[lead])
            rows = array.reshape(1, -1) if lead is None else np.moveaxis(array, lead, 0)
            target = self.group(name, axes, own, ())
            if not array.size:
                cursors.append(target)
                continue
            weight = rows.reshape(size(own), 1, -1)
            self.parameter(origin, "operand", weight, target.group, kernel=(weight.shape[2],))
            cursors.append(target)
        return Drawn(pieces=tuple(cursors))

    def part(self, name: str, number: int) -> tuple[np.ndarray, Axes]:
        """A piece of a weight: its numbers and its axes."""
        found, array = self.layout(name), self.arrays.array(name)
        if found.cut is None:
            return array, found.axes
        return found.pick(array, found.cut, number), found.piece(number)

    def read_through(self, name: str, source: Cursor, axes: Axes, reading: Reading) -> Cursor:
        """Pooling or selection: kept until a block reads the value. `axes` are those before it."""
        if source.reading != DIRECT:
            source = self.renewed(name, source, axes)
        return replace(source, reading=reading, is_open=False)


def spread(
    arrays: Arrays, array: np.ndarray, neurons: Units, target: Axes
) -> tuple[np.ndarray, tuple[int, ...]] | None:
    """Numbers that meet a value elementwise, as (neurons, 1, positions) and the positions' sizes.

    `array` broadcasts to a value with axes `target`. None if it varies along a unit that no axis of it shows.

    Raises:
        LimitExceededError: repeating them for each neuron takes too much memory.
    """
    dims = array.reshape((1,) * (len(target) - array.ndim) + array.shape)
    shape: list[int] = []
    found: list[Axis] = []
    owners: list[int] = []
    for number, (axis, length) in enumerate(zip(target, dims.shape, strict=True)):
        parts = units(axis)
        if length not in (1, axis.size):
            return None
        shape += [part.size for part in parts] if length != 1 else [1] * len(parts)
        found += parts
        owners += [number] * len(parts)
    if prod(shape) != dims.size or any(found.count(unit) > 1 for unit in neurons):
        return None
    by_unit = dims.reshape(shape)
    rows = [found.index(unit) for unit in neurons if unit in found]
    if len(rows) != len(neurons):
        return None
    others = [number for number in range(len(found)) if number not in rows and by_unit.shape[number] != 1]
    dropped = tuple(number for number in range(len(found)) if number not in rows and number not in others)
    ordered = np.squeeze(by_unit.transpose(*rows, *others, *dropped), tuple(range(len(rows) + len(others), len(found))))
    full = np.broadcast_to(ordered, (*(unit.size for unit in neurons), *(by_unit.shape[number] for number in others)))
    kernel = tuple(
        prod(by_unit.shape[number] for number in run) for _, run in groupby(others, key=lambda number: owners[number])
    )
    if full.size > array.size:
        arrays.spend(full.size)
    return full.reshape(size(neurons), 1, prod(kernel)), kernel


def _alike(one: Layout, other: Layout) -> bool:
    """Whether two values are cut into the same pieces."""
    return one.pieces == other.pieces and all(
        a.root() is b.root() or a.size == b.size for a, b in zip(one.parts, other.parts, strict=True)
    )
