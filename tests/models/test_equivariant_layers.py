"""Group-equivariant layers: they are what they claim to be, and their graph has one edge set for each basis element."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from metagauge.architecture.operators.shapes import shapes
from metagauge.graph.flow.bases import split_bases
from metagauge.graph.symmetry.inference import Symmetry, infer_symmetry
from metagauge.graph.symmetry.permutation import freedom, permutations
from models.in_memory import checkpoint_of
from models.interpreter.dataflow import run_all_values, run_dataflow
from tests.equivariant import IMAGE, POINTS, TURNS, WIDTHS, Equivariant, deep_sets_basis, shifts, spanned, turning
from tests.zoo_networks import graph_of

NETWORKS: dict[str, Callable[[], Equivariant]] = {
    "shifts of C4": lambda: spanned(shifts()),
    "quarter turns": turning,
    "permutations of a set": lambda: spanned(deep_sets_basis()),
}


def tensors(network: Equivariant) -> dict[str, Tensor]:
    return {name: torch.from_numpy(array).double() for name, array in network.tensors.items()}


def values(network: Equivariant, given: Tensor) -> dict[str, Tensor]:
    return run_all_values(network.dataflow, tensors(network), [given])


def generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def permuted(value: Tensor, places: Tensor) -> Tensor:
    """(1, channels * places) with the places of each channel in another order."""
    return value.unflatten(1, (-1, len(places)))[:, :, places].flatten(1)


def shares(network: Equivariant, given: Tensor, moved: Tensor, move: Callable[[Tensor], Tensor]) -> list[float]:
    """How far hidden layers are from moving as they should, and the output from staying as it is."""
    before, after = values(network, given), values(network, moved)
    output = network.dataflow.outputs[0]
    found = [(move(before[name]) - after[name]).abs().max() / before[name].abs().max() for name in network.hidden]
    return [*map(float, found), float((before[output] - after[output]).abs().max())]


@pytest.mark.parametrize("turn", range(1, TURNS))
def test_shifts_of_the_input_shift_the_hidden_layers(turn: int):
    given = torch.randn(1, WIDTHS[0] * TURNS, generator=generator(), dtype=torch.float64)
    places = (torch.arange(TURNS) - turn) % TURNS
    assert (
        max(shares(NETWORKS["shifts of C4"](), given, permuted(given, places), lambda value: permuted(value, places)))
        < 1e-12
    )


def test_other_permutations_of_the_turns_do_not():
    given = torch.randn(1, WIDTHS[0] * TURNS, generator=generator(), dtype=torch.float64)
    places = torch.tensor([1, 0, 2, 3])
    assert (
        min(shares(NETWORKS["shifts of C4"](), given, permuted(given, places), lambda value: permuted(value, places)))
        > 1e-3
    )


@pytest.mark.parametrize("places", [[1, 0, 2], [2, 0, 1]])
def test_permuted_points_permute_the_hidden_layers(places: list[int]):
    given = torch.randn(1, WIDTHS[0] * POINTS, generator=generator(), dtype=torch.float64)
    order = torch.tensor(places)
    network = NETWORKS["permutations of a set"]()
    assert max(shares(network, given, permuted(given, order), lambda value: permuted(value, order))) < 1e-12


def turned(value: Tensor, turns: int) -> Tensor:
    """(1, channels * turns, rows, columns): the plane rotated, and the turns of each channel shifted."""
    plane = torch.rot90(value, turns, (2, 3))
    return plane.unflatten(1, (-1, TURNS)).roll(turns, 2).flatten(1, 2)


def turned_shares(network: Equivariant, turns: int) -> list[float]:
    given = torch.randn(1, WIDTHS[0], IMAGE, IMAGE, generator=generator(), dtype=torch.float64)
    return shares(network, given, torch.rot90(given, turns, (2, 3)), lambda value: turned(value, turns))


@pytest.mark.parametrize("turns", range(1, TURNS))
def test_a_turned_image_turns_the_hidden_layers(turns: int):
    assert max(turned_shares(turning(), turns)) < 1e-12


def test_without_turned_copies_it_does_not():
    assert min(turned_shares(turning(rotated=False), 1)) > 1e-3


def symmetry(network: Equivariant) -> Symmetry:
    found = shapes(network.dataflow, lambda tensor: network.tensors[tensor].shape)
    return infer_symmetry(network.dataflow, found)


def output(network: Equivariant, arrays: dict[str, np.ndarray]) -> Tensor:
    shape = (1, WIDTHS[0], IMAGE, IMAGE) if "layer0.kernel" in arrays else (1, WIDTHS[0] * network_places(network))
    given = torch.randn(shape, generator=generator(), dtype=torch.float64)
    doubles = {name: torch.from_numpy(np.ascontiguousarray(array)).double() for name, array in arrays.items()}
    return run_dataflow(network.dataflow, doubles, [given])[0]


def network_places(network: Equivariant) -> int:
    return TURNS if network.tensors["layer0.coefficients"].shape[2] == TURNS else POINTS


@pytest.mark.parametrize("name", NETWORKS)
def test_permuted_channels_compute_the_same(name: str):
    network = NETWORKS[name]()
    found = symmetry(network)
    assert freedom(found) == 2  # the channels of both hidden layers
    order = permutations(found, seed=3)
    moved = {each: array[np.ix_(*order[each])] for each, array in network.tensors.items()}
    assert any((moved[each] != network.tensors[each]).any() for each in moved)
    torch.testing.assert_close(output(network, moved), output(network, network.tensors), rtol=0, atol=1e-9)


@pytest.mark.parametrize("name", NETWORKS)
def test_channels_permuted_on_one_side_compute_something_else(name: str):
    network = NETWORKS[name]()
    order = permutations(symmetry(network), seed=3)
    moved = {
        each: array[np.ix_(*order[each])] if each.startswith("layer0") else array
        for each, array in network.tensors.items()
    }
    assert (output(network, moved) - output(network, network.tensors)).abs().max() > 1e-3


def shared_edges(network: Equivariant, tensor: str) -> list[np.ndarray]:
    """For each block of a tensor the coefficients of its edges."""
    found = []
    for block in graph_of(network.dataflow, network.tensors).blocks:
        if block.name == tensor and block.sharing is not None:
            assert block.sharing.shape == block.weight.shape
            assert not block.weight[block.sharing < 0].any()
            flat = network.tensors[tensor].ravel()
            np.testing.assert_array_equal(
                block.weight, np.where(block.sharing < 0, 0, flat[block.sharing]).astype(np.float32)
            )
            found.append(block.sharing[block.sharing >= 0])
    return found


def counted(coefficients: np.ndarray) -> tuple[int, set[int]]:
    """How many coefficients there are, and how many edges they have each."""
    counts = np.unique(coefficients, return_counts=True)[1]
    return len(counts), {int(count) for count in counts}


def edge_sets(network: Equivariant, tensor: str) -> list[tuple[int, set[int]]]:
    """The same for each block of a tensor."""
    return [counted(block) for block in shared_edges(network, tensor)]


@pytest.mark.parametrize("layer", [0, 1])
def test_each_coefficient_of_c4_has_an_edge_for_each_turn(layer: int):
    pairs = WIDTHS[layer] * WIDTHS[layer + 1]
    network = NETWORKS["shifts of C4"]()
    assert edge_sets(network, f"layer{layer}.coefficients") == [(pairs * TURNS, {TURNS})]


@pytest.mark.parametrize("layer", [0, 1])
def test_each_number_of_a_turned_kernel_has_an_edge_for_each_turn(layer: int):
    network = NETWORKS["quarter turns"]()
    name = f"layer{layer}.kernel"
    edges = np.concatenate([block.ravel() for block in shared_edges(network, name)])
    assert counted(edges) == (network.tensors[name].size, {TURNS})


@pytest.mark.parametrize("layer", [0, 1])
def test_overlapping_basis_elements_are_parallel_edge_sets(layer: int):
    """The identity joins each point with itself, the matrix of ones all points with all."""
    pairs = WIDTHS[layer] * WIDTHS[layer + 1]
    network = NETWORKS["permutations of a set"]()
    assert edge_sets(network, f"layer{layer}.coefficients") == [(pairs, {POINTS}), (pairs, {POINTS**2})]


def test_weights_of_their_own_share_nothing():
    network = turning()
    graph = graph_of(network.dataflow, network.tensors)
    assert [block.sharing for block in graph.blocks if block.name == "head.weight"] == [None]


def test_splitting_a_basis_keeps_the_function():
    network = NETWORKS["permutations of a set"]()
    split = replace(network, dataflow=split_bases(network.dataflow, checkpoint_of(network.tensors)))
    assert len(split.dataflow.steps) > len(network.dataflow.steps)
    torch.testing.assert_close(output(split, split.tensors), output(network, network.tensors), rtol=0, atol=1e-9)


def test_a_basis_that_does_not_overlap_stays():
    network = NETWORKS["shifts of C4"]()
    assert split_bases(network.dataflow, checkpoint_of(network.tensors)) == network.dataflow
