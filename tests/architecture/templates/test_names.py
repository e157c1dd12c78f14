"""Networks from the names of their tensors alone: they compute what the module computes, or are refused."""

import numpy as np
import pytest
import torch
from torch import nn

from metagauge.architecture.templates.names.from_names import from_names
from metagauge.architecture.templates.names.hints import Hints
from metagauge.errors import StructureNotInferableError
from tests.architecture.templates.named_networks import (
    Mixer,
    Pooled,
    ResNet,
    Sequence,
    Vgg,
    Vit,
    checkpoint_of,
    read_names,
    trained,
)
from tests.architecture.templates.runnable import onnx_file, outputs_of


def encoder() -> nn.Module:
    """Two layers, and the mean of the steps."""
    layer = nn.TransformerEncoderLayer(8, 2, 12, batch_first=True)
    return Pooled(nn.TransformerEncoder(layer, 2, enable_nested_tensor=False))


NETWORKS = {
    "resnet": (ResNet(), Hints(image_size=64), (3, 64, 64)),
    "resnet of bottlenecks": (ResNet(deep=True), Hints(image_size=64), (3, 64, 64)),
    "resnet for small images": (ResNet(small=True), Hints(), (3, 32, 32)),
    "vgg": (Vgg(), Hints(), (3, 16, 16)),
    "vit": (Vit(), Hints(num_heads=3), (3, 16, 16)),
    "mixer": (Mixer(), Hints(), (3, 12, 12)),
    "gru": (Sequence(nn.GRU(4, 6, num_layers=2, batch_first=True)), Hints(), (6, 4)),
    "lstm in both directions": (
        Sequence(nn.LSTM(4, 6, num_layers=2, batch_first=True, bidirectional=True)),
        Hints(),
        (6, 4),
    ),
    "transformer encoder": (encoder(), Hints(num_heads=2, pooling="mean", steps=7), (7, 8)),
    "rnn without biases": (Sequence(nn.RNN(4, 6, bias=False, batch_first=True)), Hints(steps=9), (9, 4)),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_what_the_names_tell_computes_what_the_module_computes(name: str) -> None:
    module, hints, shape = NETWORKS[name]
    x = torch.randn(1, *shape, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        expected = trained(module)(x).numpy()
        other = module(x.flip(-1)).numpy()
    found = outputs_of(onnx_file(read_names(module, hints).checkpoint), {"input": x.numpy()})[0]
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4 * np.abs(expected).max())
    assert np.abs(other - expected).max() > 1e-3 * np.abs(expected).max(), "the test's input does not matter"


def test_what_wraps_all_names_does_not_matter() -> None:
    plain, wrapped = read_names(ResNet()), read_names(ResNet(), prefix="module.model.")
    assert plain.checkpoint.program is not None
    assert wrapped.checkpoint.program is not None
    assert [node.operator for node in plain.checkpoint.program.nodes] == [
        node.operator for node in wrapped.checkpoint.program.nodes
    ]


def test_what_a_file_cannot_tell_is_listed_as_assumed() -> None:
    provenance = read_names(ResNet(small=True)).provenance
    assert provenance.rung == "template"
    assert any("stride 1 and no pool" in each for each in provenance.assumed)
    assert any("ReLU" in each for each in provenance.assumed)


def test_an_unknown_number_of_heads_is_refused_and_what_settles_it_is_named() -> None:
    with pytest.raises(StructureNotInferableError, match="num_heads"):
        read_names(Vit())


def test_a_transformer_encoder_is_refused_until_heads_and_pooling_are_told() -> None:
    with pytest.raises(StructureNotInferableError, match="num_heads"):
        read_names(encoder())
    with pytest.raises(StructureNotInferableError, match="pooling"):
        read_names(encoder(), Hints(num_heads=2))


def test_one_tensor_too_much_is_refused_by_name() -> None:
    tensors = dict(ResNet().state_dict())
    tensors["layer1.0.attention.weight"] = torch.zeros(3)
    with pytest.raises(StructureNotInferableError, match=r"layer1\.0\.attention\.weight"):
        from_names(checkpoint_of(tensors))


def test_a_width_that_does_not_fit_is_refused_by_name() -> None:
    tensors = dict(ResNet().state_dict())
    tensors["layer2.0.conv2.weight"] = torch.zeros(12, 11, 3, 3)
    with pytest.raises(StructureNotInferableError, match=r"layer2\.0\.conv2\.weight"):
        from_names(checkpoint_of(tensors))


def test_a_missing_shortcut_is_refused() -> None:
    tensors = {name: value for name, value in ResNet().state_dict().items() if "downsample" not in name}
    with pytest.raises(StructureNotInferableError, match="what goes around it"):
        from_names(checkpoint_of(tensors))


def test_projected_states_are_refused() -> None:
    module = Sequence(nn.GRU(4, 6, batch_first=True))
    module.rnn = nn.LSTM(4, 6, proj_size=3, batch_first=True)
    with pytest.raises(StructureNotInferableError, match="proj_size"):
        read_names(module)


def test_a_second_layer_behind_a_recurrent_network_is_refused() -> None:
    tensors = dict(Sequence(nn.GRU(4, 6)).state_dict())
    tensors["tail.weight"] = torch.zeros(3, 3)
    with pytest.raises(StructureNotInferableError, match="order of"):
        from_names(checkpoint_of(tensors))


@pytest.mark.parametrize(("name", "reason"), [("c1.lin_l.weight", "edges"), ("cell.weight_ih", "how often")])
def test_modules_that_need_more_than_their_names_are_refused_with_the_reason(name: str, reason: str) -> None:
    with pytest.raises(StructureNotInferableError, match=reason):
        from_names(checkpoint_of({name: torch.zeros(4, 3), "head.weight": torch.zeros(2, 4)}))


def test_names_that_nobody_knows_are_left_to_others() -> None:
    assert from_names(checkpoint_of({"alpha": torch.zeros(3, 4), "beta": torch.zeros(4, 3)})) is None
