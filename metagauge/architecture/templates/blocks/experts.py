"""Mixture of experts (Shazeer et al. 2017; Fedus et al. 2021): a router weighs the few experts it sends a token to.

Written densely: every expert sees every token, and the router's weight is zero for those not chosen.
"""

import numpy as np

from metagauge.architecture.templates.activations import activation
from metagauge.architecture.templates.drawing import Drawing, Step
from metagauge.architecture.templates.sketch import Value
from metagauge.errors import ArchitectureMismatchError, StructureNotInferableError

_EXPERTS = 4096


def experts(drawing: Drawing, step: Step) -> None:
    """`{ experts = PREFIX, count = N, act = FUNCTION, normalise = FLAG }`.

    `scoring` is softmax or sigmoid, `groups` and `chosen_groups` first choose groups of experts (DeepSeek), `factor`
    multiplies the weights; shared experts that the file has are added.
    """
    with drawing.at(step.target):
        value = drawing.current
        weights = _weights(drawing, step, value)
        total = _weighted(drawing, step, value, weights, 0)
        for index in range(1, weights.shape[-1]):
            total = drawing.sketch.add(total, _weighted(drawing, step, value, weights, index))
        drawing.value = _with_shared(drawing, step, value, total)


def _weighted(drawing: Drawing, step: Step, value: Value, weights: Value, index: int) -> Value:
    weight = drawing.sketch.slice(weights, -1, index, index + 1)
    return drawing.sketch.multiply(_expert(drawing, step, value, index), weight)


def _weights(drawing: Drawing, step: Step, value: Value) -> Value:
    """The weight of every expert for every token: (batch, tokens, experts)."""
    sketch = drawing.sketch
    router = step.name("router", "gate")
    logits = drawing.linear(router, value)
    experts, count = logits.shape[-1], step.integer("count")
    if not 1 <= count <= experts <= _EXPERTS:
        raise ArchitectureMismatchError(f"config.json sends a token to {count} experts, of which there are {experts}")
    sigmoid = step.text("scoring", "softmax") == "sigmoid"
    scores = sketch.elementwise("Sigmoid", logits) if sigmoid else sketch.softmax(logits)
    correction = drawing.optional(f"{router}.e_score_correction_bias")
    choice = scores if correction is None else sketch.add(scores, correction)
    choice = _within_groups(drawing, step, choice, best_two=correction is not None)
    chosen, indices = _top(drawing, choice, count)
    if choice is not scores:
        chosen = sketch.operator("GatherElements", indices.shape, scores, indices, axis=-1)
    if step.flag("normalise"):
        total = sketch.reduce("ReduceSum", chosen, (-1,), keep=True)
        chosen = sketch.elementwise("Div", chosen, total)
    if step.has("factor"):
        chosen = sketch.scale(chosen, step.number("factor"))
    zeros = sketch.constant(np.zeros(logits.shape, dtype=np.float32))
    return sketch.operator("ScatterElements", logits.shape, zeros, indices, chosen, axis=-1)


def _within_groups(drawing: Drawing, step: Step, choice: Value, *, best_two: bool) -> Value:
    """Only experts of the best groups stay eligible: those whose best expert, or two, score highest together."""
    groups = step.integer("groups") if step.has("groups") and step.flag("groups") else 1
    if groups == 1:
        return choice
    sketch = drawing.sketch
    batch, tokens, experts = choice.shape
    chosen = step.integer("chosen_groups")
    if not 1 <= chosen <= groups <= experts or experts % groups:
        message = f"config.json: {experts} experts in {groups} groups, of which {chosen} are chosen"
        raise ArchitectureMismatchError(f"{message}, cannot be")
    grouped = sketch.reshape(choice, (batch, tokens, groups, experts // groups))
    if best_two:
        best, _ = _top(drawing, grouped, 2)
        score = sketch.reduce("ReduceSum", best, (-1,), keep=False)
    else:
        score = sketch.reduce("ReduceMax", grouped, (-1,), keep=False)
    best, indices = _top(drawing, score, chosen)
    zeros = sketch.constant(np.zeros(score.shape, dtype=np.float32))
    ones = sketch.constant(np.ones(indices.shape, dtype=np.float32))
    open_groups = sketch.operator("ScatterElements", score.shape, zeros, indices, ones, axis=-1)
    is_open = sketch.elementwise("Greater", open_groups, sketch.constant(0.5))
    is_open = sketch.reshape(is_open, (batch, tokens, groups, 1))
    closed = sketch.constant(-3.4028234663852886e38 if best_two else 0.0)
    return sketch.reshape(sketch.elementwise("Where", is_open, grouped, closed), choice.shape)


def _top(drawing: Drawing, value: Value, count: int) -> tuple[Value, Value]:
    if value.shape[-1] < count:
        raise ArchitectureMismatchError(f"the best {count} of {value.shape[-1]} experts cannot be chosen")
    names = drawing.sketch.writer.ops("TopK", value.name, drawing.sketch.constant([count]).name, outputs=2, axis=-1)
    shape = (*value.shape[:-1], count)
    return Value(name=names[0], shape=shape), Value(name=names[1], shape=shape)


def _expert(drawing: Drawing, step: Step, value: Value, index: int) -> Value:
    """One gated feed-forward layer, its weights apart or a slice of those of all experts."""
    sketch, function = drawing.sketch, step.text("act")
    if drawing.has("experts.gate_up_proj"):
        both = sketch.linear(value, sketch.take(drawing.weight("experts.gate_up_proj"), 0, index), None)
        half = both.shape[-1] // 2
        gate, up = sketch.split(both, -1, (half, half))
        down = sketch.take(drawing.weight("experts.down_proj"), 0, index)
        return sketch.linear(sketch.multiply(activation(sketch, function, gate), up), down, None)
    with drawing.at(f"experts.{index}"):
        return feed_forward(drawing, value, function)


def feed_forward(drawing: Drawing, value: Value, function: str) -> Value:
    """down(act(gate(x)) * up(x))."""
    gate, up = drawing.linear("gate_proj", value), drawing.linear("up_proj", value)
    return drawing.linear("down_proj", drawing.sketch.multiply(activation(drawing.sketch, function, gate), up))


def _with_shared(drawing: Drawing, step: Step, value: Value, total: Value) -> Value:
    """Plus the experts that every token goes to, weighted by a gate where there is one (Qwen)."""
    sketch = drawing.sketch
    for name in ("shared_expert", "shared_experts"):
        if not drawing.has(f"{name}.down_proj.weight"):
            continue
        with drawing.at(name):
            shared = feed_forward(drawing, value, step.text("act"))
        if drawing.has("shared_expert_gate.weight"):
            gate = sketch.elementwise("Sigmoid", drawing.linear("shared_expert_gate", value))
            shared = sketch.multiply(gate, shared)
        total = sketch.add(total, shared)
    if total.shape != value.shape:
        raise StructureNotInferableError(f"experts turn {list(value.shape)} into {list(total.shape)}")
    return total
