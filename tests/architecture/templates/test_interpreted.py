"""From config.json and bare tensors through `infer` to our own interpreter: the outputs of the ONNX exports."""

import numpy as np
import pytest
import torch

from metagauge.architecture.architecture import Architecture
from metagauge.architecture.infer import infer
from metagauge.architecture.network import Network
from metagauge.architecture.operators.source import Given
from metagauge.checkpoint.limits import Limits
from metagauge.checkpoint.read import read
from models.interpreter.dataflow import run_dataflow
from models.interpreter.layers import run
from tests.architecture.templates.runnable import outputs_of, random_inputs
from tests.architecture.templates.test_corpus import FOLDERS
from tests.corpus import corpus


@pytest.mark.parametrize("name", FOLDERS)
def test_the_interpreter_computes_what_the_export_computes(name: str) -> None:
    folder = corpus("safetensors") / name
    checkpoint = read(folder / "model.safetensors", Limits())
    network = infer(checkpoint, (folder / "config.json").read_text())
    assert network.provenance.rung == "config"
    tensors = {key: torch.from_numpy(np.array(tensor.array())) for key, tensor in checkpoint.tensors.items()}
    given = random_inputs(folder / "legacy.onnx")
    found = computed(network, tensors, given)
    expected = outputs_of((folder / "legacy.onnx").read_bytes(), given)[0]
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-4 * max(1.0, float(np.abs(expected).max())))


def computed(network: Network, tensors: dict[str, torch.Tensor], given: dict[str, np.ndarray]) -> np.ndarray:
    """The first output, by the interpreter of the form that the network has."""
    if isinstance(network, Architecture):
        (inputs,) = given.values()
        return run(network, tensors, torch.from_numpy(inputs)).numpy()
    names = [step.outputs[0] for step in network.steps if isinstance(step.operator, Given)]
    return run_dataflow(network, tensors, [torch.from_numpy(given[each]) for each in names])[0].numpy()
