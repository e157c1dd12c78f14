"""Models with branches, loops, functions and quantised weights, changed at random: a graph, or one of our errors."""

from contextlib import suppress
from time import perf_counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import ModelProto

from metagauge.architecture.dataflow import Dataflow
from metagauge.architecture.infer import infer
from metagauge.checkpoint.limits import Limits
from metagauge.checkpoint.onnx_file import read_onnx
from metagauge.errors import MetagaugeError
from metagauge.graph.build import build
from metagauge.graph.digest import digest
from metagauge.graph.parameter_graph import ParameterGraph
from tests.attacks.dataflow_models import MODELS
from tests.attacks.test_any_bytes import mutated
from tests.attacks.test_any_model import RANDOMS, changed

LIMITS = Limits(expanded_bytes=2**24)
LONGEST_S = 10.0
"""Of one changed small model; they take some milliseconds."""
NAMES = sorted(MODELS)


def graph_of(content: memoryview) -> ParameterGraph:
    checkpoint = read_onnx(content, LIMITS)
    return build(infer(checkpoint, None), checkpoint)


def settle(content: memoryview) -> None:
    started = perf_counter()
    with suppress(MetagaugeError):
        graph = graph_of(content)
        assert 0 <= graph.coverage <= 1
        assert all(block.weight.ndim == 3 for block in graph.blocks)
        with np.errstate(all="ignore"):
            digest(graph)
    assert perf_counter() - started < LONGEST_S


@pytest.mark.parametrize("name", NAMES)
def test_the_models_that_are_changed_become_dataflows_and_graphs(name: str):
    content = memoryview(MODELS[name].SerializeToString())
    checkpoint = read_onnx(content, LIMITS)
    network = infer(checkpoint, None)
    assert isinstance(network, Dataflow)
    unknown = {piece.operator for piece in network.unsupported}
    assert ("own::Mystery" in unknown, build(network, checkpoint).coverage < 1) == (name == "fused", name == "fused")


@given(st.sampled_from(NAMES), RANDOMS, st.integers(1, 3))
@settings(deadline=None)
def test_any_change_of_a_models_fields_is_settled(name: str, random, changes: int):
    settle(changed(MODELS[name], random, changes))


@given(st.data())
@settings(deadline=None)
def test_any_change_of_a_models_bytes_is_settled(data):
    model: ModelProto = MODELS[data.draw(st.sampled_from(NAMES))]
    settle(memoryview(data.draw(mutated(model.SerializeToString()))))
