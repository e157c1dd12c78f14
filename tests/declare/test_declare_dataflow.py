"""Modules that are not made of our layers are declared as whole-tensor operators, and compute what they did."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from metagauge.architecture.dataflow import Dataflow
from metagauge.architecture.infer import infer
from metagauge.architecture.operators.recurrent import Recurrent
from metagauge.checkpoint.checkpoint import Checkpoint
from metagauge.checkpoint.limits import Limits
from metagauge.checkpoint.read import read
from metagauge.declare.save import save
from metagauge.graph.build import build
from models.interpreter.dataflow import run_dataflow

TURNS = 4
Case = tuple[Callable[[], nn.Module], tuple[int, ...]]


class Cyclic(nn.Module):
    """A linear layer on the regular representation of C4: coefficients times a basis that is a buffer."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.coefficients = nn.Parameter(torch.randn(outputs, inputs, TURNS))
        self.register_buffer("basis", torch.stack([torch.eye(TURNS).roll(turn, 0) for turn in range(TURNS)]))

    def forward(self, value: Tensor) -> Tensor:
        weight = torch.einsum("oik,kgh->ogih", self.coefficients, self.basis)
        return functional.linear(value, weight.flatten(2).flatten(0, 1))


class Turning(nn.Module):
    """A convolution with all quarter turns of one kernel."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.kernel = nn.Parameter(torch.randn(outputs, inputs, 3, 3))

    def forward(self, value: Tensor) -> Tensor:
        turned = [torch.rot90(self.kernel, turn, (2, 3)) for turn in range(TURNS)]
        return functional.conv2d(value, torch.stack(turned, dim=1).flatten(0, 1), padding=1)


class Last(nn.Module):
    """The states of a recurrent layer, without its last ones."""

    def __init__(self, layer: nn.RNNBase) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, value: Tensor) -> Tensor:
        return self.layer(value)[0]


def flat(*layers: nn.Module) -> nn.Module:
    return nn.Sequential(*layers, nn.Flatten(), nn.LazyLinear(2))


CASES: dict[str, Case] = {
    "shifts of C4": (lambda: nn.Sequential(Cyclic(2, 3), nn.ReLU(), Cyclic(3, 2)), (2 * TURNS,)),
    "quarter turns": (lambda: flat(Turning(3, 4), nn.ReLU()), (3, 5, 5)),
    "a gate": (lambda: nn.Sequential(nn.Linear(4, 8), nn.GLU(), nn.Linear(4, 2)), (4,)),
    "a learned slope": (lambda: nn.Sequential(nn.Linear(4, 8), nn.PReLU(8), nn.Linear(8, 2)), (4,)),
    "a learned slope of maps": (lambda: flat(nn.Conv2d(3, 4, 3), nn.PReLU(4)), (3, 5, 5)),
    "a transposed convolution": (lambda: flat(nn.ConvTranspose2d(4, 6, 3, 2, 1, 1, groups=2)), (4, 5, 5)),
    "padding by reflection": (lambda: flat(nn.Conv2d(3, 4, 3, padding=1, padding_mode="reflect")), (3, 5, 5)),
    "padding in a circle": (lambda: flat(nn.Conv1d(3, 4, 3, padding=1, padding_mode="circular")), (3, 7)),
    "weight norm": (lambda: nn.Sequential(nn.utils.parametrizations.weight_norm(nn.Linear(4, 3)), nn.ReLU()), (4,)),
    "spectral norm": (lambda: nn.Sequential(nn.utils.parametrizations.spectral_norm(nn.Linear(4, 3))), (4,)),
    "root mean square norm": (lambda: nn.Sequential(nn.RMSNorm(4), nn.Linear(4, 2)), (6, 4)),
    "an LSTM": (lambda: Last(nn.LSTM(4, 5, batch_first=True)), (6, 4)),
    "a stack of GRUs both ways": (
        lambda: Last(nn.GRU(4, 5, num_layers=2, bidirectional=True, batch_first=True)),
        (6, 4),
    ),
    "recurrent units without biases": (
        lambda: Last(nn.RNN(4, 5, nonlinearity="relu", bias=False, batch_first=True)),
        (6, 4),
    ),
}


def made(name: str) -> nn.Module:
    make, shape = CASES[name]
    torch.manual_seed(0)
    module = make().eval()
    with torch.no_grad():
        module(torch.zeros(1, *shape))  # lazy layers learn their sizes
        for parameter in module.parameters():
            parameter.copy_(torch.randn_like(parameter))
    return module


def through_file(module: nn.Module, shape: tuple[int, ...], folder: Path) -> tuple[Checkpoint, Dataflow]:
    save(module, shape, folder / "network.safetensors")
    checkpoint = read(folder / "network.safetensors", Limits())
    network = infer(checkpoint, None)
    assert isinstance(network, Dataflow)
    return checkpoint, network


def computed(dataflow: Dataflow, checkpoint: Checkpoint, sample: Tensor) -> Tensor:
    tensors = {name: torch.from_numpy(tensor.array().copy()) for name, tensor in checkpoint.tensors.items()}
    return run_dataflow(dataflow, tensors, [sample])[0]


@pytest.mark.parametrize("name", CASES)
def test_a_declared_dataflow_computes_what_its_module_computes(name: str, tmp_path: Path):
    module, shape = made(name), CASES[name][1]
    checkpoint, dataflow = through_file(module, shape, tmp_path)
    sample = torch.randn(1, *shape)
    with torch.no_grad():
        expected = module(sample)
    assert expected.std() > 0.01
    torch.testing.assert_close(computed(dataflow, checkpoint, sample), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", CASES)
def test_its_graph_covers_the_file(name: str, tmp_path: Path):
    checkpoint, dataflow = through_file(made(name), CASES[name][1], tmp_path)
    assert build(dataflow, checkpoint).coverage == 1.0
    assert dataflow.provenance.rung == "declared"


def test_a_recurrent_layer_is_one_operator(tmp_path: Path):
    _, dataflow = through_file(made("a stack of GRUs both ways"), (6, 4), tmp_path)
    cells = [step.operator for step in dataflow.steps if isinstance(step.operator, Recurrent)]
    assert [cell.direction for cell in cells] == ["bidirectional", "bidirectional"]


@pytest.mark.parametrize("name", ["shifts of C4", "quarter turns"])
def test_edges_of_a_declared_equivariant_layer_share_coefficients(name: str, tmp_path: Path):
    checkpoint, dataflow = through_file(made(name), CASES[name][1], tmp_path)
    shared = [block for block in build(dataflow, checkpoint).blocks if block.sharing is not None]
    tensor = next(name for name in checkpoint.tensors if name.endswith(("coefficients", "kernel")))
    edges = sum(block.weight.size for block in shared if block.name == tensor)
    assert edges == TURNS * checkpoint.tensor(tensor).size
