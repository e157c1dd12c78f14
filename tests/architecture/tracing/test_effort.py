"""What a program computes of itself is bounded, however small the file is."""

import numpy as np
import pytest
from onnx import NodeProto, helper

from metagauge.architecture.tracing.folding import MADE_LIMIT, Folding
from metagauge.architecture.tracing.trace import trace
from metagauge.errors import LimitExceededError, StructureNotInferableError
from tests.architecture.tracing.same import checkpoint, followed, kinds, model, port, random

_NODE = helper.make_node
BOUNDS = {"zero": np.array(0), "end": np.array(1_000_000), "one": np.array(1), "w": random(4)}


def ranges(count: int) -> list[NodeProto]:
    made = [_NODE("Range", ["zero", "end", "one"], [f"r{place}"]) for place in range(count)]
    return [*made, _NODE("Add", ["x", "w"], ["y"])]


def test_ranges_are_counted_together() -> None:
    count = MADE_LIMIT // 1_000_000
    trace(checkpoint(model(ranges(count), [port("x", 1, 4)], BOUNDS)))
    with pytest.raises(LimitExceededError, match="ranges and the like"):
        trace(checkpoint(model(ranges(count + 1), [port("x", 1, 4)], BOUNDS)))


def test_a_range_that_many_nodes_read_is_written_once() -> None:
    nodes = [_NODE("Range", ["zero", "some", "one"], ["r"]), _NODE("Cast", ["r"], ["f"], to=1)]
    nodes += [_NODE("Add", ["x" if place == 0 else f"h{place - 1}", "f"], [f"h{place}"]) for place in range(40)]
    nodes.append(_NODE("Mul", ["h39", "w"], ["y"]))
    proto = model(nodes, [port("x", 5000)], {**BOUNDS, "some": np.array(5000), "w": random(5000)})
    assert kinds(followed(proto))["constant"] == 1


def test_work_for_one_number_is_counted() -> None:
    folding = Folding()
    for _ in range(4):
        folding.look_up(1 << 24)
    with pytest.raises(StructureNotInferableError, match="too much work"):
        for _ in range(5):
            folding.look_up(1 << 24)


def test_what_is_written_is_counted() -> None:
    folding = Folding()
    folding.write(1 << 20, 1 << 25)
    with pytest.raises(LimitExceededError, match="constants that the program computes"):
        folding.write(1 << 20, 1 << 25)
