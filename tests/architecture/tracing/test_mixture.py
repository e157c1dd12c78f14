"""Mixtures of experts, and gates, as ONNX Runtime fuses them."""

import numpy as np
import pytest
from onnx import helper

from tests.architecture.tracing.same import assert_same, computed, model, port, random

TOKENS, WIDTH, INNER, EXPERTS = 5, 8, 12, 4


def one(operator: str, inputs: list[str], **attributes):
    return helper.make_node(operator, inputs, ["y"], domain="com.microsoft", **attributes)


def silu(x: np.ndarray) -> np.ndarray:
    return x / (1 + np.exp(-x))


def routed(scores: np.ndarray, count: int, *, normalised: bool) -> np.ndarray:
    shares = np.exp(scores) / np.exp(scores).sum(1, keepdims=True)
    kept = np.where(shares >= np.sort(shares, 1)[:, -count][:, None], shares, 0)
    return kept / kept.sum(1, keepdims=True) if normalised else kept


@pytest.mark.parametrize("normalised", [False, True])
@pytest.mark.parametrize("is_turned", [False, True])
def test_the_best_experts_are_mixed(is_turned, normalised):
    first, second = random(EXPERTS, INNER, WIDTH, seed=1), random(EXPERTS, WIDTH, INNER, seed=2)
    constants = {"router": random(WIDTH, EXPERTS, seed=3), "one": first, "b": random(EXPERTS, INNER), "two": second}
    if is_turned:
        constants |= {"one": first.transpose(0, 2, 1), "two": second.transpose(0, 2, 1)}
    names = ["x", "r", "one", "b", "two"]
    mixture = one("MoE", names, k=2, normalize_routing_weights=int(normalised), activation_type="silu")
    nodes = [helper.make_node("MatMul", ["x", "router"], ["r"]), mixture]
    x = random(TOKENS, WIDTH)
    (y,) = computed(model(nodes, [port("x", TOKENS, WIDTH)], constants), {"x": x})
    hidden = silu(np.einsum("td,eid->tei", x, first) + constants["b"])
    each = np.einsum("tei,edi->ted", hidden, second)
    wanted = np.einsum("te,ted->td", routed(x @ constants["router"], 2, normalised=normalised), each)
    np.testing.assert_allclose(y, wanted, atol=1e-4)


@pytest.mark.parametrize("fusion", [1, 2])
def test_the_gate_and_what_it_gates_may_be_one_projection(fusion):
    first, second = random(EXPERTS, 2 * INNER, WIDTH, seed=1), random(EXPERTS, WIDTH, INNER, seed=2)
    constants = {"router": random(WIDTH, EXPERTS, seed=3), "one": first, "two": second}
    settings = {"activation_alpha": 1.702, "activation_beta": 1.0, "swiglu_limit": 2.0}
    mixture = one("MoE", ["x", "r", "one", "", "two"], k=1, activation_type="swiglu", swiglu_fusion=fusion, **settings)
    nodes = [helper.make_node("MatMul", ["x", "router"], ["r"]), mixture]
    x = random(TOKENS, WIDTH)
    (y,) = computed(model(nodes, [port("x", TOKENS, WIDTH)], constants), {"x": x})
    both = np.einsum("td,eid->tei", x, first)
    gate, linear = (both[..., 0::2], both[..., 1::2]) if fusion == 1 else (both[..., :INNER], both[..., INNER:])
    gate, linear = np.minimum(gate, 2), np.clip(linear, -2, 2)
    hidden = gate / (1 + np.exp(-1.702 * gate)) * (linear + 1)
    each = np.einsum("tei,edi->ted", hidden, second)
    wanted = np.einsum("te,ted->td", routed(x @ constants["router"], 1, normalised=False), each)
    np.testing.assert_allclose(y, wanted, atol=1e-4)


def test_a_gated_position_bias():
    """The equations are those in the operator's documentation."""
    heads, tokens, width = 2, 5, 4
    constants = {
        "b": random(heads * width, seed=1),
        "p": random(1, heads, tokens, tokens, seed=2),
        "w": random(width, 8, seed=3),
        "c": random(8, seed=4),
        "eco": random(1, heads, 1, 1, seed=5),
    }
    node = one("GatedRelativePositionBias", ["x", "b", "p", "w", "c", "eco"], num_heads=heads)
    x = random(1, tokens, heads * width)
    (y,) = computed(model([node], [port("x", 1, tokens, heads * width)], constants), {"x": x})
    query = (x + constants["b"]).reshape(1, tokens, heads, width).transpose(0, 2, 1, 3)
    sums = (query @ constants["w"] + constants["c"]).reshape(1, heads, tokens, 2, 4).sum(-1)
    update, reset = np.split(1 / (1 + np.exp(-sums)), 2, axis=-1)
    wanted = (update * (reset * constants["eco"] - 1) + 2) * constants["p"]
    np.testing.assert_allclose(y, wanted, atol=1e-5)


def test_a_softmax_of_a_biased_value():
    node = one("BiasSoftmax", ["m", "b"], axis=3, is_inner_broadcast=1)
    nodes = [helper.make_node("MatMul", ["x", "w"], ["m"]), node]
    proto = model(nodes, [port("x", 1, 2, 3, 4)], {"w": random(4, 5), "b": random(1, 1, 3, 5)})
    x = random(1, 2, 3, 4)
    (y,) = computed(proto, {"x": x})
    exponents = np.exp(x @ random(4, 5) + random(1, 1, 3, 5))
    np.testing.assert_allclose(y, exponents / exponents.sum(-1, keepdims=True), atol=1e-5)


def test_a_recurrent_layer_of_integers_is_one_of_what_they_stand_for():
    steps, size, hidden = 4, 3, 5
    random_integers = np.random.default_rng(3)
    constants = {
        "w": random_integers.integers(-128, 128, (1, size, 4 * hidden)).astype(np.int8),
        "r": random_integers.integers(-128, 128, (1, hidden, 4 * hidden)).astype(np.int8),
        "b": random(1, 8 * hidden),
        "ws": np.array([0.004], np.float32),
        "wz": np.array([0], np.int8),
        "rs": np.array([0.003], np.float32),
        "rz": np.array([0], np.int8),
    }
    inputs = ["x", "w", "r", "b", "", "", "", "", "ws", "wz", "rs", "rz"]
    node = one("DynamicQuantizeLSTM", inputs, hidden_size=hidden)
    # onnxruntime rounds the input to eight bits as well.
    proto = model([node], [port("x", steps, 1, size)], constants)
    assert_same(proto, {"x": random(steps, 1, size)}, 1e-2)
