"""What attention adds to its scores by how far apart two tokens are."""

from math import log, log2

import numpy as np

from metagauge.architecture.templates.drawing import Drawing, Step
from metagauge.errors import StructureNotInferableError

_HEADS = 1 << 14


def waves(drawing: Drawing, step: Step) -> None:
    """`{ waves = "" }`: plus sines and then cosines of the places (Vaswani et al. 2017, sec. 3.5), as in Marian."""
    del step
    _, tokens, width = drawing.current.shape
    exponent = 2 * (np.arange(width) // 2) / width
    angle = np.arange(tokens)[:, None] / 10000.0**exponent
    table = np.concatenate([np.sin(angle[:, 0::2]), np.cos(angle[:, 1::2])], axis=1)
    drawing.value = drawing.sketch.add(drawing.current, drawing.sketch.constant(table.astype(np.float32)[None]))


def slopes(drawing: Drawing, step: Step) -> None:
    """`{ slopes = HEADS, as = KEPT }`: linear biases (Press et al. 2022, sec. 3), growing with the key's place."""
    heads = step.integer("slopes")
    if not 0 < heads <= _HEADS:
        raise StructureNotInferableError(f"config.json says {heads} heads; at least one and at most {_HEADS} can be")
    places = np.arange(drawing.current.shape[1], dtype=np.float32)
    bias = _slopes(heads)[:, None, None] * places[None, None, :]
    drawing.kept[step.name("as")] = drawing.sketch.constant(bias[None].astype(np.float32))


def _slopes(heads: int) -> np.ndarray:
    """A geometric series; for a count that is no power of two, every other one of the next power's is put behind."""
    power = 2 ** int(log2(heads))
    first = 2.0 ** (-8.0 / power * np.arange(1, power + 1))
    rest = 2.0 ** (-4.0 / power * np.arange(1, 2 * (heads - power), 2))
    return np.concatenate([first, rest])


def buckets(drawing: Drawing, step: Step) -> None:
    """`{ buckets = TABLE, as = KEPT, both_ways = FLAG, count = N, furthest = N }`: T5's relative position biases.

    The table (buckets, heads) is read by the logarithm of the distance (Raffel et al. 2020, sec. 2.1).
    """
    sketch = drawing.sketch
    table = drawing.weight(f"{step.target}.weight", axes=2)
    count = step.integer("count")
    if count != table.shape[0]:
        message = f"{step.target} has {table.shape[0]} buckets, and config.json says {count}"
        raise StructureNotInferableError(message)
    tokens = drawing.current.shape[1]
    places = np.arange(tokens)
    distance = places[None, :] - places[:, None]
    index = bucket_of(distance, both_ways=step.flag("both_ways"), count=count, furthest=step.integer("furthest"))
    rows = sketch.gather(table, sketch.constant(index))  # (queries, keys, heads)
    bias = sketch.transpose(rows, (2, 0, 1))
    drawing.kept[step.name("as")] = sketch.reshape(bias, (1, *bias.shape))


def bucket_of(distance: np.ndarray, *, both_ways: bool, count: int, furthest: int) -> np.ndarray:
    """Half of the buckets for distances one by one, the other half for logarithmic ranges up to `furthest`."""
    index = np.zeros_like(distance)
    if both_ways:
        count //= 2
        index = (distance > 0) * count
        distance = np.abs(distance)
    else:
        distance = -np.minimum(distance, 0)
    exact = count // 2
    if not 0 < exact < furthest:
        raise StructureNotInferableError(f"config.json: {count} buckets of relative positions up to {furthest}")
    far = np.log(np.maximum(distance, 1) / exact) / log(furthest / exact) * (count - exact)
    return index + np.where(distance < exact, distance, np.minimum(exact + far.astype(np.int64), count - 1))
