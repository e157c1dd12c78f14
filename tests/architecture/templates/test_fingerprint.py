"""Transformers without a config.json: read where the tensors tell everything that matters, else refused by name."""

import json
from pathlib import Path

import numpy as np
import pytest

from metagauge.architecture.templates.fingerprint import from_fingerprint
from metagauge.architecture.templates.from_config import Templated
from metagauge.errors import StructureNotInferableError
from tests.architecture.templates.deterministic import checkpoint, given
from tests.architecture.templates.runnable import onnx_file, outputs_of
from tests.architecture.templates.write_goldens import spread

_GOLDEN = Path(__file__).parent / "golden"


def read(name: str, heads: int | None = None) -> tuple[Templated | None, dict[str, list[float]]]:
    """The network of a golden file by its tensors alone, and the golden file."""
    golden = json.loads((_GOLDEN / f"{name}.json").read_text())
    return from_fingerprint(checkpoint({key: tuple(shape) for key, shape in golden["tensors"].items()}), heads), golden


@pytest.mark.parametrize(
    ("name", "heads"),
    [
        ("rwkv_for_causal_lm", None),
        ("mamba_for_causal_lm", None),
        ("bloom_for_causal_lm", 3),
        ("distil_bert_for_masked_lm", 3),
        ("distil_bert_for_sequence_classification", 3),
    ],
)
def test_what_the_tensors_tell_is_what_transformers_computed(name: str, heads: int | None) -> None:
    network, golden = read(name, heads)
    assert network is not None
    assert network.provenance.rung == "template"
    assert network.provenance.assumed
    assert network.checkpoint.program is not None
    inputs = {port.name: given(port) for port in network.checkpoint.program.inputs}
    found = outputs_of(onnx_file(network.checkpoint), inputs)[0]
    if name.startswith("rwkv"):  # written with a rescale_every that no tensor tells, and that all but cancels out
        assert np.corrcoef(spread(found), golden["numbers"])[0, 1] > 0.999
    else:
        np.testing.assert_allclose(
            spread(found), golden["numbers"], rtol=0, atol=1e-4 * np.abs(golden["numbers"]).max()
        )


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("bert_for_question_answering", "num_attention_heads"),
        ("llama_for_causal_lm_1", "rope_parameters"),
        ("gpt_neox_for_causal_lm_1", "use_parallel_residual"),
        ("vit_model", "num_attention_heads"),
        ("m_bart_for_conditional_generation", "encoder_attention_heads"),
        ("albert_for_pre_training", "num_hidden_layers"),
        ("deepseekv3_for_causal_lm_1", "qk_rope_head_dim"),
        ("mt5_for_conditional_generation", "scale_decoder_outputs"),
        ("wav2_vec2_for_ctc", "conv_stride"),
        ("swin_for_image_classification", "window_size"),
    ],
)
def test_a_refusal_names_the_setting_that_no_tensor_tells(name: str, field: str) -> None:
    with pytest.raises(StructureNotInferableError, match=field):
        read(name)


def test_a_tensor_too_many_is_named() -> None:
    golden = json.loads((_GOLDEN / "mamba_for_causal_lm.json").read_text())
    shapes = {key: tuple(shape) for key, shape in golden["tensors"].items()} | {"backbone.layers.9.norm.weight": (24,)}
    with pytest.raises(StructureNotInferableError, match=r"layers\.9\.norm\.weight"):
        from_fingerprint(checkpoint(shapes))


def test_other_files_are_left_to_others() -> None:
    assert (
        from_fingerprint(checkpoint({"0.weight": (4, 3), "0.bias": (4,), "2.weight": (2, 4), "2.bias": (2,)})) is None
    )
