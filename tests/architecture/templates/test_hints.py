"""Hints: what a caller may say of a bare file in a few words of JSON."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

from metagauge.architecture.codec import METADATA_KEY
from metagauge.architecture.infer import infer
from metagauge.architecture.templates.names.hints import Hints, hints_of, is_hints
from metagauge.checkpoint.limits import Limits
from metagauge.checkpoint.onnx_file import read_onnx
from metagauge.errors import ArchitectureMismatchError, StructureNotInferableError
from metagauge.graph.build import build
from tests.architecture.templates.named_networks import ResNet, checkpoint_of


def test_hints_are_read() -> None:
    given = {"num_heads": 4, "activation": "gelu", "pooling": "first"}
    assert hints_of(given) == Hints(num_heads=4, activation="gelu", pooling="first")


@pytest.mark.parametrize(
    "given",
    [
        {"num_heads": 0},
        {"num_heads": 1 << 20},
        {"num_heads": True},
        {"num_heads": "4"},
        {"image_size": 1.5},
        {"activation": 3},
        {"pooling": "some"},
        {"colour": "red"},
    ],
)
def test_hints_that_make_no_sense_are_refused(given: dict[str, object]) -> None:
    with pytest.raises(ArchitectureMismatchError):
        hints_of(given)


def test_other_json_is_told_from_hints() -> None:
    assert is_hints({"image_size": 32})
    assert is_hints({"steps": 5})
    assert not is_hints({})
    assert not is_hints({"image_size": 32, "model_type": "vit"})
    assert not is_hints({"steps": [], "outputs": []})
    assert not is_hints({"input_shape": [3], "operations": []})


def test_a_key_that_is_none_is_answered_with_those_that_are() -> None:
    with pytest.raises(ArchitectureMismatchError, match=r"'bogus' is no hint; known are num_heads.*steps and pooling"):
        infer(checkpoint_of(nn.Linear(3, 2).state_dict()), '{"bogus": 1}')


def test_a_file_that_tells_its_wiring_itself_takes_no_hints(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    torch.onnx.export(nn.Linear(3, 2), (torch.zeros(1, 3),), path, dynamo=False)
    read = read_onnx(memoryview(path.read_bytes()), Limits())
    with pytest.raises(ArchitectureMismatchError, match=r"an ONNX file tells its wiring itself; hints \(num_heads\)"):
        infer(read, '{"num_heads": 4}')
    declared = replace(checkpoint_of(nn.Linear(3, 2).state_dict()), metadata={METADATA_KEY: "{}"})
    with pytest.raises(ArchitectureMismatchError, match="by the specification in its metadata"):
        infer(declared, '{"activation": "relu"}')


def test_everything_that_is_open_is_asked_for_at_once() -> None:
    encoder = nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, batch_first=True), 2)
    network = checkpoint_of(nn.Sequential(encoder, nn.Linear(8, 3)).state_dict())
    with pytest.raises(StructureNotInferableError, match=r'\{"num_heads": ..., "pooling": "mean"\}'):
        infer(network, None)
    assert infer(network, '{"num_heads": 2, "pooling": "last"}').provenance.rung == "template"


def images(side: int | None) -> str | None:
    return None if side is None else f'{{"image_size": {side}}}'


@pytest.mark.parametrize(
    "module",
    [nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Conv2d(8, 4, 3)), ResNet(small=True)],
    ids=["chain", "resnet"],
)
def test_a_size_that_nothing_tells_is_listed_until_the_caller_says_it(module: nn.Module) -> None:
    network = checkpoint_of(module.state_dict())
    assert any('"image_size": ...' in each for each in infer(network, images(None)).provenance.assumed)
    assert not any('"image_size": ...' in each for each in infer(network, images(40)).provenance.assumed)


def test_a_length_that_nothing_tells_is_listed_and_one_that_tensors_tell_is_not() -> None:
    sequence = checkpoint_of(nn.GRU(3, 4).state_dict())
    assert any("a sequence of 6 steps is assumed" in each for each in infer(sequence, None).provenance.assumed)
    assert not any("is assumed" in each for each in infer(sequence, '{"steps": 4}').provenance.assumed)
    vector = checkpoint_of(nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2)).state_dict())
    assert not any("is assumed" in each for each in infer(vector, None).provenance.assumed)


def test_what_is_between_the_layers_of_a_chain_stays_guessed_when_its_activation_is_told() -> None:
    module = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(8, 4, 3))
    network = checkpoint_of(module.state_dict())
    told = infer(network, '{"activation": "relu", "image_size": 16}')
    assert any("no pooling is between them" in each for each in told.provenance.assumed)
    assert build(told, network).guessed == told.provenance.assumed
    known = checkpoint_of(ResNet(small=True).state_dict())
    assert build(infer(known, None), known).guessed == ()
