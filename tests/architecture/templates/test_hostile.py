"""Whatever a config.json says, the answer is a network or a refusal that names what is wrong."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metagauge.architecture.templates.from_config import from_config
from metagauge.errors import ArchitectureMismatchError, InputError, StructureNotInferableError, TensorMissingError
from tests.architecture.templates.deterministic import checkpoint

_GOLDEN = [json.loads(path.read_text()) for path in sorted((Path(__file__).parent / "golden").glob("*.json"))]
_JUNK = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=6)
    | st.sampled_from(["gelu", "$x", "|"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=2),
    max_leaves=4,
)


@given(st.sampled_from(_GOLDEN), st.data())
@settings(max_examples=200, deadline=None)
def test_any_setting_gives_a_network_or_a_typed_error(golden: dict[str, object], data: st.DataObject) -> None:
    config, tensors = golden["config"], golden["tensors"]
    assert isinstance(config, dict)
    assert isinstance(tensors, dict)
    key = data.draw(st.sampled_from(sorted(config)))
    shapes = {name: tuple(shape) for name, shape in tensors.items()}
    if data.draw(st.booleans()):
        shape = data.draw(st.lists(st.integers(0, 50), max_size=4))
        shapes[data.draw(st.sampled_from(sorted(shapes)))] = tuple(shape)
    try:
        from_config(checkpoint(shapes), {**config, key: data.draw(_JUNK)})
    except InputError as error:
        assert str(error)


def llama(**changes: object) -> tuple[dict[str, tuple[int, ...]], dict[str, object]]:
    """Shapes and configuration of a small Llama, with other settings."""
    golden = json.loads((Path(__file__).parent / "golden" / "llama_for_causal_lm_3.json").read_text())
    return {name: tuple(shape) for name, shape in golden["tensors"].items()}, {**golden["config"], **changes}


def test_a_missing_tensor_is_named() -> None:
    shapes, config = llama()
    del shapes["model.layers.1.mlp.up_proj.weight"]
    with pytest.raises(TensorMissingError, match=r"layers\.1\.mlp\.up_proj\.weight"):
        from_config(checkpoint(shapes), config)


def test_a_tensor_too_many_is_named() -> None:
    shapes, config = llama()
    shapes["model.layers.0.self_attn.lora_A.weight"] = (2, 24)
    with pytest.raises(StructureNotInferableError, match="lora_A"):
        from_config(checkpoint(shapes), config)


def test_fewer_layers_than_the_file_has_are_refused() -> None:
    shapes, config = llama(num_hidden_layers=1)
    with pytest.raises(StructureNotInferableError, match=r"layers\.1"):
        from_config(checkpoint(shapes), config)


def test_heads_that_do_not_divide_the_width_are_refused() -> None:
    shapes, config = llama(num_attention_heads=5, num_key_value_heads=5)
    with pytest.raises(ArchitectureMismatchError, match="5 heads"):
        from_config(checkpoint(shapes), config)


@pytest.mark.parametrize(("key", "value"), [("hidden_size", 48), ("vocab_size", 61), ("head_dim", 6)])
def test_the_configuration_of_another_network_is_refused(key: str, value: int) -> None:
    shapes, config = llama(**{key: value})
    with pytest.raises(ArchitectureMismatchError, match=str(value)):
        from_config(checkpoint(shapes), config)


def test_an_unknown_activation_is_named() -> None:
    shapes, config = llama(hidden_act="tanhshrink")
    with pytest.raises(StructureNotInferableError, match="tanhshrink"):
        from_config(checkpoint(shapes), config)


def test_a_million_layers_are_refused_at_once() -> None:
    shapes, config = llama(num_hidden_layers=10**9)
    with pytest.raises(StructureNotInferableError, match="layers"):
        from_config(checkpoint(shapes), config)


def test_a_shape_that_the_configuration_does_not_have_is_refused() -> None:
    shapes, config = llama()
    shapes["model.norm.weight"] = (25,)
    with pytest.raises(ArchitectureMismatchError, match=r"model\.norm\.weight"):
        from_config(checkpoint(shapes), config)


def test_other_models_are_left_to_others() -> None:
    shapes, config = llama(model_type="resnet-of-mine")
    assert from_config(checkpoint(shapes), config) is None


@pytest.mark.parametrize(
    ("name", "again", "bias"),
    [
        ("bert_for_pre_training", "cls.predictions.decoder.bias", "cls.predictions.bias"),
        ("roberta_for_masked_lm", "lm_head.decoder.bias", "lm_head.bias"),
        ("albert_for_pre_training", "predictions.decoder.bias", "predictions.bias"),
    ],
)
def test_a_bias_that_older_files_hold_twice_is_read_once(name: str, again: str, bias: str) -> None:
    golden = json.loads((Path(__file__).parent / "golden" / f"{name}.json").read_text())
    shapes = {key: tuple(shape) for key, shape in golden["tensors"].items()}
    network = from_config(checkpoint({**shapes, again: shapes[bias]}), golden["config"])
    assert network is not None
    assert network.ignored == (bias,)
