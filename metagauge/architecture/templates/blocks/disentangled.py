"""Disentangled attention of DeBERTa (He et al. 2021, sec. 3.1): contents and distances look at each other."""

from math import sqrt

import numpy as np

from metagauge.architecture.templates.blocks.attention import merge_heads, split_heads
from metagauge.architecture.templates.drawing import Drawing, Step
from metagauge.architecture.templates.sketch import Value
from metagauge.errors import ArchitectureMismatchError, StructureNotInferableError


def disentangled(drawing: Drawing, step: Step) -> None:
    """`{ disentangled = PREFIX, heads = COUNT, distances = KEPT }`: DeBERTa 2 and 3.

    `distances` is the table (2 * span, features) of distances; without it attention is plain. The configuration's
    `pos_att_type` says which of the two terms there are, `share_att_key` whether they share projections.
    """
    sketch, heads = drawing.sketch, step.integer("heads")
    with drawing.at(step.target):
        names = ("query_proj", "key_proj", "value_proj")
        queries, keys, values = (split_heads(drawing, drawing.linear(name, drawing.current), heads) for name in names)
        kinds = _kinds(drawing)
        size = queries.shape[-1]
        scale = 1 / sqrt(size * (1 + len(kinds)))
        scores = sketch.matmul(queries, sketch.scale(sketch.transpose(keys, (0, 1, 3, 2)), scale))
        if step.has("distances") and step.name("distances") in drawing.kept:
            table = drawing.kept[step.name("distances")]
            for kind in kinds:
                term = _term(drawing, kind, table, (queries, keys))
                scores = sketch.add(scores, sketch.scale(term, scale))
        drawing.value = merge_heads(drawing, sketch.matmul(sketch.softmax(scores), values))


def distance_table(drawing: Drawing, step: Step) -> None:
    """`{ distance_table = TABLE, as = KEPT }`: the rows of the distances that the network tells apart."""
    table = drawing.weight(f"{step.target}.weight")
    span = _span(drawing)
    if table.shape[0] < 2 * span:
        raise ArchitectureMismatchError(f"{step.target} has {table.shape[0]} rows, and config.json asks for {2 * span}")
    drawing.value = drawing.sketch.slice(table, 0, 0, 2 * span)


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
    heads, tokens, span = queries.shape[1], queries.shape[2], _span(drawing)
    content, own, other = (
        (queries, "pos_key_proj", "key_proj") if kind == "c2p" else (keys, "pos_query_proj", "query_proj")
    )
    rows = sketch.reshape(table, (1, *table.shape))
    projected = split_heads(drawing, drawing.linear(other if shared else own, rows), heads)
    against = sketch.matmul(content, sketch.transpose(projected, (0, 1, 3, 2)))  # (1, heads, tokens, 2 * span)
    distance = _distances(drawing, tokens)
    index = np.clip((distance if kind == "c2p" else -distance) + span, 0, 2 * span - 1)
    spread = sketch.expand(sketch.constant(index[None, None]), (1, heads, tokens, tokens))
    term = sketch.operator("GatherElements", spread.shape, against, spread, axis=3)
    return term if kind == "c2p" else sketch.transpose(term, (0, 1, 3, 2))
