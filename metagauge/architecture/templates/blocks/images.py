"""Images: patches as tokens, class tokens, tables of places, and position biases of patches."""

from math import prod

import numpy as np

from metagauge.architecture.templates.blocks.attention import merge_heads, mix, split_heads
from metagauge.architecture.templates.drawing import Drawing, Step
from metagauge.architecture.templates.sketch import Value
from metagauge.errors import ArchitectureMismatchError, StructureNotInferableError

_LARGEST_IMAGE = 1 << 13
"""Pixels along one side."""


def pixels(drawing: Drawing, step: Step) -> None:
    """`{ pixels = NAME, size = SIZE, channels = COUNT }`: an image (1, channels, height, width) that the caller gives.

    Without a `size` in the configuration that of the sample is taken.
    """
    height, width = _pair(drawing, step.fields.get("size"), drawing.sample.image)
    channels = step.integer("channels") if step.has("channels") else 3
    if not 0 < min(height, width) <= max(height, width) <= _LARGEST_IMAGE or not 0 < channels <= 1024:
        message = f"config.json: an image of {channels} channels, {height} by {width}"
        raise StructureNotInferableError(f"{message}; at most {_LARGEST_IMAGE} pixels on a side can be")
    drawing.value = drawing.sketch.given(step.target, (1, channels, height, width))


def patches(drawing: Drawing, step: Step) -> None:
    """`{ patches = CONVOLUTION, keep_grid = NAME }`: a patch becomes a token (Dosovitskiy et al. 2021, sec. 3.1).

    The patch's size is that of the kernel. The grid of patches is remembered for position biases.
    """
    sketch = drawing.sketch
    weight = drawing.weight(f"{step.target}.weight")
    if weight.rank != 4 or weight.shape[2] != weight.shape[3]:
        raise ArchitectureMismatchError(f"{step.target} has shape {list(weight.shape)}, and square patches are known")
    bias = drawing.optional(f"{step.target}.bias")
    maps = sketch.convolve(drawing.current, weight, bias, stride=weight.shape[2])
    drawing.grid = maps.shape[2:]
    drawing.value = to_tokens(drawing, maps)


def to_tokens(drawing: Drawing, maps: Value) -> Value:
    """(1, channels, height, width) as (1, height * width, channels)."""
    batch, channels, *places = maps.shape
    flat = drawing.sketch.reshape(maps, (batch, channels, prod(places)))
    return drawing.sketch.transpose(flat, (0, 2, 1))


def to_maps(drawing: Drawing, tokens: Value, grid: tuple[int, ...]) -> Value:
    """The inverse of `to_tokens`."""
    channels_first = drawing.sketch.transpose(tokens, (0, 2, 1))
    return drawing.sketch.reshape(channels_first, (tokens.shape[0], tokens.shape[2], *grid))


def prepend(drawing: Drawing, step: Step) -> None:
    """`{ prepend = TENSOR }`: learned tokens before the others."""
    token = drawing.weight(step.target)
    value = drawing.current
    if token.rank == 1:
        token = drawing.sketch.reshape(token, (1, 1, *token.shape))
    drawing.value = drawing.sketch.concat([token, value], 1)


def places(drawing: Drawing, step: Step) -> None:
    """`{ places = TENSOR }`: plus a learned vector for each token; the table has exactly as many."""
    table = drawing.weight(step.target)
    value = drawing.current
    if table.rank == 2:
        table = drawing.sketch.reshape(table, (1, *table.shape))
    if table.shape != value.shape:
        message = f"{step.target} has shape {list(table.shape)}, and there are {value.shape[1]} tokens"
        raise ArchitectureMismatchError(f"{message}: image_size or patch_size of config.json do not fit the tensors")
    drawing.value = drawing.sketch.add(value, table)


def patch_biases(drawing: Drawing, step: Step) -> None:
    """`{ patch_biases = TABLE, as = KEPT }`: BEiT's relative position biases.

    The table (distances + 3, heads) has a row for each distance of two patches, the last three for the class token.
    """
    sketch = drawing.sketch
    table = drawing.weight(step.target, axes=2)
    height, width = drawing.grid
    distances = (2 * height - 1) * (2 * width - 1)
    if table.shape[0] != distances + 3:
        message = f"{step.target} has {table.shape[0]} rows, and {distances + 3} are needed for {height} by {width}"
        raise ArchitectureMismatchError(f"{message} patches: image_size or patch_size do not fit the tensors")
    index = np.zeros((height * width + 1,) * 2, dtype=np.int64)
    index[1:, 1:] = window_index(height, width)
    index[0, :], index[:, 0], index[0, 0] = distances, distances + 1, distances + 2
    rows = sketch.gather(table, sketch.constant(index))
    bias = sketch.transpose(rows, (2, 0, 1))
    drawing.kept[step.name("as")] = sketch.reshape(bias, (1, *bias.shape))


def window_index(height: int, width: int) -> np.ndarray:
    """The row of a table of distances for each pair of places in a window (Liu et al. 2021, sec. 3.2)."""
    rows, columns = (axis.ravel() for axis in np.meshgrid(np.arange(height), np.arange(width), indexing="ij"))
    down = rows[:, None] - rows[None, :] + height - 1
    across = columns[:, None] - columns[None, :] + width - 1
    return down * (2 * width - 1) + across


def registers(drawing: Drawing, step: Step) -> None:
    """`{ registers = TENSOR }`: learned tokens behind the first one (Darcet et al. 2024)."""
    sketch = drawing.sketch
    value = drawing.current
    first, rest = sketch.slice(value, 1, 0, 1), sketch.slice(value, 1, 1, value.shape[1])
    drawing.value = sketch.concat([first, drawing.weight(step.target), rest], 1)


def mean_patches(drawing: Drawing, step: Step) -> None:
    """`{ mean_patches = "" }`: the mean over the tokens that are patches, which come last."""
    del step
    sketch = drawing.sketch
    value = drawing.current
    part = sketch.slice(value, 1, value.shape[1] - prod(drawing.grid), value.shape[1])
    drawing.value = sketch.reduce("ReduceMean", part, (1,), keep=False)


def beside(drawing: Drawing, step: Step) -> None:
    """`{ beside = KEPT }`: a remembered value and, behind its features, the current one's."""
    drawing.value = drawing.sketch.concat([drawing.kept[step.target], drawing.current], -1)


def probe(drawing: Drawing, step: Step) -> None:
    """`{ probe = PREFIX, heads = COUNT }`: attention of a learned query over all tokens (SigLIP's pooling head).

    The projections are those of torch.nn.MultiheadAttention, queries, keys and values fused in this order.
    """
    sketch = drawing.sketch
    with drawing.at(step.target):
        query, memory = drawing.weight("probe", axes=3), drawing.current
        weight, bias = (
            drawing.weight("attention.in_proj_weight", axes=2),
            drawing.weight("attention.in_proj_bias", axes=1),
        )
        third = weight.shape[0] // 3
        projected = []
        for index, value in enumerate((query, memory, memory)):
            start, stop = index * third, (index + 1) * third
            rows = sketch.linear(value, sketch.slice(weight, 0, start, stop), sketch.slice(bias, 0, start, stop))
            projected.append(split_heads(drawing, rows, step.integer("heads")))
        queries, keys, values = projected
        mixed = mix(drawing, (queries, keys, values), scale=queries.shape[-1] ** -0.5, bias=None, mask=None)
        drawing.value = drawing.linear("attention.out_proj", merge_heads(drawing, mixed))


def _pair(drawing: Drawing, stated: object, otherwise: int) -> tuple[int, int]:
    """A size that is one number or two."""
    size = drawing.settings.resolve(stated)
    if size is None:
        drawing.settings.choose(f"an image of {otherwise} by {otherwise}")
        return otherwise, otherwise
    if isinstance(size, list) and len(size) == 2:
        return drawing.settings.integer(size[0]), drawing.settings.integer(size[1])
    return drawing.settings.integer(size), drawing.settings.integer(size)
