"""Multi-head attention: separate or fused projections, shared keys and values, masks, position biases.

Vaswani et al. 2017, sec. 3.2; grouped queries: Ainslie et al. 2023.
"""

from dataclasses import dataclass

import numpy as np

from metagauge.architecture.templates.blocks.rotary import angles, rope_settings, rotary_size, rotate, yarn_magnitude
from metagauge.architecture.templates.drawing import Drawing, Step
from metagauge.architecture.templates.sketch import Value
from metagauge.errors import ArchitectureMismatchError, StructureNotInferableError

MASKED = -3.4028234663852886e38
"""What is added to the score of a pair that may not attend: float32's smallest number."""


_ROLES = ("query", "key", "value")


@dataclass(frozen=True, slots=True, kw_only=True)
class Heads:
    """Query heads, the groups of them that share keys and values, and the features of each."""

    queries: int
    groups: int
    size: int


def attend(drawing: Drawing, step: Step) -> None:
    """`{ attend = PART, at = PREFIX, memory = KEPT }`: attention as PART describes, over the value or memory."""
    part = step.part(step.target)
    with drawing.at(step.name("at")):
        drawing.value = attention(drawing, part, step)


def attention(drawing: Drawing, part: Step, step: Step) -> Value:
    """The current value after attention, output projection included."""
    sketch = drawing.sketch
    queries, keys, values, heads = _projections(drawing, part, _sources(drawing, step))
    if _says(part, "size") and part.integer("size") != heads.size:
        message = f"config.json says heads of {part.integer('size')} features, and {heads.queries} of them leave each"
        raise ArchitectureMismatchError(f"{message} {heads.size}: the configuration does not fit the tensors")
    if part.has("query_norm") and drawing.has(f"{part.name('query_norm')}.weight"):
        epsilon = part.number("norm_epsilon", 1e-6)
        queries = head_norm(drawing, part, part.name("query_norm"), queries, epsilon)
        keys = head_norm(drawing, part, part.name("key_norm"), keys, epsilon)
    if part.has("rotary") and not step.has("memory") and _is_turned(drawing):
        queries, keys = _turned(drawing, part, (queries, keys))
    if part.name("layout") != "one group":  # which is left to broadcasting
        keys, values = (_repeat(drawing, value, heads.queries // heads.groups) for value in (keys, values))
    bias = step.name("bias", part.name("bias"))
    mixed = mix(
        drawing,
        (queries, keys, values),
        scale=_scale(drawing, part, heads.size),
        bias=drawing.kept[bias] if bias else None,
        mask=_mask(drawing, part, step, queries.shape[2], keys.shape[2]),
        divided=part.flag("divided"),
        cap=part.number("cap") if part.has("cap") and part.flag("cap") else None,
    )
    merged = merge_heads(drawing, mixed)
    if part.has("inner_norm"):
        inner = part.name("inner_norm")
        scale, shift = drawing.weight(f"{inner}.weight"), drawing.optional(f"{inner}.bias")
        merged = sketch.layer_norm(merged, scale, shift, part.number("norm_epsilon", 1e-5))
    if not part.has("output"):
        return merged
    return drawing.linear(part.name("output"), merged, stored=part.name("stored", "outputs first"))


def mix(
    drawing: Drawing,
    inputs: tuple[Value, Value, Value],
    *,
    scale: float,
    bias: Value | None,
    mask: np.ndarray | None,
    cap: float | None = None,
    divided: bool = False,
) -> Value:
    """softmax(scale * queries @ keys.T + bias + mask) @ values, all (batch, heads, tokens, features).

    Where it is `divided` by the inverse of the scale, the last digit of float32 is that of a division.
    """
    sketch = drawing.sketch
    queries, keys, values = inputs
    scores = sketch.matmul(queries, sketch.transpose(keys, (0, 1, 3, 2)))
    if divided and scale != 0:
        scores = sketch.elementwise("Div", scores, sketch.constant(1 / scale))
    else:
        scores = sketch.scale(scores, scale)
    if cap is not None:  # Gemma 2: the scores stay below the cap
        scores = sketch.scale(sketch.elementwise("Tanh", sketch.scale(scores, 1 / cap)), cap)
    if bias is not None:
        scores = sketch.add(scores, bias)
    if mask is not None:
        scores = sketch.add(scores, sketch.constant(np.where(mask, 0.0, MASKED).astype(np.float32)[None, None]))
    return sketch.matmul(sketch.softmax(scores), values)


def split_heads(drawing: Drawing, value: Value, heads: int) -> Value:
    """(batch, tokens, heads * features) as (batch, heads, tokens, features)."""
    batch, tokens, width = value.shape
    if heads < 1 or width % heads:
        message = f"{heads} heads do not divide {width} features ({value.name})"
        raise ArchitectureMismatchError(f"{message}: the head count of config.json does not fit the tensors")
    split = drawing.sketch.reshape(value, (batch, tokens, heads, width // heads))
    return drawing.sketch.transpose(split, (0, 2, 1, 3))


def merge_heads(drawing: Drawing, value: Value) -> Value:
    """The inverse of `split_heads`."""
    batch, heads, tokens, size = value.shape
    return drawing.sketch.reshape(drawing.sketch.transpose(value, (0, 2, 1, 3)), (batch, tokens, heads * size))


def head_norm(drawing: Drawing, part: Step, name: str, value: Value, epsilon: float) -> Value:
    """Normalises each head's features; or those of all heads together, where the tensor is that wide."""
    sketch = drawing.sketch
    scale, shift = drawing.weight(f"{name}.weight"), drawing.optional(f"{name}.bias")
    kind = part.text("norm_kind", "rms")
    heads = value.shape[1]
    together = scale.shape != value.shape[-1:]
    if together:
        value = merge_heads(drawing, value)
    if kind == "layer":
        normal = sketch.layer_norm(value, scale, shift, epsilon)
    elif kind == "rms from zero":
        normal = sketch.rms_norm(value, sketch.add(scale, sketch.constant(1.0)), epsilon)
    else:
        normal = sketch.rms_norm(value, scale, epsilon)
    return split_heads(drawing, normal, heads) if together else normal


def _sources(drawing: Drawing, step: Step) -> tuple[Value, Value, Value]:
    """What queries, keys and values are made from.

    DETR adds places to queries (`with`) and to a memory's keys (`memory_with`), never to values.
    """
    add, source = drawing.sketch.add, drawing.current
    memory = drawing.kept[step.name("memory")] if step.has("memory") else source
    placed = add(source, drawing.kept[step.name("with")]) if step.has("with") else source
    keys = memory if step.has("memory") else placed
    if step.has("memory_with"):
        keys = add(memory, drawing.kept[step.name("memory_with")])
    return placed, keys, memory


def _projections(
    drawing: Drawing, part: Step, sources: tuple[Value, Value, Value]
) -> tuple[Value, Value, Value, Heads]:
    queries_count = part.integer("heads")
    groups = part.integer("groups") if part.has("groups") else queries_count
    if queries_count < 1 or groups < 1 or queries_count % groups:
        message = f"config.json: {queries_count} heads cannot share {groups} keys and values"
        raise ArchitectureMismatchError(message)
    stored = part.name("stored", "outputs first")
    fused_name = part.name("fused")
    if part.has("fused_or_not") and drawing.has(f"{part.name('fused_or_not')}.weight"):
        fused_name = part.name("fused_or_not")
    if fused_name:
        fused = _clipped(drawing, part, drawing.linear(fused_name, sources[0], stored=stored))
        parts = _split_fused(drawing, part.name("layout"), fused, queries_count, groups)
        return *parts, Heads(queries=queries_count, groups=groups, size=parts[0].shape[-1])
    projected = [
        split_heads(drawing, _clipped(drawing, part, drawing.linear(part.name(role), given, stored=stored)), count)
        for role, given, count in zip(_ROLES, sources, (queries_count, groups, groups), strict=True)
    ]
    heads = Heads(queries=queries_count, groups=groups, size=projected[0].shape[-1])
    if projected[1].shape[-1] != heads.size:
        message = f"{queries_count} heads and {groups} groups give queries of {heads.size} features"
        raise ArchitectureMismatchError(f"{message} and keys of {projected[1].shape[-1]}: config.json does not fit")
    return projected[0], projected[1], projected[2], heads


def _clipped(drawing: Drawing, part: Step, value: Value) -> Value:
    """Between minus and plus a bound, where the configuration sets one (OLMo)."""
    if not part.flag("clip"):
        return value
    bound = part.number("clip")
    limits = (drawing.sketch.constant(-bound), drawing.sketch.constant(bound))
    return drawing.sketch.operator("Clip", value.shape, value, *limits)


def _split_fused(drawing: Drawing, layout: str, fused: Value, queries: int, groups: int) -> tuple[Value, Value, Value]:
    """Queries, keys and values of one projection, each (batch, heads, tokens, features).

    Layouts: "consecutive" (all queries, all keys, all values), "by head" and "by head and role" (query, key and value
    of the first head, then of the next; without groups), which exporters write differently, "by group" (queries of a
    group, its key, its value, then the next group), and "one group" (all queries, the key, the value).
    """
    sketch = drawing.sketch
    batch, tokens, width = fused.shape
    size, rest = divmod(width, queries + 2 * groups)
    if rest or (layout.startswith("by head") and queries != groups):
        message = f"a fused projection of {width} outputs has no room for {queries} heads and {groups} groups"
        raise ArchitectureMismatchError(f"{message}: config.json does not fit the tensors")
    if layout == "consecutive":
        parts = sketch.split(fused, -1, (queries * size, groups * size, groups * size))
        return (
            split_heads(drawing, parts[0], queries),
            split_heads(drawing, parts[1], groups),
            split_heads(drawing, parts[2], groups),
        )
    if layout == "by group":
        grouped = sketch.reshape(fused, (batch, tokens, groups, queries // groups + 2, size))
        parts = sketch.split(grouped, 3, (queries // groups, 1, 1))
        counts = (queries, groups, groups)
        first, second, third = (
            sketch.transpose(sketch.reshape(value, (batch, tokens, count, size)), (0, 2, 1, 3))
            for value, count in zip(parts, counts, strict=True)
        )
        return first, second, third
    if layout == "one group":
        heads = sketch.reshape(fused, (batch, tokens, queries + 2, size))
        parts = sketch.split(heads, 2, (queries, 1, 1))
        first, second, third = (sketch.transpose(value, (0, 2, 1, 3)) for value in parts)
        return first, second, third
    if layout == "by head":
        heads = sketch.transpose(sketch.reshape(fused, (batch, tokens, queries, 3 * size)), (0, 2, 1, 3))
        first, second, third = sketch.split(heads, -1, (size, size, size))
        return first, second, third
    roles = sketch.reshape(fused, (batch, tokens, queries, 3, size))
    first, second, third = (sketch.transpose(sketch.take(roles, 3, role), (0, 2, 1, 3)) for role in range(3))
    return first, second, third


def _turned(drawing: Drawing, part: Step, values: tuple[Value, Value]) -> tuple[Value, Value]:
    rope = rope_settings(drawing.settings, _layer_type(drawing))
    head = values[0].shape[-1]
    size = part.integer("rotary_size") if part.has("rotary_size") and part.flag("rotary_size") else 0
    if size < 0 or size > head or size % 2:
        raise ArchitectureMismatchError(f"config.json: {size} of a head's {head} features cannot be turned")
    turns = angles(rope, size or rotary_size(rope, head), np.arange(values[0].shape[2], dtype=np.float32))
    interleaved = part.text("rotary") == "interleaved"
    queries, keys = (rotate(drawing.sketch, value, turns, interleaved=interleaved) for value in values)
    return queries, keys


def _layer_type(drawing: Drawing) -> str:
    """What `layer_types` of the configuration says about this layer, or what older ones say by a pattern."""
    types = drawing.settings.values.get("layer_types", drawing.settings.values.get("attention_layers"))
    if isinstance(types, list) and drawing.layer < len(types):
        return str(types[drawing.layer])[:60]
    pattern = drawing.settings.resolve("$family.layer_pattern")
    if pattern is None:
        return ""
    every = drawing.settings.integer("$sliding_window_pattern|$family.layer_pattern")
    return "sliding_attention" if every < 1 or (drawing.layer + 1) % every else "full_attention"


def _is_turned(drawing: Drawing) -> bool:
    """Whether this layer has rotary positions: SmolLM3's `no_rope_layers` is one for those that do."""
    layers = drawing.settings.values.get("no_rope_layers")
    return not isinstance(layers, list) or drawing.layer >= len(layers) or bool(layers[drawing.layer])


def _repeat(drawing: Drawing, value: Value, times: int) -> Value:
    """Each group's keys or values for every query head of the group."""
    if times == 1:
        return value
    sketch = drawing.sketch
    batch, groups, tokens, size = value.shape
    column = sketch.reshape(value, (batch, groups, 1, tokens, size))
    repeated = sketch.expand(column, (batch, groups, times, tokens, size))
    return sketch.reshape(repeated, (batch, groups * times, tokens, size))


def _scale(drawing: Drawing, part: Step, size: int) -> float:
    """The factor on the scores: one over the root of the head size unless the part says otherwise."""
    scale = part.number("scale") if _says(part, "scale") else size**-0.5
    if _says(part, "scale_by"):  # Gemma: a size that stands in place of the head's
        by = part.number("scale_by")
        if by <= 0:
            raise StructureNotInferableError(f"config.json: scores cannot be scaled by {by}")
        scale = by**-0.5
    if part.flag("scale_by_layer"):  # GPT-2's scale_attn_by_inverse_layer_idx
        scale /= drawing.layer + 1
    if part.has("scaled") and not part.flag("scaled"):
        scale = 1.0
    if part.flag("yarn"):
        rope = rope_settings(drawing.settings, "")
        if rope.number("$mscale_all_dim|0") and rope.text("$rope_type|default") != "default":
            scale *= yarn_magnitude(rope.number("$factor"), rope.number("$mscale_all_dim")) ** 2
    return scale


def _mask(drawing: Drawing, part: Step, step: Step, queries: int, keys: int) -> np.ndarray | None:
    """Which pairs may attend; None where all do."""
    if step.has("memory") or not part.flag("causal"):
        return None
    distance = np.arange(queries)[:, None] - np.arange(keys)[None, :]
    mask = distance >= 0
    if _slides(drawing, part):
        mask &= distance < part.integer("window")
    return mask


def _slides(drawing: Drawing, part: Step) -> bool:
    """Whether this layer sees a window of the last tokens only (Beltagy et al. 2020)."""
    if not part.flag("window"):
        return False
    kind = _layer_type(drawing)
    if kind:
        return kind in ("sliding_attention", "local")
    if part.has("window_switch") and drawing.settings.find(part.name("window_switch")) is False:
        return False
    first = drawing.settings.resolve("$max_window_layers")
    return first is None or drawing.layer >= drawing.settings.integer(first)


def _says(part: Step, key: str) -> bool:
    """Whether the part names a setting and the configuration has it."""
    return part.has(key) and part.drawing.settings.resolve(part.fields[key]) is not None
