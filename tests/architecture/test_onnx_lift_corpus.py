"""Real exports of other people's networks lift, and compute what ONNX Runtime computes."""

import onnx
import pytest
import torch

from metagauge.architecture.onnx.lift import lift
from metagauge.checkpoint.limits import Limits
from metagauge.checkpoint.onnx_file import read_onnx
from tests.architecture.onnx_export import by_runtime, computed
from tests.architecture.onnx_programs import numbers
from tests.corpus import corpus

LIFTED = [
    "mlp_sequential/legacy.onnx",
    "mlp_sequential/dynamo.onnx",
    "hf_resnet_basic/legacy.onnx",
    "hf_resnet_basic/dynamo.onnx",
    "hf_mobilenet_v1/legacy.onnx",
    "hf_vit_freshinit/legacy.onnx",
    "hf_vit_freshinit/dynamo.onnx",
    "hf_deit/legacy.onnx",
    "torch_transformer_encoder/dynamo.onnx",
    "weight_norm_parametrized/legacy.onnx",
]


@pytest.mark.parametrize("file", LIFTED)
def test_a_real_export_computes_the_same(file: str):
    content = (corpus("safetensors") / file).read_bytes()
    checkpoint = read_onnx(memoryview(content), Limits())
    architecture = lift(checkpoint)
    assert architecture.unsupported == ()
    inputs = numbers(1, *architecture.input_shape)
    found = computed(architecture, checkpoint, torch.from_numpy(inputs)).numpy()
    expected = by_runtime(onnx.load_model_from_string(content), inputs)
    assert abs(found.reshape(-1) - expected.reshape(-1)).max() < 1e-5
