"""Tensors with names that templates know, and any shapes and types: a graph that fits them, or one of our refusals."""

import json
from collections.abc import Mapping
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metagauge.architecture.infer import infer
from metagauge.checkpoint.checkpoint import Checkpoint
from metagauge.checkpoint.format import Format
from metagauge.checkpoint.tensor import Tensor
from metagauge.errors import ArchitectureMismatchError, MetagaugeError
from metagauge.graph.build import build
from tests.attacks.test_any_config import CONFIG, GPT2

Shapes = Mapping[str, tuple[int, ...]]

GRU: Shapes = {
    f"rnn.{kind}_{side}_l{layer}": (12, 4) if kind == "weight" else (12,)
    for layer in range(2)
    for side in ("ih", "hh")
    for kind in ("weight", "bias")
}
CHAIN: Shapes = {f"{2 * n}.{kind}": shape for n in range(3) for kind, shape in (("weight", (5, 5)), ("bias", (5,)))}
NETWORKS: Mapping[str, tuple[Shapes, dict | None]] = {
    "gpt2": (GPT2, CONFIG),
    "gru": (GRU, None),
    "chain": (CHAIN, None),
    "gpt2 without its config": (GPT2, None),
}
SIZES = st.integers(0, 9) | st.sampled_from([12, 16, 24, 32, 300])
ENDINGS = ("weight", "bias", "running_mean", "weight_g", "weight_ih_l0", "lora_A.weight")


def tensor(name: str, shape: tuple[int, ...], dtype: str) -> Tensor:
    kind = {"F32": np.float32, "I64": np.int64, "U8": np.uint8, "BOOL": np.bool_}[dtype]
    numbers = np.broadcast_to(kind(1), shape)
    return Tensor(name=name, dtype=dtype, shape=shape, load=lambda: numbers)


def checkpoint(shapes: Shapes, dtypes: Mapping[str, str]) -> Checkpoint:
    tensors = {name: tensor(name, shape, dtypes.get(name, "F32")) for name, shape in shapes.items()}
    return Checkpoint(format=Format.SAFETENSORS, size_bytes=1, tensors=tensors, metadata={})


def settle(shapes: Shapes, dtypes: Mapping[str, str], config: dict | None) -> None:
    given_checkpoint = checkpoint(shapes, dtypes)
    with suppress(MetagaugeError):
        network = infer(given_checkpoint, None if config is None else json.dumps(config))
        assert 0 <= build(network, given_checkpoint).coverage <= 1


@given(st.data())
@settings(deadline=None)
def test_any_change_of_names_shapes_and_types_is_settled(data):
    original, config = NETWORKS[data.draw(st.sampled_from(sorted(NETWORKS)))]
    shapes, dtypes = dict(original), {}
    for _ in range(data.draw(st.integers(1, 3))):
        name = data.draw(st.sampled_from(sorted(shapes)))
        match data.draw(st.sampled_from(["shape", "size", "type", "drop", "rename", "more"])):
            case "shape":
                shapes[name] = tuple(data.draw(st.lists(SIZES, max_size=5)))
            case "size" if shapes[name]:
                axis = data.draw(st.integers(0, len(shapes[name]) - 1))
                shapes[name] = (*shapes[name][:axis], data.draw(SIZES), *shapes[name][axis + 1 :])
            case "type":
                dtypes[name] = data.draw(st.sampled_from(["I64", "U8", "BOOL"]))
            case "drop" if len(shapes) > 1:
                del shapes[name]
            case "rename":
                shapes[f"{name.rpartition('.')[0]}.{data.draw(st.sampled_from(ENDINGS))}"] = shapes.pop(name)
            case "more":
                shapes[data.draw(st.text(max_size=20))] = tuple(data.draw(st.lists(SIZES, max_size=3)))
    settle(shapes, dtypes, config)


@pytest.mark.parametrize("name", ["wte.weight", "wpe.weight", "h.0.attn.c_attn.weight", "ln_f.weight"])
@pytest.mark.parametrize("shape", [(), (0,), (1, 1, 1, 1), (0, 0)])
def test_a_tensor_of_a_shape_that_its_family_does_not_have_is_a_mismatch(name: str, shape: tuple[int, ...]):
    given_checkpoint = checkpoint({**GPT2, name: shape}, {})
    with pytest.raises(ArchitectureMismatchError):
        build(infer(given_checkpoint, json.dumps(CONFIG)), given_checkpoint)
