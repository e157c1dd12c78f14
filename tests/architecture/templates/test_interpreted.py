"""From config.json and bare tensors through `infer` to our own interpreter: the outputs of the ONNX exports."""

import numpy as np
import pytest
import torch

from metagauge.architecture.dataflow import Dataflow
from metagauge.architecture.infer import infer
from metagauge.architecture.operators.source import Given
from metagauge.checkpoint.limits import Limits
from metagauge.checkpoint.read import read
from models.interpreter.dataflow import run_dataflow
from tests.architecture.templates.runnable import outputs_of, random_inputs
from tests.architecture.templates.test_corpus import FOLDERS
from tests.corpus import corpus

_AS_LAYERS = ("hf_deit", "hf_vit_freshinit")
"""Folders whose networks are made of layers, which another interpreter runs."""


@pytest.mark.parametrize("name", [name for name in FOLDERS if name not in _AS_LAYERS])
def test_the_interpreter_computes_what_the_export_computes(name: str) -> None:
    folder = corpus("safetensors") / name
    checkpoint = read(folder / "model.safetensors", Limits())
    network = infer(checkpoint, (folder / "config.json").read_text())
    assert isinstance(network, Dataflow)
    assert network.provenance.rung == "config"
    tensors = {key: torch.from_numpy(np.array(tensor.array())) for key, tensor in checkpoint.tensors.items()}
    given = random_inputs(folder / "legacy.onnx")
    names = [step.outputs[0] for step in network.steps if isinstance(step.operator, Given)]
    found = run_dataflow(network, tensors, [torch.from_numpy(given[each]) for each in names])[0].numpy()
    expected = outputs_of((folder / "legacy.onnx").read_bytes(), given)[0]
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-4 * max(1.0, float(np.abs(expected).max())))
