"""ONNX's own examples of its operators compute what they should once they are traced, or are known by name only."""

from collections import Counter

import numpy as np
import torch

from metagauge.architecture.dataflow import Dataflow
from metagauge.architecture.operators.shapes import shapes
from metagauge.architecture.operators.source import Given
from metagauge.architecture.tracing.trace import trace
from metagauge.checkpoint.checkpoint import Checkpoint
from metagauge.checkpoint.limits import Limits
from metagauge.checkpoint.onnx_file import read_onnx
from metagauge.errors import OperatorUnknownError
from models.interpreter.dataflow import run_dataflow
from tests.architecture.running import as_tensors
from tests.architecture.tracing.onnx_examples import Example, examples

NO_NETWORK = frozenset(
    {
        "Adagrad",
        "Adam",
        "Momentum",
        "ImageDecoder",
        "TfIdfVectorizer",
        "StringSplit",
        "StringConcat",
        "StringNormalizer",
        "RegexFullMatch",
        "LabelEncoder",
        "ArrayFeatureExtractor",
        "Binarizer",
        "TreeEnsemble",
        "NegativeLogLikelihoodLoss",
        "SoftmaxCrossEntropyLoss",
    }
)
"""Operators that train, decode or sort: none of a network that is used."""

BY_NAME_ONLY = frozenset(
    {
        "AffineGrid",
        "Bernoulli",
        "BitCast",
        "BitShift",
        "BitwiseNot",
        "BitwiseXor",
        "CausalConvWithState",
        "Col2Im",
        "CumProd",
        "DeformConv",
        "Det",
        "FlexAttention",
        "LinearAttention",
        "MaxUnpool",
        "NonMaxSuppression",
        "OptionalHasElement",
        "RandomUniformLike",
        "RoiAlign",
        "TensorScatter",
    }
)
"""Operators that no step says."""

PARTLY = frozenset(
    {
        "Constant",
        "OneHot",
        "OptionalGetElement",
        "Attention",
        "BatchNormalization",
        "BitwiseAnd",
        "BitwiseOr",
        "ConstantOfShape",
        "DFT",
        "Einsum",
        "Loop",
        "MaxPool",
        "NonZero",
        "Range",
        "Reshape",
        "Resize",
        "ReverseSequence",
        "Scan",
        "Split",
        "Unique",
    }
)
"""Operators of which some forms are known by name only, such as an output that is there to look at."""

OTHERWISE = frozenset(
    {
        "test_attention_causal_boolmask_nan_robustness",
        "test_attention_23_boolmask_fullymasked_row_nan_robustness",
        "test_l2normalization_axis_0",
        "test_resize_downsample_scales_linear_align_corners",
        "test_resize_downsample_scales_cubic_align_corners",
        "test_training_dropout",
        "test_training_dropout_default_mask",
        "test_training_dropout_mask",
        "test_training_dropout_default",
    }
)
"""Zero by zero, which ONNX has as zero and we as not a number; corners of a size that is no integer, where ONNX Runtime
too has another result; random numbers."""


def test_examples_compute_what_they_should() -> None:
    right: Counter[str] = Counter()
    by_name: Counter[str] = Counter()
    wrong: list[str] = []
    for example in examples():
        if example.operator in NO_NETWORK or "empty_set" in example.name:  # the largest of no elements
            continue
        checkpoint = read_onnx(memoryview(example.model.SerializeToString()), Limits())
        dataflow = trace(checkpoint)
        if any(step.operator.kind == "opaque" for step in dataflow.steps):
            by_name[example.operator] += 1
            continue
        try:
            found = _is_right(example, checkpoint, dataflow)
        except OperatorUnknownError:  # a loop whose turns nobody can count beforehand
            by_name[example.operator] += 1
        else:
            right[example.operator] += found
            wrong += [] if found else [example.name]
    assert set(wrong) <= OTHERWISE
    assert set(by_name) <= BY_NAME_ONLY | PARTLY
    assert sum(right.values()) > 1000
    assert not BY_NAME_ONLY & set(right) and len(right) > 140


def _is_right(example: Example, checkpoint: Checkpoint, dataflow: Dataflow) -> bool:
    """Whether the outputs, and the shapes that were known before, are those of the example."""
    known = shapes(dataflow, lambda name: checkpoint.tensor(name).shape)
    given = [example.given[step.outputs[0]] for step in dataflow.steps if isinstance(step.operator, Given)]
    found = run_dataflow(dataflow, as_tensors(checkpoint), [_torch(array) for array in given])
    return all(
        known[name] == want.shape and _is_close(value.numpy(), want)
        for name, value, want in zip(dataflow.outputs, found, example.wanted, strict=False)
    )


def _is_close(found: np.ndarray, wanted: np.ndarray) -> bool:
    tolerance = 2e-2 if wanted.dtype == np.float16 else 1e-4
    pair = found.astype(np.float64), wanted.astype(np.float64)
    return found.shape == wanted.shape and np.allclose(*pair, rtol=tolerance, atol=tolerance, equal_nan=True)


def _torch(array: np.ndarray) -> torch.Tensor:
    narrow = array.dtype.kind == "u" and array.dtype.itemsize > 1
    return torch.from_numpy(np.array(array.astype(np.int64) if narrow else array))
