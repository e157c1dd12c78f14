"""Runs a traced file and onnxruntime on the same random inputs."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import ml_dtypes
import numpy as np
import onnxruntime
import torch
from torch import Tensor

from metagauge.architecture.dataflow import Dataflow
from metagauge.architecture.operators.source import Given
from metagauge.checkpoint.checkpoint import Checkpoint
from models.interpreter.dataflow import run_dataflow

_INPUT_TYPES = {
    "tensor(float)": np.float32,
    "tensor(float16)": np.float16,
    "tensor(double)": np.float64,
    "tensor(int64)": np.int64,
    "tensor(int32)": np.int32,
    "tensor(uint8)": np.uint8,
    "tensor(int8)": np.int8,
    "tensor(bool)": np.bool_,
}
IDS = 7
"""Random identifiers are below it: no vocabulary is smaller, though some graphs have fewer nodes."""


def as_tensors(checkpoint: Checkpoint) -> dict[str, Tensor]:
    """Every tensor of numbers, for torch; types that torch lacks as float32."""
    found = {}
    for name, tensor in checkpoint.tensors.items():
        if tensor.dtype.startswith(("F", "BF", "I", "U", "BOOL")) and tensor.dtype not in ("F8_E8M0", "F4"):
            array = tensor.array()
            if array.dtype == ml_dtypes.bfloat16 or array.dtype.name.startswith("float8"):
                array = array.astype(np.float32)
            elif array.dtype.name in ("int4", "int2"):
                array = array.astype(np.int8)
            elif array.dtype.name in ("uint4", "uint2"):
                array = array.astype(np.uint8)
            found[name] = torch.from_numpy(array.copy())
    return found


def random_inputs(dataflow: Dataflow, ids: int = IDS) -> dict[str, np.ndarray]:
    """An array for everything that is given, by name; masks let everything through, identifiers are below `ids`."""
    generator = np.random.default_rng(0)
    found = {}
    for step in dataflow.steps:
        if isinstance(step.operator, Given):
            name, given = step.outputs[0], step.operator
            if given.numbers == "float":
                found[name] = generator.standard_normal(given.shape).astype(np.float32)
            elif given.numbers == "bool" or "mask" in name:
                found[name] = np.ones(given.shape, dtype=np.int64)
            else:
                highest = 1 if "type" in name or "segment" in name else ids
                found[name] = generator.integers(0, highest, given.shape)
    return found


@dataclass(frozen=True, kw_only=True)
class Compared:
    """How two runs of one network agree."""

    worst: float
    """Largest difference, relative to the output's largest number, of all outputs."""
    outputs: int


def run_runtime(path: Path, inputs: Mapping[str, np.ndarray]) -> list[np.ndarray]:
    """onnxruntime's outputs, without any of its rewriting."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    given = {each.name: inputs[each.name].astype(_INPUT_TYPES[each.type]) for each in session.get_inputs()}
    return [np.asarray(output) for output in session.run(None, given)]


def run_ours(dataflow: Dataflow, tensors: Mapping[str, Tensor], inputs: Mapping[str, np.ndarray]) -> list[np.ndarray]:
    """The interpreter's outputs."""
    given = [torch.from_numpy(array.copy()) for array in inputs.values()]
    kinds = [step.operator.numbers for step in dataflow.steps if isinstance(step.operator, Given)]
    given = [tensor.bool() if kind == "bool" else tensor for tensor, kind in zip(given, kinds, strict=True)]
    with torch.no_grad():
        return [output.numpy() for output in run_dataflow(dataflow, tensors, given)]


def difference(found: list[np.ndarray], expected: list[np.ndarray]) -> Compared:
    """Compares outputs in their order."""
    assert [each.shape for each in found] == [each.shape for each in expected]
    worst = 0.0
    for left, right in zip(found, expected, strict=True):
        a, b = left.astype(np.float64), right.astype(np.float64)
        same = (a == b) | (np.isnan(a) & np.isnan(b))
        gap = np.where(same, 0.0, np.abs(a - b))
        scale = max(1.0, float(np.abs(b[np.isfinite(b)]).max(initial=0.0)))
        worst = max(worst, float(gap.max(initial=0.0)) / scale)
    return Compared(worst=worst, outputs=len(found))
