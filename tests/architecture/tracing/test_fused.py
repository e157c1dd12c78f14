"""Operators that ONNX Runtime makes of several compute what it computes."""

import numpy as np
import pytest
from onnx import ModelProto, helper

from metagauge.architecture.tracing.buckets import relative_buckets
from metagauge.architecture.tracing.trace import trace
from tests.architecture.tracing.same import (
    INT64,
    assert_same,
    checkpoint,
    computed,
    followed,
    kinds,
    model,
    port,
    random,
)

INT32 = 6
WIDTH = 8


def one(operator: str, inputs: list[str], outputs: list[str] | None = None, **attributes):
    return helper.make_node(operator, inputs, outputs or ["y"], domain="com.microsoft", **attributes)


def norm(*names: str) -> dict[str, np.ndarray]:
    return {name: 1 + 0.1 * random(WIDTH, seed=place) for place, name in enumerate(names)}


TOKENS = {"x": random(1, 5, WIDTH), "s": random(1, 5, WIDTH, seed=1)}
PORTS = [port("x", 1, 5, WIDTH), port("s", 1, 5, WIDTH)]


@pytest.mark.parametrize("bias", [False, True])
def test_the_layer_norm_of_a_sum(bias):
    inputs = ["x", "s", "scale", "shift", *["bias"] * bias]
    node = one("SkipLayerNormalization", inputs, ["y", "", "", "total"], epsilon=1e-3)
    proto = model([node], PORTS, norm("scale", "shift", *["bias"] * bias), outputs=["y", "total"])
    assert kinds(followed(proto))["standardise"] == 1
    assert_same(proto, TOKENS)


def test_the_root_mean_square_norm_of_a_sum():
    node = one("SkipSimplifiedLayerNormalization", ["x", "s", "scale"], ["y", "", "", "total"], epsilon=1e-3)
    assert_same(model([node], PORTS, norm("scale"), outputs=["y", "total"]), TOKENS)


def test_the_root_mean_square_norm_in_onnx_own_domain():
    node = helper.make_node("SimplifiedLayerNormalization", ["x", "scale"], ["y"], epsilon=1e-3, axis=-1)
    assert_same(model([node], PORTS[:1], norm("scale")), {"x": TOKENS["x"]})


@pytest.mark.parametrize("segments", [False, True])
def test_embeddings_of_words_positions_and_segments(segments):
    tables = {name: random(7, WIDTH, seed=place) for place, name in enumerate(["words", "positions", "kinds"])}
    ids = {"ids": np.array([[1, 4, 2]], np.int32), "mask": np.array([[1, 1, 0]], np.int32)}
    inputs = ["ids", "seg" if segments else "", "words", "positions", "kinds" if segments else "", "scale", "shift"]
    if segments:
        ids["seg"] = np.array([[0, 1, 1]], np.int32)
    node = one("EmbedLayerNormalization", [*inputs, "mask"], ["y", "lengths", "sum"], epsilon=1e-3)
    ports = [port(name, 1, 3, kind=INT32) for name in ids]
    proto = model([node], ports, {**tables, **norm("scale", "shift")}, outputs=["y", "lengths", "sum"])
    assert_same(proto, ids)


@pytest.mark.parametrize(
    ("operator", "inputs", "attributes"),
    [
        ("Gelu", ["m"], {}),
        ("BiasGelu", ["m", "b"], {}),
        ("FastGelu", ["m", "b"], {}),
        ("FastGelu", ["m"], {}),
        ("QuickGelu", ["m"], {"alpha": 1.702}),
    ],
)
def test_gelu_in_all_spellings(operator, inputs, attributes):
    nodes = [helper.make_node("MatMul", ["x", "w"], ["m"]), one(operator, inputs, **attributes)]
    proto = model(nodes, PORTS[:1], {"w": random(WIDTH, WIDTH), **norm("b")})
    # onnxruntime computes the error function and the hyperbolic tangent approximately.
    assert_same(proto, {"x": TOKENS["x"]}, 2e-4)


@pytest.mark.parametrize("turned", [(0, 0), (1, 0), (0, 1), (1, 1)])
def test_a_product_of_transposed_sides_times_a_number(turned):
    left, right = ((3, 4), (4, 3))[turned[0]], ((4, 5), (5, 4))[turned[1]]
    node = one("FusedMatMul", ["x", "w"], transA=turned[0], transB=turned[1], alpha=0.25)
    assert_same(model([node], [port("x", 2, *left)], {"w": random(*right)}), {"x": random(2, *left)})


@pytest.mark.parametrize(
    ("activation", "numbers"), [("Relu", ()), ("LeakyRelu", (0.2,)), ("HardSigmoid", (0.3, 0.4)), ("Clip", (-0.5, 0.5))]
)
def test_a_convolution_with_an_activation(activation, numbers):
    more = {"activation_params": list(numbers)} if numbers else {}
    node = one("FusedConv", ["x", "w", "b"], activation=activation, pads=[1, 1, 1, 1], **more)
    proto = model([node], [port("x", 1, 2, 4, 4)], {"w": random(3, 2, 3, 3), "b": random(3)})
    assert_same(proto, {"x": random(1, 2, 4, 4)})


def test_a_linear_layer_with_an_activation():
    node = one("FusedGemm", ["x", "w", "b"], transB=1, alpha=0.5, activation="LeakyRelu", activation_alpha=0.2)
    assert_same(model([node], [port("x", 2, 4)], {"w": random(3, 4), "b": random(3)}), {"x": random(2, 4)})


def attention(mask: str = "", past: str = "", bias: str = "", **attributes) -> ModelProto:
    outputs = ["y", "present"] if past else ["y"]
    node = one("Attention", ["x", "w", "b", mask, past, bias], outputs, num_heads=2, **attributes)
    ports = [port("x", 1, 5, WIDTH)]
    if mask:
        ports.append(port("mask", 1, 5, kind=INT32))
    if past:
        ports.append(port("past", 2, 1, 2, 3, 4))
    if bias:
        ports.append(port("bias", 1, 2, 5, 5))
    constants = {"w": random(WIDTH, 3 * WIDTH, scale=0.5), "b": random(3 * WIDTH, seed=2)}
    return model([node], ports, constants, outputs=outputs)


@pytest.mark.parametrize("causal", [0, 1])
def test_attention_of_one_packed_weight(causal):
    assert_same(attention(unidirectional=causal), {"x": TOKENS["x"]})


def test_attention_with_a_scale_of_its_own():
    assert_same(attention(scale=0.3), {"x": TOKENS["x"]})


def test_attention_with_a_mask_and_a_bias():
    given = {"x": TOKENS["x"], "mask": np.array([[1, 1, 0, 1, 0]], np.int32), "bias": random(1, 2, 5, 5)}
    assert_same(attention(mask="mask", bias="bias"), given)


def test_attention_that_remembers_earlier_tokens():
    given = {"x": TOKENS["x"], "past": random(2, 1, 2, 3, 4)}
    assert_same(attention(past="past", unidirectional=1), given)


def test_attention_whose_values_are_wider_than_its_keys():
    node = one("Attention", ["x", "w", "b"], num_heads=2, qkv_hidden_sizes=[4, 4, 12])
    proto = model([node], PORTS[:1], {"w": random(WIDTH, 20), "b": random(20)})
    assert_same(proto, {"x": TOKENS["x"]})


def test_attention_whose_mask_is_a_length():
    node = one("Attention", ["x", "w", "b", "length"], num_heads=2)
    constants = {"w": random(WIDTH, 3 * WIDTH), "b": random(3 * WIDTH)}
    proto = model([node], [PORTS[0], port("length", 1, kind=INT32)], constants)
    assert_same(proto, {"x": TOKENS["x"], "length": np.array([3], np.int32)})


def test_attention_of_separate_queries_keys_and_values():
    node = one("MultiHeadAttention", ["q", "k", "v", "b"], num_heads=2)
    projections = [helper.make_node("MatMul", ["x", f"w{name}"], [name]) for name in "qkv"]
    constants = {f"w{name}": random(WIDTH, WIDTH, seed=place) for place, name in enumerate("qkv")}
    assert_same(model([*projections, node], PORTS[:1], {**constants, "b": random(3 * WIDTH)}), {"x": TOKENS["x"]})


def test_attention_of_other_tokens_with_packed_keys_and_values():
    node = one("MultiHeadAttention", ["x", "kv"], num_heads=2)
    nodes = [
        helper.make_node("MatMul", ["s", "w"], ["m"]),
        helper.make_node("Reshape", ["m", "shape"], ["kv"]),
        node,
    ]
    constants = {"w": random(WIDTH, 2 * WIDTH), "shape": np.array([1, 5, 2, 2, 4])}
    dataflow = followed(model(nodes, PORTS, constants))
    assert kinds(dataflow)["softmax"] == 1
    (y,) = computed(model(nodes, PORTS, constants), TOKENS)
    kv = (TOKENS["s"] @ constants["w"]).reshape(1, 5, 2, 2, 4)
    query = TOKENS["x"].reshape(1, 5, 2, 4)
    scores = np.einsum("bqhd,bkhd->bhqk", query, kv[:, :, :, 0]) / 2
    weights = np.exp(scores) / np.exp(scores).sum(-1, keepdims=True)
    wanted = np.einsum("bhqk,bkhd->bqhd", weights, kv[:, :, :, 1]).reshape(1, 5, WIDTH)
    assert np.abs(y - wanted).max() < 1e-5


def grouped(**attributes) -> ModelProto:
    rotary = ["cos", "sin"] if attributes.get("do_rotary") else []
    inputs = ["q", "k", "v", "past_k", "past_v", "seqlens", "total", *rotary]
    node = one("GroupQueryAttention", inputs, ["y", "pk", "pv"], num_heads=4, kv_num_heads=2, **attributes)
    projections = [helper.make_node("MatMul", ["x", f"w{name}"], [name]) for name in "qkv"]
    constants = {"wq": random(WIDTH, 64), "wk": random(WIDTH, 32, seed=1), "wv": random(WIDTH, 32, seed=2)}
    angles = np.outer(np.arange(16), 0.5 ** np.arange(8))
    constants |= {"cos": np.cos(angles).astype(np.float32), "sin": np.sin(angles).astype(np.float32)}
    constants |= {"seqlens": np.array([4], np.int32), "total": np.array(5, np.int32)}
    constants |= {name: np.zeros((1, 2, 0, 16), np.float32) for name in ("past_k", "past_v")}
    return model([*projections, node], PORTS[:1], constants)


@pytest.mark.parametrize(
    "attributes", [{}, {"do_rotary": 1}, {"do_rotary": 1, "rotary_interleaved": 1}, {"scale": 0.2}, {"softcap": 2.0}]
)
def test_attention_whose_query_heads_share_keys(attributes):
    assert_same(grouped(**attributes), {"x": TOKENS["x"]}, 1e-4)


@pytest.mark.parametrize("interleaved", [0, 1])
def test_rotary_embedding(interleaved):
    angles = np.outer(np.arange(9), [1.0, 0.1])
    constants = {"cos": np.cos(angles).astype(np.float32), "sin": np.sin(angles).astype(np.float32)}
    nodes = [
        one("RotaryEmbedding", ["x", "ids", "cos", "sin"], ["r"], interleaved=interleaved),
        helper.make_node("MatMul", ["r", "w"], ["y"]),
    ]
    proto = model(nodes, [PORTS[0], port("ids", 1, 5, kind=INT64)], {**constants, "w": random(WIDTH, 3)})
    assert_same(proto, {"x": TOKENS["x"], "ids": np.array([[3, 4, 5, 6, 7]])})


def test_an_operator_of_onnxruntime_that_is_not_known_is_named():
    proto = model(
        [
            one("Unheard", ["x", "w"]),
        ],
        PORTS[:1],
        {"w": random(2, 2)},
    )
    dataflow = trace(checkpoint(proto))
    assert [each.operator for each in dataflow.unsupported] == ["com.microsoft::Unheard"]
    assert kinds(dataflow) == {"given": 1, "weight": 1, "opaque": 1}


def decoder():
    """A network of one linear layer on words and positions, which also adds up what it remembers."""
    nodes = [
        helper.make_node("Gather", ["words", "input_ids"], ["e"]),
        helper.make_node("Gather", ["places", "position_ids"], ["p"]),
        helper.make_node("Add", ["e", "p"], ["h"]),
        helper.make_node("Unsqueeze", ["h", "axes"], ["u"]),
        helper.make_node("Concat", ["past_0", "u"], ["present_0"], axis=3),
        helper.make_node("ReduceSum", ["present_0", "reduced"], ["m"], keepdims=0),
        helper.make_node("Add", ["h", "m"], ["n"]),
        helper.make_node("MatMul", ["n", "head"], ["logits"]),
    ]
    ports = [port(name, "batch", "tokens", kind=INT32) for name in ("input_ids", "position_ids", "attention_mask")]
    ports.append(port("past_0", 1, "batch", 1, "past", WIDTH))
    return nodes, ports


def test_what_searches_words_is_left_out_and_its_network_is_followed():
    nodes, ports = decoder()
    outs = [helper.make_empty_tensor_value_info(name) for name in ("logits", "present_0")]
    body = helper.make_graph(nodes, "decoder", ports, outs)
    inputs = ["ids", "longest", "", "beams", "returned"]
    search = one("BeamSearch", inputs, ["y"], decoder=body, eos_token_id=1, pad_token_id=1, model_type=0)
    constants = {
        "words": random(11, WIDTH),
        "places": random(16, WIDTH, seed=1),
        "head": random(WIDTH, 11, seed=2),
        "axes": np.array([0, 1]),
        "reduced": np.array([0, 1, 3]),
        **{name: np.array([4], np.int32) for name in ("longest", "beams", "returned")},
    }
    proto = model([search], [port("ids", 1, 6, kind=INT32)], constants)
    endless = model([search], [port("ids", 1, 2**40, kind=INT32)], constants)
    assert [each.operator for each in trace(checkpoint(endless)).unsupported] == ["com.microsoft::BeamSearch"]
    ids = np.array([[3, 1, 4, 1, 5, 9]], np.int32)
    (scores,) = computed(proto, {"ids": ids})
    hidden = constants["words"][ids] + constants["places"][:6]
    wanted = (hidden + hidden.sum(1, keepdims=True)) @ constants["head"]
    assert np.abs(scores - wanted).max() < 1e-4
    assert any("BeamSearch" in each for each in trace(checkpoint(proto)).provenance.assumed)


@pytest.mark.parametrize(
    ("both", "expected"),
    [
        # 32 buckets up to 128: 16 to each side, 8 of them for single distances, then 8 + 8 ln(d / 8) / ln(16).
        (True, {0: 0, -1: 1, -7: 7, -8: 8, -12: 9, -127: 15, 1: 17, 7: 23, 12: 25, 127: 31}),
        # All to the left, 16 for single distances, then 16 + 16 ln(d / 16) / ln(8); what is to come is nearest.
        (False, {0: 0, 5: 0, -1: 1, -15: 15, -16: 16, -32: 21, -127: 31}),
    ],
)
def test_distances_fall_into_the_buckets_of_t5(both, expected):
    buckets = relative_buckets(128, 255, 32, 128, both)
    assert {distance: int(buckets[127, 127 + distance]) for distance in expected} == expected


def test_the_relative_position_bias_is_a_row_of_its_table_for_each_head():
    node = one("RelativePositionBias", ["table", "n", "n"], ["bias"], is_bidirectional=1, max_distance=20)
    nodes = [node, helper.make_node("Add", ["x", "bias"], ["y"])]
    constants = {"table": random(8, 2), "n": np.array([30], np.int64)}
    (y,) = computed(model(nodes, [port("x", 1, 2, 30, 30)], constants), {"x": np.zeros((1, 2, 30, 30), np.float32)})
    assert np.array_equal(y[0, :, 4, 4], constants["table"][0])
    assert np.array_equal(y[0, :, 4, 5], constants["table"][5])
    assert np.array_equal(y[0, :, 5, 4], constants["table"][1])


def test_shared_keys_with_a_past_and_lengths_that_are_computed():
    """As generative models are exported: how much of the past counts follows from the mask."""
    nodes = [
        *(helper.make_node("MatMul", ["x", f"w{name}"], [name]) for name in "qkv"),
        helper.make_node("ReduceSum", ["mask", "last"], ["length"], keepdims=0),
        helper.make_node("Sub", ["length", "one"], ["end"]),
        helper.make_node("Cast", ["end"], ["seqlens"], to=INT32),
        helper.make_node("Shape", ["mask"], ["sizes"]),
        helper.make_node("Gather", ["sizes", "one"], ["long"], axis=0),
        helper.make_node("Cast", ["long"], ["total"], to=INT32),
        one(
            "GroupQueryAttention",
            ["q", "k", "v", "past_k", "past_v", "seqlens", "total", "cos", "sin"],
            ["y", "present_k", "present_v"],
            num_heads=4,
            kv_num_heads=2,
            do_rotary=1,
        ),
    ]
    angles = np.outer(np.arange(16), 0.5 ** np.arange(8))
    constants = {"wq": random(WIDTH, 64), "wk": random(WIDTH, 32, seed=1), "wv": random(WIDTH, 32, seed=2)}
    constants |= {"cos": np.cos(angles).astype(np.float32), "sin": np.sin(angles).astype(np.float32)}
    constants |= {"last": np.array([1]), "one": np.array(1)}
    past = {name: random(1, 2, 3, 16, seed=place) for place, name in enumerate(["past_k", "past_v"])}
    ports = [PORTS[0], port("mask", 1, 8, kind=INT64), *(port(name, 1, 2, 3, 16) for name in past)]
    proto = model(nodes, ports, constants, outputs=["y", "present_k", "present_v"])
    assert any("padded" in each for each in followed(proto).provenance.assumed)
    assert_same(proto, {"x": TOKENS["x"], "mask": np.ones((1, 8), np.int64), **past}, 1e-4)


def test_one_more_token_sees_the_past_and_itself():
    """onnxruntime runs the decoder's operator with buffers only; the general one is told what it means in order."""
    projections = [helper.make_node("MatMul", ["x", f"w{name}"], [name]) for name in "qkv"]
    outputs = ["y", "present_k", "present_v"]
    constants = {f"w{name}": random(WIDTH, WIDTH, seed=place) for place, name in enumerate("qkv")}
    constants["b"] = random(3 * WIDTH)
    past = {name: random(1, 2, 3, 4, seed=place) for place, name in enumerate(["past_k", "past_v"])}
    given = {"x": random(1, 1, WIDTH), **past}
    ports = [port("x", 1, 1, WIDTH), *(port(name, 1, 2, 3, 4) for name in past)]

    def of(operator: str, inputs: list[str]) -> ModelProto:
        return model([*projections, one(operator, inputs, outputs, num_heads=2)], ports, constants, outputs=outputs)

    general = of("MultiHeadAttention", ["q", "k", "v", "b", "", "", "past_k", "past_v"])
    decoder = of("DecoderMaskedMultiHeadAttention", ["q", "k", "v", "", "", "past_k", "past_v", "", "", "", "b"])
    assert_same(general, given, 1e-4)
    for found, wanted in zip(computed(decoder, given), computed(general, given), strict=True):
        assert np.array_equal(found, wanted)


def test_a_past_that_is_a_buffer_is_not_taken_for_what_it_holds():
    proto = attention(past="past", unidirectional=1, past_present_share_buffer=1)
    assert [each.operator for each in trace(checkpoint(proto)).unsupported] == ["com.microsoft::Attention"]
