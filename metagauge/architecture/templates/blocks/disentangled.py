"""Disentangled attention of DeBERTa (He et al. 2021, sec. 3.1): contents and distances look at each other."""

from math import sqrt

import numpy as np

from metagauge.architecture.templates.blocks.attention import merge_heads, split_heads
from metagauge.architecture.templates.drawing import Drawing, Step
from metagauge.architecture.templates.sketch import Value
from metagauge.errors import ArchitectureMismatchError, StructureNotInferableError

_OWN = {"c2p": ("pos_key_proj", "pos_proj"), "p2c": ("pos_query_proj", "pos_q_proj")}
"""Projections of the distances, as DeBERTa 2 and 1 call them."""
_SHARED = {"c2p": ("key_proj",), "p2c": ("query_proj",)}


def disentangled(drawing: Drawing, step: Step) -> None:
    """`{ disentangled = PREFIX, heads = COUNT, distances = KEPT }`.

    `distances` is the table (2 * span, features) of distances; without it attention is plain. The configuration's
    `pos_att_type` says which of the two terms there are. DeBERTa 1 has one projection for queries, keys and values,
    and a table that is cut to the distances of the sample; 2 and 3 may share projections (`share_att_key`).
    """
    sketch, heads = drawing.sketch, step.integer("heads")
    with drawing.at(step.target):
        queries, keys, values = _projected(drawing, heads)
        kinds = _kinds(drawing)
        scale = 1 / sqrt(queries.shape[-1] * (1 + len(kinds)))
        scores = sketch.matmul(queries, sketch.scale(sketch.transpose(keys, (0, 1, 3, 2)), scale))
        if step.has("distances") and step.name("distances") in drawing.kept:
            table = drawing.kept[step.name("distances")]
            for kind in kinds:
                term = _term(drawing, kind, table, (queries, keys))
                scores = sketch.add(scores, sketch.scale(term, scale))
        drawing.value = merge_heads(drawing, sketch.matmul(sketch.softmax(scores), values))


def _projected(drawing: Drawing, heads: int) -> tuple[Value, Value, Value]:
    """Queries, keys and values."""
    if not drawing.has("in_proj.weight"):
        names = ("query_proj", "key_proj", "value_proj")
        queries, keys, values = (split_heads(drawing, drawing.linear(name, drawing.current), heads) for name in names)
        return queries, keys, values
    sketch = drawing.sketch
    fused = split_heads(drawing, drawing.linear("in_proj", drawing.current), heads)
    size, rest = divmod(fused.shape[-1], 3)
    if rest:
        raise ArchitectureMismatchError(f"in_proj gives {fused.shape[-1]} features to each of {heads} heads")
    queries, keys, values = sketch.split(fused, -1, (size, size, size))
    for_queries, for_values = (
        sketch.reshape(drawing.weight(name), (1, heads, 1, size)) for name in ("q_bias", "v_bias")
    )
    return sketch.add(queries, for_queries), keys, sketch.add(values, for_values)


def distance_table(drawing: Drawing, step: Step) -> None:
    """`{ distance_table = TABLE, as = KEPT }`: the rows of the distances that the network tells apart."""
    table = drawing.weight(f"{step.target}.weight", axes=2)
    span = _span(drawing)
    if table.shape[0] < 2 * span:
        raise ArchitectureMismatchError(f"{step.target} has {table.shape[0]} rows, and config.json asks for {2 * span}")
    first = 0
    if step.flag("cut"):  # DeBERTa 1 keeps the rows around the middle
        near = min(drawing.current.shape[1], span)
        first, span = span - near, near
    drawing.value = drawing.sketch.slice(table, 0, first, first + 2 * span)


def _kinds(drawing: Drawing) -> list[str]:
    """The terms beside content to content: c2p, p2c."""
    stated = drawing.settings.resolve("$pos_att_type")
    names = stated.split("|") if isinstance(stated, str) else stated if isinstance(stated, list) else []
    kinds = [str(name).strip().lower() for name in names]
    if any(kind not in ("c2p", "p2c") for kind in kinds) or len(set(kinds)) != len(kinds):
        raise StructureNotInferableError(f"config.json: pos_att_type {str(stated)[:60]!r} is not known")
    return sorted(kinds)


def _furthest(drawing: Drawing) -> int:
    furthest = drawing.settings.integer("$max_relative_positions|0")
    return furthest if furthest >= 1 else drawing.settings.integer("$max_position_embeddings")


def _span(drawing: Drawing) -> int:
    buckets = drawing.settings.integer("$position_buckets|0")
    return buckets if buckets > 0 else _furthest(drawing)


def _distances(drawing: Drawing, tokens: int) -> np.ndarray:
    """Of every query from every key, in logarithmic buckets where the configuration has them."""
    places = np.arange(tokens)
    distance = places[:, None] - places[None, :]
    buckets, furthest = drawing.settings.integer("$position_buckets|0"), _furthest(drawing)
    if buckets <= 0:
        return distance
    middle = buckets // 2
    if not 0 < middle < furthest - 1:
        raise StructureNotInferableError(f"config.json: {buckets} buckets of positions up to {furthest}")
    far = np.maximum(np.abs(distance), middle - 1 if middle > 1 else 1)
    logarithmic = np.ceil(np.log(far / middle) / np.log((furthest - 1) / middle) * (middle - 1)) + middle
    return np.where(np.abs(distance) <= middle, distance, logarithmic * np.sign(distance)).astype(np.int64)


def _term(drawing: Drawing, kind: str, table: Value, contents: tuple[Value, Value]) -> Value:
    """Scores of contents against distances: (1, heads, queries, keys)."""
    sketch = drawing.sketch
    shared = drawing.settings.flag("$share_att_key")
    queries, keys = contents
    heads, tokens, span = queries.shape[1], queries.shape[2], table.shape[0] // 2
    content = queries if kind == "c2p" else keys
    names = _SHARED[kind] if shared else _OWN[kind]
    name = next((name for name in names if drawing.has(f"{name}.weight")), names[0])
    rows = sketch.reshape(table, (1, *table.shape))
    projected = split_heads(drawing, drawing.linear(name, rows), heads)
    against = sketch.matmul(content, sketch.transpose(projected, (0, 1, 3, 2)))  # (1, heads, tokens, 2 * span)
    distance = _distances(drawing, tokens)
    index = np.clip((distance if kind == "c2p" else -distance) + span, 0, 2 * span - 1)
    spread = sketch.expand(sketch.constant(index[None, None]), (1, heads, tokens, tokens))
    term = sketch.operator("GatherElements", spread.shape, against, spread, axis=3)
    return term if kind == "c2p" else sketch.transpose(term, (0, 1, 3, 2))
