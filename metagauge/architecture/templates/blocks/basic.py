"""Steps that every family is made of: inputs, tables, norms, linear layers and activations."""

import numpy as np

from metagauge.architecture.templates.activations import activation
from metagauge.architecture.templates.blocks.texts import real_tokens
from metagauge.architecture.templates.drawing import Drawing, Step
from metagauge.architecture.templates.sketch import Value
from metagauge.errors import ArchitectureMismatchError, StructureNotInferableError

_MOST_PLACES = 1 << 20


def tokens(drawing: Drawing, step: Step) -> None:
    """`{ tokens = NAME }`: token ids (1, tokens) that the caller gives; `decoder` for the decoder's count of them."""
    count = drawing.sample.decoder_tokens if step.flag("decoder") else drawing.sample.tokens
    drawing.settings.choose(f"{step.target} of {count} tokens")
    drawing.value = drawing.sketch.given(step.target, (1, count), "I64")


def keep(drawing: Drawing, step: Step) -> None:
    """`{ keep = KEPT }`: remembers the current value."""
    drawing.kept[step.target] = drawing.current


def take(drawing: Drawing, step: Step) -> None:
    """`{ take = KEPT }`: goes on with a value remembered."""
    drawing.value = drawing.kept[step.target]


def add(drawing: Drawing, step: Step) -> None:
    """`{ add = KEPT }`: the current value plus one remembered."""
    drawing.value = drawing.sketch.add(drawing.current, drawing.kept[step.target])


def give(drawing: Drawing, step: Step) -> None:
    """`{ give = KEPT }`: an output of the network; without a name the current value."""
    drawing.outputs.append(drawing.kept[step.target] if step.target else drawing.current)


def embed(drawing: Drawing, step: Step) -> None:
    """`{ embed = TABLE }`: rows of a table for the current ids, times `scale`."""
    rows = drawing.sketch.gather(drawing.weight(f"{step.target}.weight", axes=2), drawing.current)
    drawing.value = drawing.sketch.scale(rows, step.number("scale", 1.0))


def positions(drawing: Drawing, step: Step) -> None:
    """`{ positions = TABLE }`: plus rows of a table for the places 0, 1, ... , moved by `offset`.

    `padded` is the id of the padding token, by which `count_places` has counted.
    """
    sketch = drawing.sketch
    table = drawing.weight(f"{step.target}.weight", axes=2)
    count = drawing.current.shape[1]
    if step.has("padded"):
        places = drawing.kept["places"]
        end = step.integer("padded") + 1 + count
    else:
        offset = step.integer("offset")
        places = sketch.constant(np.arange(offset, offset + count)[None])
        end = offset + count
    if end > table.shape[0] or end < count:
        message = f"{step.target} has {table.shape[0]} rows, and {end} are needed"
        raise ArchitectureMismatchError(f"{message} for {count} tokens")
    drawing.value = sketch.add(drawing.current, sketch.gather(table, places))


def count_places(drawing: Drawing, step: Step) -> None:
    """`{ count_places = PADDING }`: the places of the current ids: tokens that are no padding are counted, from behind
    that id on (RoBERTa)."""
    drawing.kept["places"] = _places(drawing, drawing.current, step.integer("count_places"))


def types(drawing: Drawing, step: Step) -> None:
    """`{ types = TABLE }`: plus the first row of a table of token types, which every token has unless told.

    `by_place`: the type is looked up by the token's place in a list of `by_place` zeros, as RoBERTa does.
    """
    table = drawing.weight(f"{step.target}.weight", axes=2)
    zeros = drawing.sketch.constant(np.zeros((1, drawing.current.shape[1]), dtype=np.int64))
    if step.has("by_place") and 0 < step.integer("by_place") <= _MOST_PLACES:
        listed = drawing.sketch.constant(np.zeros((1, step.integer("by_place")), dtype=np.int64))
        zeros = drawing.sketch.operator("GatherElements", zeros.shape, listed, drawing.kept["places"], axis=1)
    drawing.value = drawing.sketch.add(drawing.current, drawing.sketch.gather(table, zeros))


def norm(drawing: Drawing, step: Step) -> None:
    """`{ norm = NAME, like = PART }`: normalises the current value; PART (`norms` if not said) tells kind and epsilon.

    Kinds: layer; rms; "rms from zero", whose scale is one plus the weight (Gemma).
    """
    drawing.value = normalised(drawing, step.part(step.name("like", "norms")), step.target, drawing.current)


def normalised(drawing: Drawing, part: Step, name: str, value: Value) -> Value:
    """`value` after the norm called `name`."""
    sketch = drawing.sketch
    kind, epsilon = part.text("kind", "layer"), part.number("epsilon")
    if kind == "layer" and part.flag("without_parameters"):
        width = value.shape[-1]
        ones, zeros = np.ones(width, dtype=np.float32), np.zeros(width, dtype=np.float32)
        return sketch.layer_norm(value, sketch.constant(ones), sketch.constant(zeros), epsilon)
    scale = drawing.weight(f"{name}.weight")
    match kind:
        case "layer":
            return sketch.layer_norm(value, scale, drawing.optional(f"{name}.bias"), epsilon)
        case "rms":
            return sketch.rms_norm(value, scale, epsilon)
        case "rms from zero":
            return sketch.rms_norm(value, sketch.add(scale, sketch.constant(1.0)), epsilon)
        case _:
            raise AssertionError(kind)


def linear(drawing: Drawing, step: Step) -> None:
    """`{ linear = NAME, tied = TABLE, stored = ORDER, bias = TENSOR }`: a linear layer.

    Where the file has no weight of this name and the configuration ties it, that of `tied` is used (names from the
    root, the first that the file has). `bias` names a bias that is called otherwise.
    """
    name = step.target
    stored = step.name("stored", "outputs first")
    bias = drawing.optional(f"{name}.bias")
    if step.has("bias"):
        bias = bias or drawing.optional(step.name("bias"))
    drawing.value = drawing.sketch.linear(drawing.current, _tied_weight(drawing, step, name), bias, stored=stored)


def function(drawing: Drawing, step: Step) -> None:
    """`{ act = FUNCTION }`: an activation by transformers' name for it."""
    drawing.value = activation(drawing.sketch, step.text("act"), drawing.current)


def scale(drawing: Drawing, step: Step) -> None:
    """`{ scale = NUMBER }`: the current value times a number of the configuration, or to a `power` of it."""
    factor = step.number("scale")
    if step.has("power"):
        if factor <= 0:
            raise StructureNotInferableError(f"config.json: {step.fields['scale']} is {factor}, and has to be positive")
        factor **= step.number("power")
    if step.flag("inverse"):
        if factor == 0:
            raise StructureNotInferableError(f"config.json: {step.fields['scale']} is zero")
        factor = 1 / factor
    drawing.value = drawing.sketch.scale(drawing.current, factor)


def times(drawing: Drawing, step: Step) -> None:
    """`{ times = TENSOR }`: the current value times a tensor, such as a layer scale."""
    drawing.value = drawing.sketch.multiply(drawing.current, drawing.weight(step.target))


def plus(drawing: Drawing, step: Step) -> None:
    """`{ plus = TENSOR }`: the current value plus a tensor, such as a table of positions."""
    drawing.value = drawing.sketch.add(drawing.current, drawing.weight(step.target))


def gated(drawing: Drawing, step: Step) -> None:
    """`{ gated = NAME, up = NAME, act = FUNCTION }`: act(gate(x)) * up(x) (Shazeer 2020).

    With `fused`, one projection holds both, the gate first.
    """
    sketch = drawing.sketch
    value = drawing.current
    if step.flag("fused"):
        both = drawing.linear(step.target, value)
        half = both.shape[-1] // 2
        gate, up = sketch.split(both, -1, (half, half))
    else:
        gate, up = drawing.linear(step.target, value), drawing.linear(step.name("up"), value)
    drawing.value = sketch.multiply(activation(sketch, step.text("act"), gate), up)


def select(drawing: Drawing, step: Step) -> None:
    """`{ select = PLACE }`: one token of the sequence: (1, tokens, features) becomes (1, features)."""
    drawing.value = drawing.sketch.take(drawing.current, 1, step.integer("select"))


def mean(drawing: Drawing, step: Step) -> None:
    """`{ mean = AXIS }`: the mean over an axis, which is gone."""
    drawing.value = drawing.sketch.reduce("ReduceMean", drawing.current, (step.integer("mean"),), keep=False)


def squeeze(drawing: Drawing, step: Step) -> None:
    """`{ squeeze = AXIS }`: drops an axis of size one."""
    axis = step.integer("squeeze") % drawing.current.rank
    shape = drawing.current.shape
    drawing.value = drawing.sketch.reshape(drawing.current, (*shape[:axis], *shape[axis + 1 :]))


def cut(drawing: Drawing, step: Step) -> None:
    """`{ cut = AXIS, start = N, count = N }`: some elements of an axis; to its end without `count`."""
    axis = step.integer("cut") % drawing.current.rank
    size = drawing.current.shape[axis]
    start = step.integer("start")
    stop = start + step.integer("count") if step.has("count") else size
    drawing.value = drawing.sketch.slice(drawing.current, axis, start, stop)


def transpose(drawing: Drawing, step: Step) -> None:
    """`{ transpose = [AXES] }`."""
    axes = tuple(drawing.settings.integers(step.fields["transpose"]))
    drawing.value = drawing.sketch.transpose(drawing.current, axes)


def tanh_cap(drawing: Drawing, step: Step) -> None:
    """`{ cap = NUMBER }`: cap * tanh(x / cap), where the configuration sets one (Gemma 2)."""
    if step.flag("cap"):
        cap = step.number("cap")
        bounded = drawing.sketch.elementwise("Tanh", drawing.sketch.scale(drawing.current, 1 / cap))
        drawing.value = drawing.sketch.scale(bounded, cap)


def spans(drawing: Drawing, step: Step) -> None:
    """`{ spans = NAME }`: how well an answer begins and ends at each token, as two outputs."""
    sketch = drawing.sketch
    for value in sketch.split(drawing.linear(step.target, drawing.current), -1, (1, 1)):
        drawing.outputs.append(sketch.reshape(value, value.shape[:-1]))


def _tied_weight(drawing: Drawing, step: Step, name: str) -> Value:
    if drawing.has(f"{name}.weight") or not step.has("tied"):
        return drawing.weight(f"{name}.weight")
    tie = drawing.settings.find("tie_word_embeddings")
    if tie is False:
        message = f"the file has no {drawing.prefix + name}.weight, and config.json says tie_word_embeddings = false"
        raise StructureNotInferableError(f"{message}: a part of the checkpoint is missing")
    outer, drawing.prefix = drawing.prefix, ""
    names = [f"{tied}.weight" for tied in step.name("tied").split("|")]
    weight = drawing.weight(next((tied for tied in names if drawing.has(tied)), names[0]))
    drawing.prefix = outer
    return weight


def _places(drawing: Drawing, ids: Value, padding: int) -> Value:
    sketch = drawing.sketch
    real = real_tokens(drawing, ids, padding)
    count = sketch.operator("CumSum", real.shape, real, sketch.constant(np.asarray(1)))
    return sketch.add(sketch.multiply(count, real), sketch.constant(np.asarray(padding)))
