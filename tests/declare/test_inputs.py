"""What a module is declared for: shapes without the batch axis, example tensors with it, one or several."""

import pytest
import torch
from torch import Tensor, nn

from metagauge.architecture.architecture import Architecture
from metagauge.architecture.dataflow import Dataflow
from metagauge.architecture.operators.source import Given
from metagauge.declare.declare import Inputs, declare
from metagauge.errors import StructureNotInferableError


class Both(nn.Module):
    """Numbers and, where they are given, tokens."""

    def __init__(self) -> None:
        super().__init__()
        self.linear, self.table = nn.Linear(4, 3), nn.Embedding(7, 3)

    def forward(self, x: Tensor, tokens: Tensor, scale: Tensor | None = None) -> Tensor:
        found = self.linear(x) + self.table(tokens).mean(1)
        return found if scale is None else found * scale


class Sum(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(4, 3), nn.Linear(7, 3)

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        return self.first(x) + self.second(y)


def small() -> nn.Module:
    return nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2))


def images() -> nn.Module:
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(144, 2))


def tokens(*shape: int) -> Tensor:
    return torch.zeros(shape, dtype=torch.long)


LAYERED: dict[str, tuple[nn.Module, Inputs, tuple[int, ...]]] = {
    "a number": (small(), 4, (4,)),
    "a list": (small(), [4], (4,)),
    "a size": (small(), torch.Size([4]), (4,)),
    "half precision": (small().half(), (4,), (4,)),
    "one sample": (images(), torch.randn(1, 3, 8, 8), (3, 8, 8)),
    "five samples": (images(), torch.randn(5, 3, 8, 8), (3, 8, 8)),
}
"""And the shape that its architecture has."""

WHOLE: dict[str, tuple[nn.Module, Inputs, list[tuple[int, ...]]]] = {
    "tokens by their shape": (nn.Embedding(7, 4), (5,), [(1, 5)]),
    "three sequences": (nn.Embedding(7, 4), tokens(3, 5), [(1, 5)]),
    "several shapes": (Sum(), [(4,), (7,)], [(1, 4), (1, 7)]),
    "several samples of several inputs": (Sum(), (torch.zeros(3, 4), torch.zeros(3, 7)), [(1, 4), (1, 7)]),
    "a shape and an example": (Both(), [(4,), tokens(1, 5)], [(1, 4), (1, 5)]),
    "names": (Both(), {"tokens": tokens(1, 5), "x": (4,), "scale": (3,)}, [(1, 5), (1, 4), (1, 3)]),
    "steps before samples": (nn.GRU(4, 3), torch.randn(6, 1, 4), [(6, 1, 4)]),
    "steps before two samples": (nn.GRU(4, 3), torch.randn(6, 2, 4), [(6, 2, 4)]),
}


@pytest.mark.parametrize("name", LAYERED)
def test_a_network_of_layers_has_the_shape_of_one_sample(name: str):
    module, inputs, shape = LAYERED[name]
    network = declare(module, inputs)
    assert isinstance(network, Architecture)
    assert network.input_shape == shape


@pytest.mark.parametrize("name", WHOLE)
def test_a_dataflow_is_given_one_sample(name: str):
    module, inputs, shapes = WHOLE[name]
    network = declare(module, inputs)
    assert isinstance(network, Dataflow)
    given = [step.operator.shape for step in network.steps if isinstance(step.operator, Given)]
    assert sorted(given) == sorted(shapes)


def test_the_kind_of_numbers_of_an_example_is_kept():
    network = declare(nn.Embedding(7, 4), tokens(1, 5))
    assert isinstance(network, Dataflow)
    assert [step.operator.numbers for step in network.steps if isinstance(step.operator, Given)] == ["int"]


REFUSED: dict[str, tuple[nn.Module, object, str]] = {
    "a batch axis": (images(), (1, 3, 8, 8), "leave it out, (3, 8, 8)"),
    "no batch axis in an example": (images(), torch.randn(3, 8, 8), "batch axis included"),
    "one of two inputs": (Sum(), (4,), "missing 1 required positional argument: 'y'"),
    "a name that is not there": (Sum(), {"x": (4,), "z": (7,)}, "'z'"),
    "shapes for tokens among numbers": (Both(), [(4,), (5,)], "example tensors"),
    "a word": (small(), "4", "'4' is neither shape nor tensor"),
    "nothing": (small(), None, "'None' is neither shape nor tensor"),
    "a negative size": (small(), (-1, 4), "'(-1, 4)' is neither shape nor tensor"),
    "no weights": (nn.Upsample(scale_factor=2), (3, 4, 4), "it has no weights"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_other_inputs_are_refused_with_what_to_give_instead(name: str):
    module, inputs, said = REFUSED[name]
    with pytest.raises(StructureNotInferableError) as refused:
        declare(module, inputs)  # type: ignore[arg-type]
    assert said in str(refused.value)
