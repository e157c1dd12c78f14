"""Families that the corpus lacks: templates compute what transformers computed for networks with the same weights."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from metagauge.architecture.templates.from_config import Templated, from_config
from tests.architecture.templates.deterministic import checkpoint, given
from tests.architecture.templates.runnable import onnx_file, outputs_of
from tests.architecture.templates.write_goldens import spread

GOLDEN = sorted((Path(__file__).parent / "golden").glob("*.json"))


def templated(golden: dict[str, Any]) -> Templated:
    """The network of a golden file."""
    found = from_config(checkpoint({name: tuple(shape) for name, shape in golden["tensors"].items()}), golden["config"])
    assert found is not None
    return found


def output(network: Templated) -> np.ndarray:
    """What the template's program computes for the inputs that the golden files were written with."""
    assert network.checkpoint.program is not None
    inputs = {port.name: given(port) for port in network.checkpoint.program.inputs}
    return outputs_of(onnx_file(network.checkpoint), inputs)[0]


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_the_template_computes_what_transformers_computed(path: Path) -> None:
    golden = json.loads(path.read_text())
    found = output(templated(golden))
    assert list(found.shape) == golden["shape"]
    largest = max(1.0, float(np.abs(golden["numbers"]).max()))
    np.testing.assert_allclose(spread(found), golden["numbers"], rtol=0, atol=1e-4 * largest)


@pytest.mark.parametrize(
    ("name", "key", "value"),
    [
        ("llama_for_causal_lm_1", "num_attention_heads", 6),
        ("llama_for_causal_lm_1", "rms_norm_eps", 0.5),
        ("llama_for_causal_lm_1", "rope_parameters", {"rope_type": "default", "rope_theta": 10.0}),
        ("llama_for_causal_lm_1", "hidden_act", "relu"),
        ("mistral_for_causal_lm", "sliding_window", 2),
        ("gpt_neox_for_causal_lm_2", "use_parallel_residual", False),
        ("mixtral_for_causal_lm", "num_experts_per_tok", 1),
        ("swin_for_image_classification", "layer_norm_eps", 0.5),
    ],
)
def test_what_the_configuration_says_matters(name: str, key: str, value: object) -> None:
    golden = json.loads((Path(__file__).parent / "golden" / f"{name}.json").read_text())
    config = {**golden["config"], key: value}
    if name.startswith("llama") and key == "num_attention_heads":
        config |= {"num_key_value_heads": 2, "head_dim": 4}
    changed = output(templated({**golden, "config": config}))
    assert np.abs(spread(changed) - golden["numbers"]).max() > 1e-3
