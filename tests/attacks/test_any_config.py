"""Whatever a config.json says, the checkpoint beside it becomes a graph or is refused, and the service lives."""

import json
import tracemalloc
from contextlib import suppress
from copy import deepcopy
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metagauge.architecture.infer import infer
from metagauge.checkpoint.checkpoint import Checkpoint
from metagauge.errors import MetagaugeError
from metagauge.graph.build import build
from tests.architecture.specified import checkpoint
from tests.attacks.test_any_specification import leaves

WIDTH = 8
GPT2 = {"wte.weight": (11, WIDTH), "wpe.weight": (16, WIDTH), "ln_f.weight": (WIDTH,), "ln_f.bias": (WIDTH,)}
for number in range(2):
    for name, inputs, outputs in (
        ("attn.c_attn", 1, 3),
        ("attn.c_proj", 1, 1),
        ("mlp.c_fc", 1, 4),
        ("mlp.c_proj", 4, 1),
    ):
        GPT2[f"h.{number}.{name}.weight"] = (inputs * WIDTH, outputs * WIDTH)
        GPT2[f"h.{number}.{name}.bias"] = (outputs * WIDTH,)
    GPT2 |= {f"h.{number}.ln_{norm}.{part}": (WIDTH,) for norm in (1, 2) for part in ("weight", "bias")}
CHECKPOINT = checkpoint({name: np.ones(shape, np.float32) for name, shape in GPT2.items()})
CONFIG = {
    "model_type": "gpt2",
    "architectures": ["GPT2Model"],
    "n_layer": 2,
    "n_head": 2,
    "n_embd": WIDTH,
    "n_positions": 16,
    "vocab_size": 11,
    "activation_function": "gelu_new",
    "layer_norm_epsilon": 1e-5,
    "attn_pdrop": 0.1,
    "task_specific_params": {"text-generation": {"max_length": 50}},
}
ODD = (0, -1, 1, 3, 2**31, 2**62, -(2**70), 10**30, 0.5, 1e308, None, True, "", "gelu", "x", [], {}, [1, 2], {"a": 1})
TYPES = ("bert", "llama", "t5", "vit", "resnet", "clip", "swin", "mamba", "whisper", "nothing", "../x", "", "GPT2")


def settle(config: object, given_checkpoint: Checkpoint) -> None:
    with suppress(MetagaugeError):
        build(infer(given_checkpoint, json.dumps(config)), given_checkpoint)


def test_the_configuration_that_is_changed_is_of_the_whole_checkpoint():
    network = infer(CHECKPOINT, json.dumps(CONFIG))
    assert (network.provenance.rung, network.unsupported) == ("config", ())
    assert build(network, CHECKPOINT).coverage == 1.0


@given(st.data())
@settings(deadline=None)
def test_any_change_of_a_configuration_is_settled(data):
    config = json.loads(json.dumps(CONFIG))
    for _ in range(data.draw(st.integers(1, 3))):
        *steps, last = data.draw(st.sampled_from([path for path in leaves(config) if path]))
        place = config
        for step in steps:
            place = place[step]
        place[last] = deepcopy(data.draw(st.sampled_from(ODD)))
    settle(config, CHECKPOINT)


@given(st.sampled_from(TYPES), st.sets(st.sampled_from(sorted(GPT2))))
@settings(deadline=None)
def test_another_family_or_missing_tensors_are_settled(model_type: str, lost: set[str]):
    kept = {name: tensor for name, tensor in CHECKPOINT.tensors.items() if name not in lost}
    settle({**CONFIG, "model_type": model_type}, replace(CHECKPOINT, tensors=kept))


@given(
    st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9), st.lists, max_leaves=9)
)
def test_any_value_for_any_field_is_settled(value):
    for field in ("model_type", "architectures", "n_layer", "n_head"):
        settle({**CONFIG, field: value}, CHECKPOINT)


@pytest.mark.parametrize("field", ["n_layer", "n_head"])
@pytest.mark.parametrize("size", [10**9, 2**63, 10**100])
def test_a_number_that_the_tensors_do_not_have_is_refused_at_once(field: str, size: int):
    with pytest.raises(MetagaugeError, match=r"\w+ \w+"):
        infer(CHECKPOINT, json.dumps({**CONFIG, field: size}))


@pytest.mark.parametrize("field", ["n_embd", "n_positions", "vocab_size", "n_inner"])
def test_a_huge_number_takes_no_memory(field: str):
    tracemalloc.start()
    settle({**CONFIG, field: 10**12}, CHECKPOINT)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 50 * 1024**2
