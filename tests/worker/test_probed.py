"""A network that left the reading child can be asked about probe images, whichever file it came in."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from metagauge.checkpoint.limits import Limits
from models.probes.convention import Convention
from models.probes.images import ProbeSet, draw_probes
from models.probes.probe import Probed, alone, probe
from tests.service.processes import ROOT
from worker.reading.sandbox import Sandbox

SAMPLES = ROOT / "docs" / "samples"
ZOO = Convention(mean=(0.4914, 0.4822, 0.4465), spread=(0.247, 0.2435, 0.2616))


@pytest.fixture(scope="module")
def probes() -> ProbeSet:
    return draw_probes(4)


def asked(path: Path, probes: ProbeSet, convention: Convention = ZOO) -> Probed:
    with Sandbox(limits=Limits(), deadline_s=60).read({path.name: path}, None, lambda _: None) as found:
        assert found.executable is not None
        network = found.executable.network
        return probe(network, alone(network, found.executable.tensors), found.graph, probes, convention)


def test_the_forms_of_a_network_answer_alike(probes: ProbeSet):
    onnx, safetensors = (asked(SAMPLES / f"resnet.{form}", probes) for form in ("onnx", "safetensors"))
    assert torch.allclose(onnx.responses, safetensors.responses, atol=1e-3)
    for one, other in zip(onnx.activity, safetensors.activity, strict=True):
        assert torch.allclose(one, other, atol=1e-3)


@pytest.mark.parametrize(
    "convention",
    [replace(ZOO, spread=(0.5, 0.5, 0.5)), replace(ZOO, classes=(1, 0, *range(2, 10)))],
    ids=["normalisation", "class order"],
)
def test_another_convention_is_another_answer(probes: ProbeSet, convention: Convention):
    usual, other = (asked(SAMPLES / "resnet.onnx", probes, each) for each in (ZOO, convention))
    assert not torch.allclose(usual.responses, other.responses, atol=1e-3)
