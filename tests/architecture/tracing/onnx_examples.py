"""ONNX's own example of every operator, as a model with weights: one input is given, the others are stored in it."""

import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module

import numpy as np
from onnx import ModelProto, TensorProto, helper, numpy_helper

_WEIGHT = "some_weight"


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A model, what to give it and what it should return."""

    name: str
    operator: str
    model: ModelProto
    given: dict[str, np.ndarray]
    wanted: tuple[np.ndarray, ...]


def examples() -> Iterator[Example]:
    """All examples whose inputs and outputs are tensors of numpy's types."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        # Importing them takes seconds, which other tests need not wait for while they are collected.
        collect = import_module("onnx.backend.test.case.node").collect_testcases
        cases = {case.name: case for case in collect(None)}
    for case in cases.values():
        if not case.data_sets:
            continue
        inputs, outputs = case.data_sets[0]
        tensors = [each for each in (*inputs, *outputs) if isinstance(each, np.ndarray | np.generic)]
        if len(tensors) == len(inputs) + len(outputs) and all(each.dtype.kind in "fiub" for each in tensors):
            yield _example(case.name, case.model, [np.asarray(each) for each in inputs], outputs)


def _example(name: str, model: ModelProto, inputs: list[np.ndarray], outputs: list[np.ndarray]) -> Example:
    model = ModelProto.FromString(model.SerializeToString())
    graph = model.graph
    ports = list(graph.input)
    lists = [(port.name, array) for port, array in zip(ports, inputs, strict=False) if array.size > 1]
    chosen = ([name for name, array in lists if array.dtype.kind == "f"] or [name for name, _ in lists])[:1]
    del graph.input[:]
    given: dict[str, np.ndarray] = {}
    for port, array in zip(ports, inputs, strict=False):
        if port.name in chosen:
            graph.input.append(port)
            given[port.name] = array
        else:
            graph.initializer.append(numpy_helper.from_array(array, port.name))
    # A file without a weight is refused, so there is one, which is returned as well.
    graph.initializer.append(numpy_helper.from_array(np.ones(2, dtype=np.float32), _WEIGHT))
    graph.output.append(helper.make_tensor_value_info(_WEIGHT, TensorProto.FLOAT, [2]))
    return Example(
        name=name,
        operator=model.graph.node[0].op_type,
        model=model,
        given=given,
        wanted=tuple(np.asarray(each) for each in outputs),
    )
