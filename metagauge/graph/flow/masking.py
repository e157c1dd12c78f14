"""Masks: places of a value that constant numbers switch off, as the causal mask of an attention does."""

from dataclasses import replace
from hashlib import blake2b

import numpy as np

from metagauge.architecture.dataflow import Step
from metagauge.graph.draft import Cursor
from metagauge.graph.flow.arrays import is_uniform
from metagauge.graph.flow.canvas import Canvas, Drawn

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
    return _hidden(canvas, step.outputs[0], value, seen)


def added_mask(canvas: Canvas, output: str, value: str, array: np.ndarray) -> bool:
    """A table that adds nothing in some places and a large negative number in the others."""
    if array.size < 2 or array.size > _LOOKED_AT or not (array == 0).any():
        return False
    seen = array == 0
    return bool((seen | (array <= _OFF)).all()) and _hidden(canvas, output, value, seen)


def _hidden(canvas: Canvas, output: str, value: str, seen: np.ndarray) -> bool:
    found = canvas.layout(output)
    source = canvas.drawn[value]
    if len(source.pieces) != found.pieces or canvas.layout(value).axes is None:
        return False
    places = np.squeeze(seen)
    is_causal = places.ndim == 2 and _is_causal(places)
    name = "causal" if is_causal else blake2b(np.packbits(places).tobytes(), digest_size=8).hexdigest()
    pieces: list[Cursor] = []
    for number, cursor in enumerate(source.pieces):
        if seen.all():
            pieces.append(cursor)
            continue
        target = canvas.opened(output, cursor, found.piece(number))
        group = canvas.draft.group(target.group)
        canvas.draft.amend(target.group, replace(group, is_causal=is_causal, detail=(*group.detail, f"mask={name}")))
        pieces.append(target)
    canvas.drawn[output] = Drawn(pieces=tuple(pieces))
    return True


def _is_causal(seen: np.ndarray) -> bool:
    """Whether each token sees itself and those before it."""
    return bool((seen == np.tril(np.ones(seen.shape, bool), seen.shape[1] - seen.shape[0])).all())
