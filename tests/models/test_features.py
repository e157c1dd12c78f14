"""Features keep their places: published metanetworks read them by position."""

import pytest

from models import features

TRAINED = {
    "kinds": (features.KINDS, features.KIND_WIDTH, "input hidden output parameter"),
    "norms": (features.NORMS, features.NORM_WIDTH, "none batch group layer rms instance"),
    "operations": (
        features.OPERATIONS,
        features.OPERATION_WIDTH,
        "sum product quotient contract binary choose softmax reduce window accumulate extreme gather scatter resample"
        " local_norm standardise requantise recurrent join rearrange opaque",
    ),
    "activations": (
        features.ACTIVATIONS,
        features.ACTIVATION_WIDTH,
        "identity relu relu6 leaky_relu elu selu gelu gelu_tanh silu hardswish hardsigmoid mish tanh sigmoid softplus"
        " softmax log_softmax affine power clip",
    ),
    "roles": (
        features.ROLES,
        features.ROLE_WIDTH,
        "linear conv bias norm_scale norm_shift residual query key value attention_output attend head position token"
        " scale embedding recurrent_input recurrent_state recurrent_bias peephole operand wire member",
    ),
    "reductions": (features.REDUCTIONS, features.REDUCTION_WIDTH, "max mean"),
}


@pytest.mark.parametrize("name", TRAINED)
def test_new_words_come_last_and_have_room(name: str):
    words, width, trained = TRAINED[name]
    before = tuple(trained.split())
    assert words[: len(before)] == before
    assert len(words) <= width
    assert len(set(words)) == len(words)
