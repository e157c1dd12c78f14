"""A network of each zoo family, written by either exporter, is the same layers and the same graph as declared."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from safetensors.numpy import save

from metagauge.architecture.architecture import Architecture
from metagauge.architecture.codec import METADATA_KEY, to_json
from metagauge.architecture.infer import infer
from metagauge.architecture.layers import Attention, ClassToken
from metagauge.architecture.onnx.lift import lift
from metagauge.checkpoint.checkpoint import Checkpoint
from metagauge.checkpoint.limits import Limits
from metagauge.checkpoint.onnx_file import read_onnx
from metagauge.checkpoint.safetensors_file import read_safetensors
from metagauge.errors import StructureNotInferableError
from metagauge.graph.build import build
from metagauge.graph.digest import differences
from models.interpreter.layers import run
from models.zoo.export import Network, to_onnx
from models.zoo.families import FAMILIES, draw
from tests.architecture.onnx_export import computed, export, some_images
from tests.architecture.onnx_programs import call, checkpoint_of, numbers, program
from tests.exported import shapes_unchecked

Tensors = dict[str, np.ndarray]
Writer = Callable[[Architecture, Tensors], bytes]
VITS = (0, 1, 2)
"""Seeds of vision transformers before and after their norms, with a class token and without."""

WRITERS: dict[str, Writer] = {
    "torchscript, one image": lambda architecture, tensors: to_onnx(architecture, tensors),
    "torchscript, three images": lambda architecture, tensors: to_onnx(architecture, tensors, batch=3),
    "dynamo, any batch": lambda architecture, tensors: export(Network(architecture, tensors), "dynamo", "dynamic"),
}
CASES = [(family, 1, "torchscript, one image") for family in FAMILIES if family != "vit"]
CASES += [("vit", seed, writer) for seed in VITS for writer in WRITERS]
CASES += [("deepsets", 1, "dynamo, any batch"), ("cnn", 1, "dynamo, any batch")]


def drawn(family: str, seed: int) -> tuple[Architecture, Tensors]:
    rng = np.random.default_rng(seed)
    plan = draw(family, rng)
    tensors = {}
    for name, tensor in plan.tensors.items():
        array = rng.normal(scale=0.2, size=tensor.shape) + (tensor.start == "one")
        tensors[name] = (np.abs(array) if "var" in name else array).astype(np.float32)
    return plan.architecture, tensors


def declared(architecture: Architecture, tensors: Tensors) -> Checkpoint:
    return read_safetensors(memoryview(save(tensors, metadata={METADATA_KEY: to_json(architecture)})), Limits())


def written(family: str, seed: int, writer: str) -> tuple[Architecture, Tensors, Checkpoint]:
    architecture, tensors = drawn(family, seed)
    with shapes_unchecked():
        file = WRITERS[writer](architecture, tensors)
    return architecture, tensors, read_onnx(memoryview(file), Limits())


@pytest.mark.parametrize(("family", "seed", "writer"), CASES)
def test_the_export_of_a_zoo_network_is_the_network(family: str, seed: int, writer: str):
    architecture, tensors, exported = written(family, seed, writer)
    lifted, own = lift(exported), declared(architecture, tensors)
    assert differences(build(infer(own, None), own), build(lifted, exported)) == ()
    images = some_images()
    expected = run(architecture, {name: torch.from_numpy(array) for name, array in tensors.items()}, images)
    torch.testing.assert_close(computed(lifted, exported, images), expected, rtol=1e-4, atol=1e-4)


def test_another_network_is_not_the_network():
    architecture, tensors, exported = written("vit", 0, "torchscript, one image")
    name = next(name for name in tensors if name.endswith("query.weight"))
    tensors[name] = tensors[name] + np.float32(0.1)
    own = declared(architecture, tensors)
    assert differences(build(infer(own, None), own), build(lift(exported), exported))


def test_attention_and_class_tokens_are_layers():
    kinds = [type(op.layer) for op in lift(written("vit", 0, "torchscript, one image")[2]).operations]
    assert Attention in kinds
    assert ClassToken in kinds


def copies(shape: tuple[int, ...], axis: int) -> Checkpoint:
    """A token repeated to `shape` before the four tokens of three samples."""
    nodes = [call("Expand", "token shape", "t"), call("Concat", "t x", "s", axis=axis), call("MatMul", "s w", "y")]
    sizes = np.array(shape, dtype=np.int64)
    return checkpoint_of(program(nodes, {"token": numbers(1, 1, 6), "shape": sizes, "w": numbers(6, 2)}, (3, 4, 6)))


def test_a_token_repeated_for_every_sample_is_one_token():
    assert [type(op.layer) for op in lift(copies((3, 1, 6), 1)).operations].count(ClassToken) == 1


@pytest.mark.parametrize(("shape", "axis"), [((3, 2, 6), 1), ((1, 3, 6), 1), ((3, 4, 6), 0), ((3, 4, 6), 2)])
def test_copies_for_anything_but_samples_are_no_class_token(shape: tuple[int, ...], axis: int):
    with pytest.raises(StructureNotInferableError):
        lift(copies(shape, axis))
