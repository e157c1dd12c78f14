"""Convolutional networks of transformers from config.json and bare tensors."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from metagauge.architecture.templates.from_config import Templated, from_config
from metagauge.architecture.templates.names.from_names import from_names
from metagauge.architecture.templates.names.hints import Hints
from metagauge.checkpoint.checkpoint import Checkpoint
from metagauge.checkpoint.limits import Limits
from metagauge.checkpoint.read import read
from metagauge.errors import ArchitectureMismatchError, StructureNotInferableError
from tests.architecture.templates.named_networks import checkpoint_of
from tests.architecture.templates.runnable import onnx_file, outputs_of, random_inputs
from tests.corpus import corpus

FOLDERS = ("hf_convnext", "hf_efficientnet", "hf_mobilenet_v1", "hf_resnet_basic")


def loaded(folder: Path) -> tuple[Checkpoint, dict[str, object]]:
    return read(folder / "model.safetensors", Limits()), json.loads((folder / "config.json").read_text())


def templated(checkpoint: Checkpoint, config: dict[str, object]) -> Templated:
    found = from_config(checkpoint, config)
    assert found is not None
    return found


@pytest.mark.parametrize("name", FOLDERS)
def test_the_template_computes_what_the_export_computes(name: str) -> None:
    folder = corpus("safetensors") / name
    given = random_inputs(folder / "legacy.onnx")
    expected = outputs_of((folder / "legacy.onnx").read_bytes(), given)[0]
    found = outputs_of(onnx_file(templated(*loaded(folder)).checkpoint), {"input": next(iter(given.values()))})[0]
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("name", ["hf_convnext", "hf_mobilenet_v1", "hf_resnet_basic"])
def test_without_config_json_the_names_tell_the_same_network(name: str) -> None:
    folder = corpus("safetensors") / name
    checkpoint, _ = loaded(folder)
    found = from_names(checkpoint, Hints(image_size=64))
    assert found is not None
    assert found.provenance.rung == "template"
    given = random_inputs(folder / "legacy.onnx")
    expected = outputs_of((folder / "legacy.onnx").read_bytes(), given)[0]
    outputs = outputs_of(onnx_file(found.checkpoint), {"input": next(iter(given.values()))})[0]
    np.testing.assert_allclose(outputs, expected, rtol=0, atol=1e-5)


def test_windows_and_heads_of_a_swin_follow_from_its_tables() -> None:
    folder = corpus("safetensors") / "timm_swin_tiny"
    checkpoint = read(folder / "model.safetensors", Limits())
    found = from_names(checkpoint, Hints(image_size=56))
    assert found is not None
    given = random_inputs(folder / "legacy.onnx")
    expected = outputs_of((folder / "legacy.onnx").read_bytes(), given)[0]
    outputs = outputs_of(onnx_file(found.checkpoint), {"input": next(iter(given.values()))})[0]
    np.testing.assert_allclose(outputs, expected, rtol=0, atol=1e-5)
    with pytest.raises(StructureNotInferableError, match="does not divide into windows"):
        from_names(checkpoint, Hints(image_size=64))


def small_resnet() -> tuple[dict[str, torch.Tensor], dict[str, object]]:
    """A ResNet of one block."""
    tensors = {"resnet.embedder.embedder.convolution.weight": torch.zeros(4, 3, 7, 7)}
    tensors |= _norm("resnet.embedder.embedder.normalization")
    for number in range(2):
        name = f"resnet.encoder.stages.0.layers.0.layer.{number}"
        tensors |= {f"{name}.convolution.weight": torch.zeros(4, 4, 3, 3), **_norm(f"{name}.normalization")}
    tensors |= {"classifier.1.weight": torch.zeros(2, 4), "classifier.1.bias": torch.zeros(2)}
    sizes = {"embedding_size": 4, "hidden_sizes": [4], "depths": [1], "layer_type": "basic"}
    return tensors, {"model_type": "resnet", **sizes}


def _norm(name: str) -> dict[str, torch.Tensor]:
    return {f"{name}.{leaf}": torch.ones(4) for leaf in ("weight", "bias", "running_mean", "running_var")}


def test_defaults_that_were_taken_are_listed() -> None:
    tensors, config = small_resnet()
    assumed = templated(checkpoint_of(tensors), config).provenance.assumed
    assert any("hidden_act = relu" in each for each in assumed)
    assert not any("depths" in each for each in assumed)


def test_a_size_that_no_configuration_states_is_listed() -> None:
    tensors, config = small_resnet()
    assert "an image of 64 by 64 is assumed; the weights do not depend on it" in (
        templated(checkpoint_of(tensors), config).provenance.assumed
    )


def test_a_block_that_the_file_lacks_is_named() -> None:
    tensors, config = small_resnet()
    with pytest.raises(ArchitectureMismatchError, match=r"layers\.1\.layer\.0"):
        templated(checkpoint_of(tensors), {**config, "depths": [2]})


def test_a_tensor_that_has_no_place_is_named() -> None:
    tensors, config = small_resnet()
    tensors["resnet.neck.weight"] = torch.zeros(4, 4)
    with pytest.raises(ArchitectureMismatchError, match=r"resnet\.neck\.weight"):
        templated(checkpoint_of(tensors), config)


@pytest.mark.parametrize(
    "changes",
    [
        {"depths": [1 << 30]},
        {"depths": [-1]},
        {"depths": "many"},
        {"hidden_sizes": [4, 4]},
        {"num_channels": 1 << 40},
        {"hidden_act": "magic"},
    ],
)
def test_configurations_that_make_no_sense_are_refused(changes: dict[str, object]) -> None:
    tensors, config = small_resnet()
    with pytest.raises((StructureNotInferableError, ArchitectureMismatchError)):
        templated(checkpoint_of(tensors), {**config, **changes})


@pytest.mark.parametrize("patch", [0, -4, 1 << 39])
def test_a_patch_size_that_makes_no_sense_is_refused(patch: int) -> None:
    folder = corpus("safetensors") / "hf_convnext"
    checkpoint, config = loaded(folder)
    with pytest.raises((StructureNotInferableError, ArchitectureMismatchError)):
        templated(checkpoint, {**config, "patch_size": patch})
