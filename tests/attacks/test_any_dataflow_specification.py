"""Whatever a declared dataflow says, inferring and building give a graph, or one of our refusals, in bounded memory."""

import json
import tracemalloc
from contextlib import suppress
from copy import deepcopy

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metagauge.architecture.codec import to_json
from metagauge.architecture.dataflow import Dataflow
from metagauge.architecture.infer import infer
from metagauge.checkpoint.checkpoint import Checkpoint
from metagauge.checkpoint.limits import Limits
from metagauge.checkpoint.onnx_file import read_onnx
from metagauge.errors import MetagaugeError
from metagauge.graph.build import build
from tests.architecture.specified import checkpoint
from tests.attacks.dataflow_models import MODELS
from tests.attacks.test_any_specification import leaves

MIB = 1024**2
NUMBERS = (0, -1, 1, 2, 3, 5, 7, 10**6, 2**31, 2**63, -(2**63), 10**30, 0.5, None, True)
TEXTS = ("", "x", "w", "head", "missing", "relu", "add", "float32", "sum", "matmul", "AAAA", "i,j->ij", "ab,bc->ac")


def declared(name: str) -> tuple[Checkpoint, dict]:
    """The tensors of an attack model, and the dataflow that was traced of it as a specification."""
    found = read_onnx(memoryview(MODELS[name].SerializeToString()), Limits())
    network = infer(found, None)
    tensors = {each: np.array(tensor.array()) for each, tensor in found.tensors.items()}
    return checkpoint(tensors), json.loads(to_json(network))


DECLARED = {name: declared(name) for name in sorted(MODELS)}


def settle(document: dict, tensors: Checkpoint) -> None:
    with suppress(MetagaugeError):
        graph = build(infer(tensors, json.dumps(document)), tensors)
        assert 0 <= graph.coverage <= 1


@pytest.mark.parametrize("name", sorted(set(DECLARED) - {"fused"}))
def test_the_specifications_that_are_changed_are_inferred(name: str):
    tensors, document = DECLARED[name]
    network = infer(tensors, json.dumps(document))
    assert isinstance(network, Dataflow)
    assert network.provenance.rung == "declared"


@given(st.data())
@settings(deadline=None)
def test_any_change_of_a_specification_is_settled(data):
    tensors, original = DECLARED[data.draw(st.sampled_from(sorted(DECLARED)))]
    document = deepcopy(original)
    for _ in range(data.draw(st.integers(1, 3))):
        *steps, last = data.draw(st.sampled_from([path for path in leaves(document) if path]))
        place = document
        for step in steps:
            place = place[step]
        match place[last]:
            case str():
                place[last] = data.draw(st.sampled_from(TEXTS))
            case list() as values if values:
                index = data.draw(st.integers(0, len(values)))
                values[index : index + 1] = deepcopy([values[0]] * data.draw(st.integers(0, 2)))
            case _:
                place[last] = data.draw(st.sampled_from(NUMBERS))
    settle(document, tensors)


def steps_of(*operators: dict, shape: tuple[int, ...] = (1, 4)) -> dict:
    """A chain of operators over one input."""
    steps = [{"outputs": ["v0"], "operator": {"kind": "given", "shape": list(shape)}}]
    for number, operator in enumerate(operators):
        steps.append({"outputs": [f"v{number + 1}"], "inputs": [f"v{number}"], "operator": operator})
    return {"steps": steps, "outputs": [f"v{len(operators)}"]}


HUGE = 10**11
COSTLY = {
    "given": steps_of(shape=(HUGE, HUGE)),
    "expand": steps_of({"kind": "expand", "shape": [HUGE, 1, 4]}),
    "pad": steps_of({"kind": "pad", "widths": [[0, HUGE], [0, 0]]}),
    "doubled": steps_of(*[{"kind": "expand", "shape": [2] * rank + [1, 4]} for rank in range(1, 40)]),
    "one hot": steps_of({"kind": "one_hot", "axis": 0, "depth": HUGE}),
    "constant": {
        "steps": [
            {"outputs": ["c"], "operator": {"kind": "constant", "dtype": "float32", "shape": [HUGE], "data": ""}}
        ],
        "outputs": ["c"],
    },
    "many steps": steps_of(*[{"kind": "unary", "function": "relu"}] * 3000),
    "many axes": steps_of(shape=(1,) * 500),
}


@pytest.mark.parametrize("name", sorted(COSTLY))
def test_what_a_small_specification_asks_for_is_bounded(name: str):
    tensors = checkpoint({"w": np.ones((4, 4), np.float32)})
    tracemalloc.start()
    settle(COSTLY[name], tensors)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 300 * MIB
