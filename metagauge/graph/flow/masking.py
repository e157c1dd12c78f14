"""Masks: places of a value that constant numbers switch off, as the causal mask of an attention does."""

from dataclasses import replace
from hashlib import blake2b

import numpy as np

from metagauge.architecture.dataflow import Step
from metagauge.architecture.operators.reduction import Softmax
from metagauge.graph.draft import Cursor
from metagauge.graph.flow.arrays import is_uniform
from metagauge.graph.flow.canvas import Canvas, Drawn
from metagauge.graph.flow.layout import Units, units
from metagauge.graph.flow.places import pattern
from metagauge.graph.symmetry.axis import Axes

_LOOKED_AT = 1 << 24
"""Most elements of a table that may be a mask."""
_OFF = -1e4
"""What is at most this, before a softmax, is out of the picture."""


def masked(canvas: Canvas, step: Step) -> bool:
    """A choice between a value and one large negative number, by constants: a property of the value's neurons."""
    condition, *sides = step.inputs
    held = [name in canvas.arrays and canvas.arrays.is_constant(name) for name in step.inputs]
    data = [name for name in sides if name in canvas.drawn]
    if not held[0] or sum(held) != 2 or len(data) != 1:
        return False
    (value,) = data
    fill = canvas.arrays.array(next(name for name in sides if name != value))
    if not is_uniform(fill) or float(fill.reshape(-1)[0]) > _OFF:
        return False
    seen = np.asarray(canvas.arrays.array(condition), bool)
    if value == sides[1]:
        seen = ~seen
    return _hidden(canvas, step.outputs[0], value, seen, fill)


def added_mask(canvas: Canvas, output: str, value: str, array: np.ndarray) -> bool:
    """A table that adds nothing in some places and a large negative number in the others."""
    if array.size < 2 or array.size > _LOOKED_AT or not (array == 0).any():
        return False
    seen = array == 0
    return bool((seen | (array <= _OFF)).all()) and _hidden(canvas, output, value, seen, array[~seen])


def _hidden(canvas: Canvas, output: str, value: str, seen: np.ndarray, fill: np.ndarray) -> bool:
    found = canvas.layout(output)
    source = canvas.drawn[value]
    if len(source.pieces) != found.pieces or len(canvas.layout(value).axes) != len(found.axes):
        return False
    if any(one.size != other.size for one, other in zip(canvas.layout(value).axes, found.axes, strict=True)):
        return False
    if found.cut is not None and seen.ndim and _varying(seen, len(found.axes)) & {found.cut}:
        return False
    is_off = all(isinstance(step.operator, Softmax) for step in canvas.readers.get(output, ()))
    if not is_off and not is_uniform(fill):
        return False
    pieces: list[Cursor] = []
    for number, cursor in enumerate(source.pieces):
        if seen.all():
            pieces.append(cursor)
            continue
        axes = found.piece(number)
        target = canvas.opened(output, cursor, axes)
        group, own = canvas.draft.group(target.group), canvas.neurons[target.group]
        varying = _varying(seen, len(axes))
        places = np.squeeze(seen)
        where = pattern(axes, own, varying)
        is_causal = places.ndim == 2 and not _touches(axes, own, varying) and _is_causal(places)
        name = "causal" if is_causal else blake2b(np.packbits(places).tobytes(), digest_size=8).hexdigest()
        mask = f"mask={name} over {where}" + ("" if is_off else f" with {float(fill.reshape(-1)[0]):.6g}")
        canvas.draft.amend(target.group, replace(group, is_causal=is_causal, detail=(*group.detail, mask)))
        pieces.append(target)
    canvas.drawn[output] = Drawn(pieces=tuple(pieces))
    return True


def _varying(seen: np.ndarray, rank: int) -> set[int]:
    """The axes of a value along which a mask that broadcasts to it changes."""
    first = rank - seen.ndim
    return {first + number for number, size in enumerate(seen.shape) if size > 1}


def _touches(axes: Axes, neurons: Units, varying: set[int]) -> bool:
    """Whether a mask tells neurons apart."""
    return any(unit in neurons for number in varying for unit in units(axes[number]))


def _is_causal(seen: np.ndarray) -> bool:
    """Whether each token sees itself and those before it."""
    return bool((seen == np.tril(np.ones(seen.shape, bool), seen.shape[1] - seen.shape[0])).all())
