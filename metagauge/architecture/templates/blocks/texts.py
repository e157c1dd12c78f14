"""Which token stands for a text, and how an image and a text are compared."""

import numpy as np

from metagauge.architecture.templates.drawing import Drawing, Step
from metagauge.architecture.templates.sketch import Value

_INT64 = 7
"""ONNX's number of the type int64 (TensorProto.DataType)."""


def last(drawing: Drawing, step: Step) -> None:
    """`{ last = PADDING, ids = KEPT }`: the last token that is no padding; the last one if there is no such id."""
    value = drawing.current
    if drawing.settings.resolve(step.fields["last"]) is None:
        drawing.value = drawing.sketch.take(value, 1, -1)
        return
    real = real_tokens(drawing, drawing.kept[step.name("ids")], step.integer("last"))
    _choose(drawing, drawing.sketch.multiply(drawing.sketch.constant(np.arange(value.shape[1])[None]), real))


def last_of(drawing: Drawing, step: Step) -> None:
    """`{ last_of = ID, ids = KEPT }`: the last token that has this id (BART reads classes there)."""
    places = drawing.sketch.constant(np.arange(drawing.current.shape[1])[None])
    _choose(drawing, drawing.sketch.multiply(places, _same(drawing, step, "last_of")))


def first_of(drawing: Drawing, step: Step) -> None:
    """`{ first_of = ID, ids = KEPT }`: the first token that has this id (CLIP's end of text)."""
    _choose(drawing, _same(drawing, step, "first_of"))


def largest_of(drawing: Drawing, step: Step) -> None:
    """`{ largest_of = KEPT }`: the token with the largest id, which is the end of text in CLIP's own vocabulary."""
    _choose(drawing, drawing.kept[step.target])


def real_tokens(drawing: Drawing, ids: Value, padding: int) -> Value:
    """One for each token that is no padding, zero for the others, as integers."""
    sketch = drawing.sketch
    same = sketch.elementwise("Equal", ids, sketch.constant(np.asarray(padding)))
    return sketch.elementwise("Cast", sketch.elementwise("Not", same), to=_INT64)


def shift(drawing: Drawing, step: Step) -> None:
    """`{ shift = ID }`: the ids one place to the right, this one first."""
    sketch = drawing.sketch
    ids = drawing.current
    first = sketch.constant(np.full((1, 1), step.integer("shift")))
    drawing.value = sketch.concat([first, sketch.slice(ids, 1, 0, ids.shape[1] - 1)], 1)


def unit(drawing: Drawing, step: Step) -> None:
    """`{ unit = "" }`: the current vector, of length one."""
    del step
    length = drawing.sketch.reduce("ReduceL2", drawing.current, (-1,), keep=True)
    drawing.value = drawing.sketch.elementwise("Div", drawing.current, length)


def against(drawing: Drawing, step: Step) -> None:
    """`{ against = KEPT }`: scalar products of the vectors remembered, by rows, with the current ones."""
    current = drawing.sketch.transpose(drawing.current, (1, 0))
    drawing.value = drawing.sketch.matmul(drawing.kept[step.target], current)


def times_exponential(drawing: Drawing, step: Step) -> None:
    """`{ times_exponential = TENSOR }`: times e to a learned number."""
    factor = drawing.sketch.elementwise("Exp", drawing.weight(step.target))
    drawing.value = drawing.sketch.multiply(drawing.current, factor)


def _same(drawing: Drawing, step: Step, key: str) -> Value:
    ids = drawing.kept[step.name("ids")]
    same = drawing.sketch.elementwise("Equal", ids, drawing.sketch.constant(np.asarray(step.integer(key))))
    return drawing.sketch.elementwise("Cast", same, to=_INT64)


def _choose(drawing: Drawing, scores: Value) -> None:
    """The token where integers (1, tokens) are largest, the first of several: (1, features)."""
    sketch = drawing.sketch
    value = drawing.current
    place = sketch.operator("ArgMax", (1,), scores, axis=-1, keepdims=0)
    drawing.value = sketch.reshape(sketch.gather(value, place, axis=1), (1, *value.shape[2:]))
