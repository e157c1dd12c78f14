"""Chains of layers without a graph: the order their names tell, and unknown functions between them."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.utils import parametrizations

from metagauge.architecture.templates.names.from_names import from_names
from metagauge.architecture.templates.names.hints import Hints
from metagauge.errors import StructureNotInferableError
from tests.architecture.templates.named_networks import checkpoint_of, read_names, trained
from tests.architecture.templates.runnable import onnx_file, outputs_of

Shapes = dict[str, tuple[int, ...]]


def operators(shapes: Shapes) -> list[str] | None:
    """The operators that a file of these tensors becomes."""
    found = from_names(checkpoint_of({name: torch.zeros(shape) for name, shape in shapes.items()}))
    if found is None:
        return None
    assert found.checkpoint.program is not None
    return [node.operator for node in found.checkpoint.program.nodes]


def layer(name: str, *shape: int) -> Shapes:
    """Weight and bias."""
    return {f"{name}.weight": shape, f"{name}.bias": shape[:1]}


def norm(name: str, width: int) -> Shapes:
    """A batch norm."""
    return {f"{name}.{leaf}": (width,) for leaf in ("weight", "bias", "running_mean", "running_var")}


def test_a_sequential_has_unknown_functions_between_its_layers() -> None:
    found = operators({**layer("4", 2, 5), **layer("0", 7, 3), **layer("2", 5, 7)})
    assert found == ["Gemm", "Unknown", "Gemm", "Unknown", "Gemm"]


def test_a_norm_right_behind_a_layer_has_nothing_before_it() -> None:
    assert operators({**layer("0", 7, 3), **norm("1", 7), **layer("3", 2, 7)}) == [
        "Gemm",
        "BatchNormalization",
        "Unknown",
        "Gemm",
    ]


def test_where_names_have_no_places_anything_may_be_before_a_norm() -> None:
    assert operators({**layer("fc1", 7, 3), **norm("bn1", 7), **layer("fc2", 2, 7)}) == [
        "Gemm",
        "Unknown",
        "BatchNormalization",
        "Unknown",
        "Gemm",
    ]


def test_convolutions_are_flattened_into_as_many_positions_as_the_linear_layer_reads() -> None:
    shapes = {**layer("conv1", 4, 3, 5, 5), **norm("bn1", 4), **layer("fc1", 9, 4 * 36), **layer("fc2", 2, 9)}
    found = from_names(checkpoint_of({name: torch.zeros(shape) for name, shape in shapes.items()}))
    assert found is not None
    assert found.checkpoint.program is not None
    assert found.checkpoint.program.inputs[0].shape == (1, 3, 6, 6)
    assert found.provenance.rung == "chain"
    assert any("[6, 6] positions" in each for each in found.provenance.assumed)
    assert any("activations" in each for each in found.provenance.assumed)


@pytest.mark.parametrize(
    ("why", "shapes"),
    [
        ("widths do not follow", {**layer("0", 7, 3), **layer("2", 5, 8)}),
        ("positions are no square", {**layer("conv1", 4, 3, 3, 3), **layer("fc1", 9, 4 * 35)}),
        ("two heads", {**layer("fc1", 7, 3), **layer("fc2_1", 2, 7), **layer("fc2_2", 2, 7)}),
        ("words that are no numbers", {**layer("encoder", 7, 3), **layer("decoder", 3, 7)}),
        ("two lists, none of which is first", {**layer("left.0", 7, 3), **layer("right.0", 3, 7)}),
        ("a norm of unknown kind", {**layer("0", 4, 3, 3, 3), "1.weight": (4,), "1.bias": (4,)}),
        ("a parameter of another module", {**layer("0", 7, 3), **layer("2", 5, 7), "3.table": (5, 5)}),
        ("an empty tensor", {**layer("0", 7, 3), **layer("2", 0, 7)}),
        (
            "filters of several widths beside one another",
            {**layer("convs.0", 6, 1, 3, 4), **layer("convs.1", 6, 1, 5, 4)},
        ),
        ("a list of layers of one width", {**layer("blocks.0", 7, 7), **layer("blocks.1", 7, 7)}),
        ("the bias of something else", {**layer("0", 7, 3), "2.weight": (5, 7), "2.bias": (7,)}),
        ("a convolution behind a linear layer", {**layer("0", 8, 3), **layer("2", 4, 2, 3, 3)}),
    ],
)
def test_what_is_no_chain_is_left_alone(why: str, shapes: Shapes) -> None:
    assert operators(shapes) is None, why


def test_a_generator_is_known_by_its_biases_and_norms() -> None:
    shapes = {"0.weight": (9, 6, 4, 4), **norm("1", 6), **layer("3", 6, 3, 4, 4), "3.bias": (3,)}
    assert operators(shapes) == ["ConvTranspose", "BatchNormalization", "Unknown", "ConvTranspose"]


def test_integers_among_the_weights_are_not_passed_over() -> None:
    tensors = {name: torch.zeros(shape) for name, shape in {**layer("0", 7, 3), **layer("2", 5, 7)}.items()}
    tensors["1.codes"] = torch.zeros(4, dtype=torch.int64)
    assert from_names(checkpoint_of(tensors)) is None


def _weight_normed(*, old: bool) -> nn.Module:
    wrap = nn.utils.weight_norm if old else parametrizations.weight_norm
    return nn.Sequential(wrap(nn.Linear(6, 5)), nn.Tanh(), wrap(nn.Linear(5, 3)))


def _spectrally_normed(*, old: bool) -> nn.Module:
    wrap = nn.utils.spectral_norm if old else parametrizations.spectral_norm
    module = nn.Sequential(wrap(nn.Linear(6, 5)), nn.Tanh(), wrap(nn.Linear(5, 3)))
    for _ in range(3):
        module(torch.randn(4, 6))
    return module


@pytest.mark.filterwarnings("ignore:.*weight_norm.*")
@pytest.mark.parametrize("make", [_weight_normed, _spectrally_normed])
@pytest.mark.parametrize("old", [True, False])
def test_reparametrised_weights_are_computed_from_their_tensors(make: type, old: bool) -> None:
    torch.manual_seed(0)
    module = make(old=old).eval()
    x = torch.randn(1, 6)
    with torch.no_grad():
        expected = module(x).numpy()
    found = outputs_of(onnx_file(read_names(module, Hints(activation="tanh")).checkpoint), {"input": x.numpy()})[0]
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


def test_a_stated_activation_makes_a_chain_run() -> None:
    module = trained(
        nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(144, 5))
    )
    x = torch.randn(1, 3, 6, 6, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        expected = module(x).numpy()
    found = outputs_of(onnx_file(read_names(module, Hints(activation="relu")).checkpoint), {"input": x.numpy()})[0]
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


def test_each_place_can_be_told_its_own_activation() -> None:
    module = trained(nn.Sequential(nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, 5), nn.Tanh(), nn.Linear(5, 3)))
    x = torch.randn(1, 4, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        expected = module(x).numpy()
    found = outputs_of(onnx_file(read_names(module, Hints(activation="relu, tanh")).checkpoint), {"input": x.numpy()})
    np.testing.assert_allclose(found[0], expected, rtol=1e-5, atol=1e-6)
    tensors = checkpoint_of(module.state_dict())
    with pytest.raises(StructureNotInferableError, match="2 places"):
        from_names(tensors, Hints(activation="relu, tanh, relu"))
