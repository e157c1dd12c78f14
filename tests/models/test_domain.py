"""What a predictor says of networks that are nothing like those of its zoo."""

from dataclasses import replace

import numpy as np
import pytest

from metagauge.graph.parameter_graph import Block, NodeGroup, ParameterGraph
from models.domain import Task

TASK = Task(channels=3, positions=4, classes=10, coverage=0.99, edges=1000, blocks=8)
IMAGE = NodeGroup(name="image", kind="input", size=3, positions=4)
IDS = NodeGroup(name="ids", kind="input", size=8)
HIDDEN = NodeGroup(name="hidden", kind="hidden", size=5)
CLASSES = NodeGroup(name="classes", kind="output", size=10)
KNOWN = ParameterGraph(
    groups=(IMAGE, CLASSES),
    blocks=(Block(source=0, target=1, role="linear", weight=np.ones((10, 3, 1), np.float32)),),
    family="mlp",
)


def with_groups(*groups: NodeGroup) -> ParameterGraph:
    return replace(KNOWN, groups=groups)


def test_a_network_like_the_zoos_is_inside():
    assert TASK.objections(KNOWN) == ()


@pytest.mark.parametrize(
    ("graph", "words"),
    [
        (with_groups(IMAGE, IDS, CLASSES), "2 inputs ('image', 'ids')"),
        (with_groups(HIDDEN, CLASSES), "0 inputs (none)"),
        (with_groups(IDS, CLASSES), "8 channels of 1 positions"),
        (with_groups(IMAGE, CLASSES, CLASSES), "2 outputs"),
        (with_groups(IMAGE, replace(CLASSES, size=7)), "7 values"),
        (replace(KNOWN, coverage=0.5), "only 50.0%"),
        (with_groups(IMAGE, CLASSES, replace(HIDDEN, size=10**9)), "1000000013 neurons"),
        (with_groups(IMAGE, CLASSES, *[HIDDEN] * 15), "17 groups"),
        (replace(KNOWN, blocks=KNOWN.blocks * 9), "9 blocks"),
        (with_groups(IMAGE, CLASSES, replace(HIDDEN, operation="opaque")), "operation 'opaque'"),
        (with_groups(IMAGE, CLASSES, replace(HIDDEN, norm="rms")), "normalisation 'rms'"),
        (with_groups(IMAGE, CLASSES, replace(HIDDEN, activation="erf")), "function 'erf'"),
        (replace(KNOWN, blocks=(replace(KNOWN.blocks[0], role="embedding"),)), "role 'embedding'"),
        (replace(KNOWN, blocks=(replace(KNOWN.blocks[0], transposed=True),)), "transposed convolution"),
        (replace(KNOWN, blocks=(replace(KNOWN.blocks[0], weight=np.full((10, 3, 1), np.nan)),)), "NaN"),
    ],
)
def test_what_is_outside_is_said_in_words(graph: ParameterGraph, words: str):
    assert words in " ".join(TASK.objections(graph))


def test_weights_are_not_touched_where_the_structure_is_outside():
    huge = replace(KNOWN.blocks[0], weight=np.broadcast_to(np.float32(1), (10**6, 10**6, 10**3)))
    assert "edges" in " ".join(TASK.objections(replace(KNOWN, blocks=(huge,))))
