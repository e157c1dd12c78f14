"""Networks of the sizes that people use, with random weights, for benchmarks of the engines."""

import json
from math import prod
from pathlib import Path

import ml_dtypes
import numpy as np

from bench.cost import gpt2_config, gpt2_shapes
from bench.networks import filled
from metagauge.architecture.infer import infer
from metagauge.architecture.layers import GlobalPool, Pool, SelectToken, Tokens
from metagauge.graph.build import build
from metagauge.graph.parameter_graph import Block, NodeGroup, ParameterGraph
from models.in_memory import checkpoint_of
from models.zoo.sketch import Plan, Sketch

IMAGE = (3, 224, 224)
CLASSES = 1000
LAYER = 14336
"""Neurons on both sides of a large layer: 206 million weights."""


def resnet18(width: int = 64) -> ParameterGraph:
    """He et al. 2016, table 1: 11.7 million parameters, about a quarter of that with half the width."""
    return _graph(_resnet((2, 2, 2, 2), width, bottleneck=False))


def resnet50() -> ParameterGraph:
    """He et al. 2016, table 1: 25.6 million parameters."""
    return _graph(_resnet((3, 4, 6, 3), 64, bottleneck=True))


def vit_b16() -> ParameterGraph:
    """Dosovitskiy et al. 2021, table 1, with patches of 16 x 16: 86.6 million parameters."""
    sketch, width = Sketch(IMAGE), 768
    sketch.conv("patches", width, 16, 16, padding=0, bias=True)
    sketch.append("tokens", Tokens())
    sketch.class_token("class_token")
    sketch.position_table("positions")
    for number in range(12):
        name, stream = f"block{number}", sketch.here
        sketch.norm(f"{name}.norm1", "layer")
        stream = sketch.add(f"{name}.add1", stream, sketch.attention(f"{name}.attention", 12))
        sketch.norm(f"{name}.norm2", "layer")
        sketch.linear(f"{name}.up", 4 * width)
        sketch.activation(f"{name}.act", "gelu")
        sketch.add(f"{name}.add2", stream, sketch.linear(f"{name}.down", width))
    sketch.norm("last_norm", "layer")
    sketch.append("pool", SelectToken(index=0))
    sketch.linear("head", CLASSES)
    return _graph(sketch.finish("vit"))


def gpt2() -> ParameterGraph:
    """The smallest GPT-2, as its file has it: 124 million parameters."""
    rng = np.random.default_rng(0)
    checkpoint = checkpoint_of(
        {name: rng.standard_normal(shape, dtype=np.float32) * np.float32(0.02) for name, shape in gpt2_shapes().items()}
    )
    return build(infer(checkpoint, json.dumps(gpt2_config())), checkpoint)


def layer(file: Path) -> ParameterGraph:
    """One large layer, its weights in bfloat16 in a file that is mapped; made if missing."""
    shape = (LAYER, LAYER, 1)
    if not file.exists():
        rng = np.random.default_rng(0)
        written = np.memmap(file, np.uint16, "w+", shape=shape)
        for row in range(0, LAYER, 512):
            values = rng.standard_normal((512, LAYER, 1), dtype=np.float32) * np.float32(0.01)
            written[row : row + 512] = values.astype(ml_dtypes.bfloat16).view(np.uint16)
        written.flush()
    weight = np.memmap(file, np.uint16, "r", shape=shape).view(ml_dtypes.bfloat16)
    return ParameterGraph(
        groups=(
            NodeGroup(name="input", kind="input", size=LAYER, ordered=True),
            NodeGroup(name="output", kind="output", size=LAYER, depth=1, ordered=True),
        ),
        blocks=(Block(source=0, target=1, role="linear", weight=weight),),
        family="mlp",
    )


def _resnet(repeats: tuple[int, ...], width: int, *, bottleneck: bool) -> Plan:
    sketch = Sketch(IMAGE)
    sketch.conv("stem", width, 7, 2, padding=3, bias=False)
    sketch.norm("stem_norm", "batch")
    sketch.activation("stem_act", "relu")
    sketch.append("pool1", Pool(reduction="max", kernel=(3, 3), stride=(2, 2), padding=((1, 1), (1, 1))))
    for stage, count in enumerate(repeats):
        channels = width * 2**stage
        kernels = ((channels, 1), (channels, 3), (4 * channels, 1)) if bottleneck else ((channels, 3), (channels, 3))
        for number in range(count):
            _residual(sketch, f"stage{stage}.{number}", kernels, 2 if stage > 0 and number == 0 else 1)
    sketch.append("pool", GlobalPool(reduction="mean"))
    sketch.linear("head", CLASSES)
    return sketch.finish("resnet")


def _residual(sketch: Sketch, name: str, convolutions: tuple[tuple[int, int], ...], stride: int) -> None:
    """Convolutions of some channels and kernels, the one with stride being the first with a kernel of three."""
    stream, has_shortcut = sketch.here, sketch.value().features != convolutions[-1][0]
    strided = next(number for number, (_, kernel) in enumerate(convolutions) if kernel > 1)
    branch = stream
    for number, (channels, kernel) in enumerate(convolutions):
        step = stride if number == strided else 1
        sketch.conv(f"{name}.conv{number}", channels, kernel, step, padding=kernel // 2, bias=False)
        branch = sketch.norm(f"{name}.norm{number}", "batch")
        if number < len(convolutions) - 1:
            sketch.activation(f"{name}.act{number}", "relu")
    if has_shortcut:
        sketch.here = stream
        sketch.conv(f"{name}.shortcut", convolutions[-1][0], 1, stride, padding=0, bias=False)
        stream = sketch.norm(f"{name}.shortcut_norm", "batch")
    sketch.add(f"{name}.add", branch, stream)
    sketch.activation(f"{name}.act", "relu")


def _graph(plan: Plan) -> ParameterGraph:
    architecture, tensors = filled(plan, np.random.default_rng(0))
    return build(architecture, checkpoint_of(tensors))


def parameters(graph: ParameterGraph) -> int:
    """Weights in blocks that are no wiring."""
    return sum(prod(block.weight.shape) for block in graph.blocks if not block.is_wiring)
