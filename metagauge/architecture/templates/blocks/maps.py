"""Maps of features, (1, channels, height, width): convolutions, batch norm, resizing, and a ResNet as a backbone."""

import numpy as np

from metagauge.architecture.templates.blocks.images import to_maps, to_tokens
from metagauge.architecture.templates.drawing import Drawing, Step
from metagauge.architecture.templates.sketch import Value
from metagauge.errors import StructureNotInferableError

_BATCH_NORM_EPSILON = 1e-5
"""torch.nn.BatchNorm2d's."""
_MOST_LAYERS = 1024


def convolve(drawing: Drawing, step: Step) -> None:
    """`{ convolve = NAME, stride = N, padding = N }`: a convolution, with a bias where the file has one.

    `same` pads by half the kernel.
    """
    weight, bias = drawing.weight(f"{step.target}.weight"), drawing.optional(f"{step.target}.bias")
    padding = weight.shape[-1] // 2 if step.flag("same") else step.integer("padding")
    stride = step.integer("stride", 1)
    drawing.value = drawing.sketch.convolve(drawing.current, weight, bias, stride=stride, padding=padding)


def batch_norm(drawing: Drawing, step: Step) -> None:
    """`{ batch_norm = NAME }`."""
    drawing.value = _normalised(drawing, step.target, drawing.current)


def flat(drawing: Drawing, step: Step) -> None:
    """`{ flat = "" }`: the map as tokens; its height and width are remembered."""
    del step
    drawing.grid = drawing.current.shape[2:]
    drawing.value = to_tokens(drawing, drawing.current)


def flat_apart(drawing: Drawing, step: Step) -> None:
    """`{ flat_apart = "" }`: the map as tokens, and the height and width of another one stay remembered."""
    del step
    drawing.value = to_tokens(drawing, drawing.current)


def unflat(drawing: Drawing, step: Step) -> None:
    """`{ unflat = "" }`: tokens as a map of the height and width remembered."""
    del step
    drawing.value = to_maps(drawing, drawing.current, drawing.grid)


def resize_like(drawing: Drawing, step: Step) -> None:
    """`{ resize_like = KEPT }`: linear interpolation to the height and width of a remembered map."""
    value, sizes = drawing.current, drawing.kept[step.target].shape[2:]
    shape = (*value.shape[:2], *sizes)
    inputs = (value, None, None, drawing.sketch.constant([*shape]))
    drawing.value = drawing.sketch.operator("Resize", shape, *inputs, mode="linear")


def stack(drawing: Drawing, step: Step) -> None:
    """`{ stack = "part *", count = N }`: the channels of remembered maps 0 to N - 1, or `reversed`, concatenated."""
    stem, count = step.target, drawing.count_layers(step.resolved("count"))
    names = [stem.replace("*", str(index)) for index in range(count)]
    if step.flag("reversed"):
        names.reverse()
    drawing.value = drawing.sketch.concat([drawing.kept[name] for name in names], 1)


def sines(drawing: Drawing, step: Step) -> None:
    """`{ sines = WIDTH, as = KEPT }`: DETR's sines and cosines of the places in the current map (1, places, WIDTH)."""
    width = step.integer("sines") // 2
    height, across = drawing.current.shape[2:]
    if width < 2 or width % 2 or width > 1 << 16:
        raise StructureNotInferableError(f"config.json: sines of {width} features for each side of an image")
    exponent = 2 * (np.arange(width) // 2) / width
    tables = []
    for count in (height, across):
        place = np.arange(1, count + 1) / (count + 1e-6) * 2 * np.pi
        angle = place[:, None] / 10000.0**exponent
        tables.append(np.stack([np.sin(angle[:, 0::2]), np.cos(angle[:, 1::2])], axis=2).reshape(count, width))
    rows = np.broadcast_to(tables[0][:, None, :], (height, across, width))
    columns = np.broadcast_to(tables[1][None, :, :], (height, across, width))
    table = np.concatenate([rows, columns], axis=2).reshape(1, height * across, 2 * width)
    drawing.kept[step.name("as")] = drawing.sketch.constant(table.astype(np.float32))


def queries(drawing: Drawing, step: Step) -> None:
    """`{ queries = TABLE, as = KEPT }`: one slot for each row of a table, empty at first; the rows are remembered."""
    table = drawing.weight(step.target, axes=2)
    drawing.kept[step.name("as")] = drawing.sketch.reshape(table, (1, *table.shape))
    drawing.value = drawing.sketch.constant(np.zeros((1, *table.shape), dtype=np.float32))


def resnet(drawing: Drawing, step: Step) -> None:
    """`{ resnet = PREFIX }`: a ResNet without its head (He et al. 2016), as many layers as the file has.

    `first_stride` is that of the first stage, `early` tells whether bottlenecks step in their first convolution.
    """
    sketch = drawing.sketch
    with drawing.at(step.target):
        value = sketch.elementwise("Relu", _layer(drawing, "embedder.embedder", drawing.current, 2))
        sizes = tuple((size + 2 - 3) // 2 + 1 for size in value.shape[2:])
        pool = {"kernel_shape": (3, 3), "strides": (2, 2), "pads": (1, 1, 1, 1)}
        value = sketch.operator("MaxPool", (*value.shape[:2], *sizes), value, **pool)
        for stage in range(_count(drawing, "encoder.stages.{}.layers.0.layer.0.convolution.weight")):
            for layer in range(_count(drawing, f"encoder.stages.{stage}.layers.{{}}.layer.0.convolution.weight")):
                stride = 1 if layer else step.integer("first_stride", 1) if stage == 0 else 2
                with drawing.at(f"encoder.stages.{stage}.layers.{layer}"):
                    value = _block(drawing, value, stride, early=step.flag("early"))
    drawing.value = value


def _block(drawing: Drawing, value: Value, stride: int, *, early: bool) -> Value:
    count = _count(drawing, "layer.{}.convolution.weight")
    stepping = 0 if count == 2 or early else 1
    branch = value
    for index in range(count):
        branch = _layer(drawing, f"layer.{index}", branch, stride if index == stepping else 1)
        if index < count - 1:
            branch = drawing.sketch.elementwise("Relu", branch)
    if drawing.has("shortcut.convolution.weight"):
        value = _layer(drawing, "shortcut", value, stride)
    return drawing.sketch.elementwise("Relu", drawing.sketch.add(branch, value))


def _layer(drawing: Drawing, name: str, value: Value, stride: int) -> Value:
    weight = drawing.weight(f"{name}.convolution.weight")
    maps = drawing.sketch.convolve(value, weight, None, stride=stride, padding=weight.shape[-1] // 2)
    return _normalised(drawing, f"{name}.normalization", maps)


def _normalised(drawing: Drawing, name: str, value: Value) -> Value:
    parts = [drawing.weight(f"{name}.{part}") for part in ("weight", "bias", "running_mean", "running_var")]
    return drawing.sketch.batch_norm(value, (parts[0], parts[1], parts[2], parts[3]), _BATCH_NORM_EPSILON)


def _count(drawing: Drawing, pattern: str) -> int:
    """How many of the numbered tensors the file has, from zero on."""
    return next(index for index in range(_MOST_LAYERS) if not drawing.has(pattern.format(index)))
