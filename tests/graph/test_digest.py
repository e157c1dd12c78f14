"""One function, one name: whichever file a network came in."""

from dataclasses import replace

import ml_dtypes
import numpy as np
import pytest

from metagauge.architecture.infer import infer
from metagauge.checkpoint.limits import Limits
from metagauge.checkpoint.read import read
from metagauge.errors import MetagaugeError
from metagauge.graph.build import build
from metagauge.graph.digest import differences, digest
from metagauge.graph.parameter_graph import Block, NodeGroup, ParameterGraph
from metagauge.graph.sketch import sketch
from tests import corpus as corpora
from tests.sketches import convolutional, residual, transformer, with_tensor
from tests.zoo_networks import graph_of

EXPLAINED = {
    "hf_clip": "the export looks for the last token by comparing ids; the template takes the place of the largest",
    "hf_detr": "the export works positions out from a mask that it resizes and sums up; the template knows them",
    "hf_mixtral_moe": "the export sends tokens to experts by their indices; the template weights all experts",
    "hf_qwen3_moe": "the export sends tokens to experts by their indices; the template weights all experts",
    "hf_rwkv": "the export writes out every step of the recurrence with its guards against overflow",
    "mlp_sequential": "names do not tell the activations, so the chain has unknown ones",
    "weight_norm_legacy_g_v": "names do not tell the activations, so the chain has unknown ones",
    "weight_norm_parametrized": "names do not tell the activations, so the chain has unknown ones",
    "pyg_gat": "the exporters write sums over neighbours with other operators",
    "pyg_sage": "the exporters write sums over neighbours with other operators",
    "timm_swin_tiny": "names do not tell the input's size, so another one is assumed",
}
FORMS = ("model.safetensors", "legacy.onnx", "dynamo.onnx")


def folders():
    try:
        return sorted(path for path in corpora.corpus("safetensors").iterdir() if (path / FORMS[0]).exists())
    except pytest.skip.Exception:
        return []


@pytest.mark.parametrize("folder", folders(), ids=lambda folder: folder.name)
def test_every_form_of_a_network_has_one_digest_or_the_difference_is_known(folder):
    graphs = {}
    for form in FORMS:
        config = folder / "config.json"
        if (folder / form).exists():
            checkpoint = read(folder / form, Limits())
            sidecar = config.read_text() if config.exists() and form == FORMS[0] else None
            try:
                graphs[form] = build(infer(checkpoint, sidecar), checkpoint)
            except MetagaugeError:
                continue
    if len(graphs) < 2:
        pytest.skip("there are no two forms of it that can be read")
    first, *others = graphs.values()
    apart = [line for other in others for line in differences(first, other)]
    if folder.name in EXPLAINED:
        assert len({digest(graph) for graph in graphs.values()}) > 1, "this is explained, and no longer so"
        return
    assert not apart
    assert len({digest(graph) for graph in graphs.values()}) == 1


@pytest.mark.parametrize("make", [convolutional, residual, transformer])
def test_a_digest_is_of_the_graph_and_not_of_its_names(make):
    graph = graph_of(*make())
    renamed = replace(
        graph,
        groups=tuple(replace(group, name="") for group in graph.groups),
        blocks=tuple(replace(block, name="") for block in reversed(graph.blocks)),
    )
    assert digest(renamed) == digest(graph)
    assert not differences(renamed, graph)


def test_one_weight_of_another_sign_is_another_network_of_the_same_structure():
    network = convolutional()
    name = next(name for name, array in network[1].items() if array.ndim == 4)

    def negated(array):
        changed = array.copy()
        changed.flat[3] *= -1
        return changed

    before, after = graph_of(*network), graph_of(*with_tensor(network, name, negated))
    (structure, coarse, fine), others = digest(before).split("-"), digest(after).split("-")
    assert structure == others[0]
    assert fine != others[2]
    assert differences(before, after)
    assert coarse  # all weights together: one of many need not show


def branches(order: tuple[int, int], *, crossed: bool = False) -> ParameterGraph:
    """Two branches of one structure, each of two layers, with their sum: in the given order of the file."""
    first = [np.full((4, 3, 1), 1 + number, np.float32) for number in range(2)]
    second = [np.full((4, 4, 1), 3 + number, np.float32) for number in range(2)]
    groups = [NodeGroup(name="x", kind="input", size=3, ordered=True)]
    blocks: list[Block] = []
    for number in order:
        for source, weight in ((0, first[number]), (len(groups), second[1 - number if crossed else number])):
            blocks.append(Block(source=source, target=len(groups), role="linear", weight=weight, name=f"{number}"))
            groups.append(NodeGroup(name=f"h{number}", kind="hidden", size=4, activation="tanh"))
    groups.append(NodeGroup(name="y", kind="output", size=4, ordered=True))
    one = np.ones((4, 1, 1), np.float32)
    blocks += [Block(source=source, target=5, role="residual", weight=one, groups=4) for source in (2, 4)]
    return ParameterGraph(groups=tuple(groups), blocks=tuple(blocks), family="other")


def test_branches_of_one_structure_may_come_in_another_order():
    assert digest(branches((0, 1))) == digest(branches((1, 0)))
    assert not differences(branches((0, 1)), branches((1, 0)))


def test_branches_whose_second_halves_were_exchanged_are_another_network():
    assert digest(branches((0, 1))) != digest(branches((0, 1), crossed=True))
    assert differences(branches((0, 1)), branches((0, 1), crossed=True))


def test_a_nan_is_a_difference_where_the_other_has_a_number():
    graph = branches((0, 1))
    broken = replace(graph.blocks[0], weight=np.full((4, 3, 1), np.nan, np.float32))
    other = replace(graph, blocks=(broken, *graph.blocks[1:]))
    assert differences(graph, other)
    assert not differences(other, other)


def test_bfloat16_changes_only_the_fine_part():
    network = rounded = transformer()
    for name in network[1]:
        rounded = with_tensor(rounded, name, lambda array: array.astype(ml_dtypes.bfloat16).astype(np.float32))
    before, after = graph_of(*network), graph_of(*rounded)
    parts = zip(digest(before).split("-"), digest(after).split("-"), strict=True)
    assert [one == other for one, other in parts] == [True, True, False]
    assert not differences(before, after, tolerance=1e-2)
    assert differences(before, after, tolerance=1e-5)


def test_a_small_change_of_every_weight_shows_in_the_coarse_part():
    network = moved = transformer()
    for name in network[1]:
        moved = with_tensor(moved, name, lambda array: array + 0.05 * np.abs(array).max())
    before, after = (digest(graph_of(*each)).split("-") for each in (network, moved))
    assert before[0] == after[0]
    assert before[1] != after[1]


def test_a_sketch_of_rounded_weights_is_that_of_the_weights_rounded():
    weights = np.random.default_rng(0).standard_normal((40, 50, 3)).astype(np.float32)
    rounded = weights.astype(ml_dtypes.bfloat16)
    assert sketch(weights, precision="bfloat16") == sketch(rounded, precision="bfloat16")
    assert sketch(weights) != sketch(rounded)


@pytest.mark.parametrize("shape", [(1, 1, 1), (70000, 1, 1), (3, 70000, 1), (2, 3, 0)])
def test_a_sketch_does_not_depend_on_how_the_weights_lie_in_memory(shape):
    weights = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
    assert sketch(weights) == sketch(np.asfortranarray(weights))
