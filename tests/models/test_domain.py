"""What a predictor says of networks that are nothing like those of its zoo."""

import re
from dataclasses import replace
from typing import get_args

import numpy as np
import pytest

from metagauge.graph.parameter_graph import Block, Function, NodeGroup, Operation, ParameterGraph, Reading
from models.domain import Task

TASK = Task(channels=3, extent=(2, 2), classes=10, coverage=0.99, edges=1000, blocks=8)
IMAGE = NodeGroup(name="image", kind="input", size=3, positions=4, extent=(2, 2))
IDS = NodeGroup(name="ids", kind="input", size=8)
HIDDEN = NodeGroup(name="hidden", kind="hidden", size=5)
CUTS = Reading(reduction="max", window=(2, 2), stride=(2, 2), padding=((0, -1), (0, 0)))
CLASSES = NodeGroup(name="classes", kind="output", size=10)
KNOWN = ParameterGraph(
    groups=(IMAGE, CLASSES),
    blocks=(Block(source=0, target=1, role="linear", weight=np.ones((10, 3, 1), np.float32)),),
    family="mlp",
)


def with_groups(*groups: NodeGroup) -> ParameterGraph:
    return replace(KNOWN, groups=groups)


def hidden(**changes) -> ParameterGraph:
    return with_groups(IMAGE, CLASSES, replace(HIDDEN, **changes))


READS_TOKENS = replace(
    with_groups(IDS, CLASSES, replace(HIDDEN, operation="gather")),
    blocks=(Block(source=0, target=2, role="wire", weight=np.ones((5, 8, 1), np.float32)),),
)


@pytest.mark.parametrize("operation", get_args(Operation))
def test_a_reason_has_no_word_of_the_graph_for_an_operation(operation: Operation):
    reasons = " ".join(TASK.objections(hidden(operation=operation, detail=("extra=[1]", "a,b->ab a=2 b=3"))))
    assert reasons
    assert not re.search(r"->|=|'\w+'|\b(group|block|role|wire|operand|opaque|requantise)s?\b", reasons)


def test_a_network_like_the_zoos_is_inside():
    assert TASK.objections(KNOWN) == ()


@pytest.mark.parametrize("activation", ["softmax", "log_softmax"])
def test_one_softmax_is_no_objection(activation: Function):
    assert TASK.objections(with_groups(IMAGE, replace(CLASSES, activation=activation))) == ()


@pytest.mark.parametrize(
    ("graph", "words"),
    [
        (with_groups(IMAGE, IDS, CLASSES), "2 inputs ('image', 'ids')"),
        (with_groups(HIDDEN, CLASSES), "0 inputs (none)"),
        (with_groups(IDS, CLASSES), "8 values"),
        (with_groups(replace(IMAGE, extent=(1, 4)), CLASSES), "1x4 positions"),
        (
            with_groups(replace(IMAGE, extent=(4,)), CLASSES),
            "has 3 channels of 4 positions",
        ),
        (with_groups(IMAGE, replace(CLASSES, positions=64)), "at each of several positions"),
        (with_groups(IMAGE, replace(CLASSES, activation="sigmoid")), "goes through the function sigmoid"),
        (with_groups(replace(IMAGE, activation="softmax"), CLASSES), "from what a softmax says"),
        (with_groups(IMAGE, CLASSES, replace(CLASSES, detail=("output 1",))), "2 outputs"),
        (with_groups(IMAGE, *[CLASSES] * 2, *[replace(CLASSES, detail=("output 1",))] * 2), "2 outputs"),
        (with_groups(IMAGE, *[replace(CLASSES, size=5)] * 2), "joined of 2 parts"),
        (with_groups(IMAGE, replace(CLASSES, size=7)), "7 values"),
        (replace(KNOWN, coverage=0.5), "only 50.0%"),
        (replace(KNOWN, guessed=("no pooling is between them",)), "what was trained: no pooling is between them"),
        (with_groups(IMAGE, CLASSES, replace(HIDDEN, size=10**9)), "1,000,000,013 neurons"),
        (with_groups(IMAGE, CLASSES, *[HIDDEN] * 15), "17 sets of neurons"),
        (replace(KNOWN, blocks=KNOWN.blocks * 9), "9 weights, biases and connections"),
        (hidden(operation="opaque"), "an operator that is not known"),
        (hidden(operation="requantise"), "quantisation"),
        (hidden(operation="recurrent", detail=("cell=lstm",)), "LSTM cells"),
        (hidden(norm="rms"), "RMS norm"),
        (hidden(norm="layer", detail=("over=all 48|each 7",)), "layer norm over the features of each token"),
        (hidden(norm="instance", detail=("over=|all 48",)), "instance norm over positions"),
        (hidden(activation="unknown"), "an activation that is not known"),
        (hidden(activation="erf"), "the function erf"),
        (hidden(activation="elu", detail=("alpha=2",)), "elu with other constants"),
        (replace(KNOWN, blocks=(replace(KNOWN.blocks[0], role="embedding"),)), "a table of embeddings"),
        (replace(KNOWN, blocks=(replace(KNOWN.blocks[0], role="wire"),)), "wired in another way"),
        (READS_TOKENS, "token ids"),
        (replace(KNOWN, blocks=(replace(KNOWN.blocks[0], transposed=True),)), "transposed convolution"),
        (replace(KNOWN, blocks=(replace(KNOWN.blocks[0], padding=((1, 1), (-1, 0))),)), "cuts off instead of adding"),
        (replace(KNOWN, blocks=(replace(KNOWN.blocks[0], reading=CUTS),)), "cuts off instead of adding"),
        (replace(KNOWN, blocks=(replace(KNOWN.blocks[0], weight=np.full((10, 3, 1), np.nan)),)), "NaN"),
        (replace(KNOWN, blocks=(replace(KNOWN.blocks[0], weight=np.full((10, 3, 1), 1e300)),)), "infinite"),
    ],
)
@pytest.mark.filterwarnings("error")
def test_what_is_outside_is_said_in_words(graph: ParameterGraph, words: str):
    assert words in " ".join(TASK.objections(graph))


def test_weights_are_not_touched_where_the_structure_is_outside():
    huge = replace(KNOWN.blocks[0], weight=np.broadcast_to(np.float32(1), (10**6, 10**6, 10**3)))
    assert "connections" in " ".join(TASK.objections(replace(KNOWN, blocks=(huge,))))
