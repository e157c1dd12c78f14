"""A module says how it is wired: what is declared computes what the module computes, and every tensor is in it."""

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from metagauge.architecture.architecture import Architecture
from metagauge.architecture.coverage import coverage, parameters_of
from metagauge.architecture.layers import Attention
from metagauge.declare.declare import declare
from metagauge.declare.save import save
from metagauge.errors import StructureNotInferableError
from models.interpreter.layers import run
from tests.architecture.onnx_export import computed, some_images
from tests.declare.saved import EVERY_NAME, module, saved, through_file
from tests.networks import IMAGE_SHAPE, built

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("name", EVERY_NAME)
def test_the_file_computes_what_the_module_computes(name: str):
    checkpoint, architecture = through_file(name)
    images = some_images()
    with torch.no_grad():
        expected = module(name)(images)
    torch.testing.assert_close(computed(architecture, checkpoint, images), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", EVERY_NAME)
def test_the_file_is_read_as_declared_and_whole(name: str):
    checkpoint, architecture = through_file(name)
    assert architecture.provenance.rung == "declared"
    assert (coverage(architecture, checkpoint), architecture.unsupported) == (1.0, ())


@pytest.mark.parametrize("name", ["resnet_basic", "vit_fused_attention"])
def test_parameters_go_by_the_names_of_the_state_dict(name: str):
    network = built(name)
    architecture = declare(network, IMAGE_SHAPE)
    names = {name for name, tensor in network.state_dict().items() if tensor.is_floating_point()}
    assert {parameter.tensor for parameter in parameters_of(architecture)} == names
    assert run(architecture, network.state_dict(), some_images()).shape == (3, 10)


def test_a_tied_tensor_is_stored_once_and_a_hidden_buffer_too():
    checkpoint, _ = through_file("tied")
    assert set(checkpoint.tensors) == {"first.weight", "first.bias", "head.weight", "head.bias", "table"}


def test_tensors_that_are_views_of_others_are_stored():
    network = nn.Sequential(nn.AvgPool2d(16), nn.Flatten(), nn.Linear(12, 10))
    network[2].weight = nn.Parameter(torch.randn(24, 10).t()[:, ::2])
    checkpoint, architecture = saved(network)
    images = some_images()
    torch.testing.assert_close(computed(architecture, checkpoint, images), network(images).detach())


def test_a_module_in_half_precision_is_declared():
    network = built("cnn_batch_norm").bfloat16()
    checkpoint, architecture = saved(network)
    assert checkpoint.tensor("head.weight").dtype == "BF16"
    assert architecture.operations == through_file("cnn_batch_norm")[1].operations


@pytest.mark.parametrize("name", ["cnn_batch_norm", "vit_encoder_norm_first"])
def test_the_module_is_left_as_it_was(name: str):
    network = built(name).train()
    frozen = next(iter(network.children())).eval()
    before = {key: tensor.clone() for key, tensor in network.state_dict().items()}
    assert declare(network, IMAGE_SHAPE).operations == through_file(name)[1].operations
    assert network.training
    assert not frozen.training
    assert all(torch.equal(before[key], tensor) for key, tensor in network.state_dict().items())
    assert torch.backends.mha.get_fastpath_enabled()


def test_what_a_module_does_in_training_only_is_not_declared():
    network = nn.Sequential(nn.Flatten(), nn.Dropout(0.5), nn.Linear(3072, 10))
    assert [operation.layer.kind for operation in declare(network, IMAGE_SHAPE).operations] == ["flatten", "linear"]


@pytest.mark.parametrize(("shape", "layout"), [((12,), "vector"), ((5, 12), "sequence")])
def test_inputs_need_not_be_images(shape: tuple[int, ...], layout: str):
    architecture = declare(nn.Sequential(nn.Linear(12, 6), nn.ReLU(), nn.Linear(6, 2)), shape)
    assert (architecture.input_layout, architecture.input_shape) == (layout, shape)


def heads(architecture: Architecture) -> list[int]:
    return [operation.layer.heads for operation in architecture.operations if isinstance(operation.layer, Attention)]


def test_the_heads_and_the_mask_of_attention_are_declared():
    assert heads(through_file("vit_library_attention")[1]) == [3, 3]
    assert heads(through_file("vit_encoder_norm_first")[1]) == [2, 2]
    assert masks("causal_encoder") == [True]
    assert masks("tokens_first") == [False, True]
    assert masks("vit_encoder_norm_first") == [False, False]


def masks(name: str) -> list[bool]:
    layers = (operation.layer for operation in through_file(name)[1].operations)
    return [layer.causal for layer in layers if isinstance(layer, Attention)]


def test_a_wrong_head_count_would_be_noticed():
    checkpoint, architecture = through_file("vit_fused_attention")
    wrong = tuple(
        replace(operation, layer=replace(operation.layer, heads=2))
        if isinstance(operation.layer, Attention)
        else operation
        for operation in architecture.operations
    )
    images = some_images()
    right, other = (
        computed(each, checkpoint, images) for each in (architecture, replace(architecture, operations=wrong))
    )
    assert (right - other).abs().max() > 1e-3


class Branches(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Linear(3072, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = self.head(x.flatten(1))
        return x if x.sum() > 0 else -x


REFUSED: dict[str, tuple[Callable[[], nn.Module], tuple[str, ...]]] = {
    "a step that depends on values": (Branches, ("Branches cannot be traced", "[1, 3, 32, 32]")),
    "another input shape": (lambda: nn.Linear(5, 2), ("Linear does not run", "[1, 3, 32, 32]")),
    "batch norm without statistics": (
        lambda: nn.Sequential(nn.BatchNorm2d(3, track_running_stats=False)),
        ("'0' (BatchNorm2d)", "batch_norm", "track_running_stats=True"),
    ),
    "windows by chance": (
        lambda: nn.Sequential(nn.FractionalMaxPool2d(2, 8), nn.Conv2d(3, 3, 1)),
        ("'0' (FractionalMaxPool2d)", "fractional_max_pool2d"),
    ),
    "nothing but the input": (nn.Identity, ("no weights",)),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_read_is_refused_by_name_and_nothing_is_written(name: str, tmp_path: Path):
    make, said = REFUSED[name]
    with pytest.raises(StructureNotInferableError) as refused:
        save(make(), IMAGE_SHAPE, tmp_path / "network.safetensors")
    for part in (*said, "the structure of", "What helps"):
        assert part in str(refused.value)
    assert list(tmp_path.iterdir()) == []


def test_torch_is_loaded_by_the_call_only():
    script = (
        "import sys; from metagauge.declare.save import save; from metagauge.declare.declare import declare;"
        "assert 'torch' not in sys.modules; assert 'onnx' not in sys.modules;"
        "from torch import nn; declare(nn.Linear(3, 2), (3,)); assert 'onnx' not in sys.modules"
    )
    ended = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
