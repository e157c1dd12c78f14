"""Networks of the corpus from config.json and bare tensors: they compute what their ONNX exports compute."""

import json
from pathlib import Path

import numpy as np
import pytest

from metagauge.architecture.templates.from_config import Templated, from_config
from metagauge.checkpoint.limits import Limits
from metagauge.checkpoint.read import read
from tests.architecture.templates.runnable import onnx_file, outputs_of, random_inputs
from tests.corpus import corpus

FOLDERS = (
    "hf_bart",
    "hf_beit",
    "hf_bert_mlm",
    "hf_bert_mlm_freshinit",
    "hf_bert_seqcls",
    "hf_clip",
    "hf_deit",
    "hf_detr",
    "hf_dinov2",
    "hf_electra",
    "hf_gpt2",
    "hf_gpt_neox",
    "hf_llama_gqa",
    "hf_opt",
    "hf_phi",
    "hf_phi3",
    "hf_qwen3",
    "hf_qwen3_moe",
    "hf_rwkv",
    "hf_segformer",
    "hf_t5",
    "hf_t5_v11_gated",
    "hf_vit_freshinit",
)


def templated(folder: Path) -> Templated:
    """The folder's network by its template."""
    checkpoint = read(folder / "model.safetensors", Limits())
    found = from_config(checkpoint, json.loads((folder / "config.json").read_text()))
    assert found is not None
    return found


@pytest.mark.parametrize("name", FOLDERS)
def test_the_template_computes_what_the_export_computes(name: str) -> None:
    folder = corpus("safetensors") / name
    network = templated(folder)
    given = random_inputs(folder / "legacy.onnx")
    expected = outputs_of((folder / "legacy.onnx").read_bytes(), given)[0]
    found = outputs_of(onnx_file(network.checkpoint), given)[0]
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-4 * max(1.0, float(np.abs(expected).max())))


@pytest.mark.parametrize("name", FOLDERS)
def test_every_tensor_of_the_file_is_used_or_listed(name: str) -> None:
    network = templated(corpus("safetensors") / name)
    assert network.checkpoint.program is not None
    used = {value for node in network.checkpoint.program.nodes for value in node.inputs}
    tensors = {name for name in network.checkpoint.tensors if not name.startswith("template/")}
    assert tensors - used <= set(network.ignored)
