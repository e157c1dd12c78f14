"""One ONNX operator, computed by onnxruntime: the oracle of the interpreter."""

from collections.abc import Sequence

import numpy as np
import onnx
import onnxruntime
from onnx import helper, numpy_helper

OPSET = 20


def ort(operator: str, inputs: Sequence[np.ndarray | None], outputs: int = 1, **attributes: object) -> list[np.ndarray]:
    """The outputs of one node; inputs of None are left out."""
    names = ["" if array is None else f"in{place}" for place, array in enumerate(inputs)]
    results = [f"out{place}" for place in range(outputs)]
    node = helper.make_node(operator, names, results, **attributes)
    held = [
        numpy_helper.from_array(array, name) for name, array in zip(names, inputs, strict=True) if array is not None
    ]
    untyped = [onnx.ValueInfoProto(name=name) for name in results]
    graph = helper.make_graph([node], "one", [], untyped, held)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=9)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return session.run(None, {})
