"""What probing says of a network depends on its function, on how it reads images, and on nothing else."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from metagauge.architecture.layers import Activation, BatchNorm
from metagauge.architecture.onnx.lift import lift
from metagauge.checkpoint.limits import Limits
from metagauge.checkpoint.onnx_file import read_onnx
from metagauge.errors import ArchitectureMismatchError, TensorMissingError
from models.probes.activity import ACTIVITY_NAMES
from models.probes.convention import Convention
from models.probes.probe import alone, probe
from models.probes.responses import needs_class_order
from models.subject import Declared
from models.transforms.fold import fold
from models.transforms.rescale import rescale
from models.zoo.export import to_onnx
from tests.exported import shapes_unchecked
from tests.models.probes.asked import CONVENTION, Network, apart, distance, learned, probes, together
from tests.models.probes.neurons import signatures
from tests.permutation import permute
from tests.zoo_networks import FAMILY_NAMES, drawn

ROUNDING = 2e-3
"""What float32 leaves of numbers of order one, some of them logarithms; one changed weight does ten times as much."""
OTHERS_CHANGE = 2e-2


def network(family: str, seed: int = 0) -> Network:
    architecture, tensors = drawn(family, seed)
    return Network(architecture=architecture, tensors=tensors)


def with_other_weights(first: Network, seed: int) -> Network:
    rng = np.random.default_rng(seed)
    changed = {
        name: (array * rng.uniform(0.5, 1.5, array.shape)).astype(np.float32) for name, array in first.tensors.items()
    }
    return replace(first, tensors=changed)


@pytest.mark.parametrize("family", FAMILY_NAMES)
def test_every_number_is_finite_and_most_neurons_are_recorded(family: str):
    asked = network(family, 1)
    said = asked.ask()
    assert all(activity.isfinite().all() for activity in said.activity)
    assert said.responses.isfinite().all()
    recorded = [bool(activity[0, :, ACTIVITY_NAMES.index("recorded")].all()) for activity in said.activity]
    hidden = [group.kind != "parameter" and group.operation == "sum" for group in asked.graph.groups]
    assert sum(recorded) >= sum(hidden) - sum(group.activation == "softmax" for group in asked.graph.groups)


@pytest.mark.parametrize("scale", [1e-12, 1e6, 1e12, float("inf")])
def test_numbers_are_finite_whatever_the_weights(scale: float):
    asked = network("cnn", 1)
    said = replace(asked, tensors={name: array * np.float32(scale) for name, array in asked.tensors.items()}).ask()
    assert all(activity.isfinite().all() for activity in said.activity)
    assert said.responses.isfinite().all()


@pytest.mark.parametrize("family", FAMILY_NAMES)
def test_permuted_neurons_have_permuted_activity(family: str):
    asked = network(family, 2)
    tensors = permute(asked.architecture, asked.tensors, np.random.default_rng(1))
    other = replace(asked, tensors=tensors)
    before, after = asked.ask(), other.ask()
    moved = 0
    pairs = zip(signatures(asked.graph), signatures(other.graph), before.activity, after.activity, strict=True)
    for ours, theirs, one, two in pairs:
        if len(set(ours)) == len(ours) > 1:
            place = {signature: number for number, signature in enumerate(theirs)}
            order = [place[signature] for signature in ours]
            moved += order != sorted(order)
            assert distance(one, two[:, order]) < ROUNDING
    assert moved > 0
    assert distance(before.responses, after.responses) < ROUNDING


@pytest.mark.parametrize("family", FAMILY_NAMES)
def test_neurons_permuted_on_one_side_say_something_else(family: str):
    asked = network(family, 2)
    tensors = permute(asked.architecture, asked.tensors, np.random.default_rng(1), one_side=True)
    assert distance(asked.ask().responses, replace(asked, tensors=tensors).ask().responses) > OTHERS_CHANGE


@pytest.mark.parametrize("family", FAMILY_NAMES)
def test_a_changed_weight_is_noticed(family: str):
    asked = network(family, 2)
    name = next(iter(asked.tensors))
    changed = {**asked.tensors, name: asked.tensors[name].copy()}
    changed[name].flat[:10] += 1
    assert apart(asked.ask(), replace(asked, tensors=changed).ask()) > OTHERS_CHANGE


@pytest.mark.parametrize("family", FAMILY_NAMES)
def test_neither_company_nor_tiles_matter(family: str):
    first = network(family, 1)
    networks = [first, with_other_weights(first, 1), with_other_weights(first, 2)]
    joint, tiled = together(networks), together(networks, budget=1)
    for number, each in enumerate(networks):
        own = each.ask()
        for said in (joint, tiled):
            assert distance(said.responses[number], own.responses[0]) < ROUNDING
            for theirs, ours in zip(said.activity, own.activity, strict=True):
                assert distance(theirs[number], ours[0]) < ROUNDING
    assert distance(joint.responses[0], joint.responses[1]) > OTHERS_CHANGE


@pytest.mark.parametrize(("family", "seed"), [("cnn", 4), ("resnet", 3), ("cnn1d", 3), ("mlp", 3)])
def test_a_folded_batch_norm_says_the_same(family: str, seed: int):
    asked = with_batch_norm(family, seed)
    architecture, tensors = fold(asked.architecture, asked.tensors, np.random.default_rng(0))
    assert len(architecture.operations) < len(asked.architecture.operations)
    assert apart(asked.ask(), Network(architecture=architecture, tensors=dict(tensors)).ask()) < ROUNDING


def test_an_export_says_the_same():
    asked = network("resnet", 1)
    with shapes_unchecked():
        checkpoint = read_onnx(memoryview(to_onnx(asked.architecture, asked.tensors)), Limits())
    tensors = {name: np.array(tensor.array()) for name, tensor in checkpoint.tensors.items() if tensor.is_float}
    assert apart(asked.ask(), Network(architecture=lift(checkpoint), tensors=tensors).ask()) < ROUNDING


def with_batch_norm(family: str, seed: int) -> Network:
    """The first network of the family, from this seed on, that normalises batches."""
    while True:
        found = network(family, seed)
        if any(isinstance(operation.layer, BatchNorm) for operation in found.architecture.operations):
            return found
        seed += 1


def test_rescaled_neurons_say_the_same():
    asked = rectified(network("cnn"))
    _, tensors = rescale(asked.architecture, asked.tensors, np.random.default_rng(3))
    pairs = list(zip(asked.ask().activity, replace(asked, tensors=dict(tensors)).ask().activity, strict=True))
    assert max(distance(one, two) for one, two in pairs) < ROUNDING
    doubled = {name: 2 * array if name.endswith("bias") else array for name, array in tensors.items()}
    pairs = list(zip(asked.ask().activity, replace(asked, tensors=doubled).ask().activity, strict=True))
    assert max(distance(one, two) for one, two in pairs) > ROUNDING


def rectified(asked: Network) -> Network:
    """The network with ReLUs for whatever its activations are."""
    operations = tuple(
        replace(each, layer=Activation(function="relu")) if isinstance(each.layer, Activation) else each
        for each in asked.architecture.operations
    )
    return replace(asked, architecture=replace(asked.architecture, operations=operations))


def test_wrong_normalisation_is_noticed():
    asked = network("cnn", 1)
    wrong = CONVENTION.declared(Declared(mean=(0.0, 0.0, 0.0), spread=(1.0, 1.0, 1.0)))
    assert apart(asked.ask(), asked.ask(convention=wrong)) > OTHERS_CHANGE


def test_what_is_declared_undoes_another_normalisation():
    asked = network("mlp", 1)
    weight = next(name for name in asked.tensors if asked.tensors[name].ndim == 2)
    halved = {**asked.tensors, weight: asked.tensors[weight] / 2}
    declared = CONVENTION.declared(Declared(spread=tuple(each / 2 for each in CONVENTION.spread)))  # pyright: ignore[reportArgumentType]
    assert distance(asked.ask().responses, replace(asked, tensors=halved).ask(convention=declared).responses) < ROUNDING


def test_wrong_class_order_changes_what_needs_it_and_nothing_else():
    asked, images = network("cnn", 1), probes().joined(learned())
    order = tuple(int(each) for each in np.random.default_rng(0).permutation(10))
    right = asked.ask(images=images)
    wrong = asked.ask(images=images, convention=replace(CONVENTION, classes=order))
    needs = torch.from_numpy(needs_class_order(2))
    assert right.responses.shape[1] == len(needs)
    assert distance(right.responses[:, needs], wrong.responses[:, needs]) > OTHERS_CHANGE
    assert distance(right.responses[:, ~needs], wrong.responses[:, ~needs]) < 1e-6
    assert all(torch.equal(one, other) for one, other in zip(right.activity, wrong.activity, strict=True))


def test_a_declared_class_order_undoes_a_permuted_head():
    asked = network("mlp", 1)
    order = np.random.default_rng(0).permutation(10)
    tensors = {name: array[order] if name.startswith("head.") else array for name, array in asked.tensors.items()}
    declared = CONVENTION.declared(Declared(classes=tuple(int(each) for each in order)))
    permuted = replace(asked, tensors=tensors)
    assert distance(asked.ask().responses, permuted.ask(convention=declared).responses) < ROUNDING
    assert distance(asked.ask().responses, permuted.ask().responses) > OTHERS_CHANGE


def test_learned_images_change_nothing_else():
    asked = network("cnn", 1)
    without, with_them = asked.ask(), asked.ask(images=learned().joined(probes()))
    assert with_them.responses.shape[1] == without.responses.shape[1] + 20
    assert distance(with_them.responses[:, :-20], without.responses) < ROUNDING
    assert all(distance(*pair) < ROUNDING for pair in zip(with_them.activity, without.activity, strict=True))


def test_a_network_of_other_images_is_refused():
    asked = network("mlp")
    other = replace(asked.architecture, input_shape=(3, 28, 28))
    with pytest.raises(ArchitectureMismatchError):
        replace(asked, architecture=other).ask()


def test_a_network_of_other_classes_is_refused():
    asked = network("mlp")
    tensors = {name: array[:7] if name.startswith("head.") else array for name, array in asked.tensors.items()}
    with pytest.raises(ArchitectureMismatchError, match="7 numbers"):
        replace(asked, tensors=tensors).ask()


def test_a_missing_tensor_is_named():
    asked = network("mlp")
    with pytest.raises(TensorMissingError, match=r"head\.weight"):
        alone(asked.architecture, {name: array for name, array in asked.tensors.items() if name != "head.weight"})


def test_another_graph_is_refused():
    asked = network("mlp")
    with pytest.raises(ArchitectureMismatchError, match="groups"):
        probe(asked.architecture, alone(asked.architecture, asked.tensors), network("vit").graph, probes(), CONVENTION)


@pytest.mark.parametrize(
    "declared",
    [Declared(classes=(0, 1, 2)), Declared(classes=(0,) * 10), Declared(spread=(1.0, 0.0, 1.0))],
)
def test_impossible_declarations_are_refused(declared: Declared):
    with pytest.raises(ValueError, match="declared"):
        CONVENTION.declared(declared)


def test_what_is_not_declared_is_the_zoos():
    assert CONVENTION.declared(Declared()) == CONVENTION
    assert isinstance(CONVENTION, Convention)
