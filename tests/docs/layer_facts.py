"""What becomes of a network of docs/layers.md: exported, read, inferred, built, run, permuted."""

import contextlib
import io
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
from torch import Tensor

from metagauge.architecture.architecture import Architecture
from metagauge.architecture.dataflow import Dataflow
from metagauge.architecture.infer import infer
from metagauge.architecture.lower import lower
from metagauge.architecture.operators.shapes import shapes
from metagauge.architecture.operators.source import Given
from metagauge.architecture.resolve import parameter_shape
from metagauge.checkpoint.checkpoint import Checkpoint
from metagauge.checkpoint.limits import Limits
from metagauge.checkpoint.onnx_file import read_onnx
from metagauge.graph.build import build
from metagauge.graph.parameter_graph import ParameterGraph
from metagauge.graph.symmetry.inference import infer_symmetry
from metagauge.graph.symmetry.permutation import permutations
from models.interpreter.dataflow import run_dataflow
from tests.architecture.running import as_tensors
from tests.docs.layer_examples import EXAMPLES, Example

OPSET = 17
Arrays = Mapping[str, np.ndarray]


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """An example and what we know of its file."""

    example: Example
    checkpoint: Checkpoint
    architecture: Architecture | Dataflow
    graph: ParameterGraph

    @property
    def form(self) -> str:
        """As the page calls it."""
        return "layers" if isinstance(self.architecture, Architecture) else "dataflow"

    @property
    def told(self) -> str:
        """Roles, then operations; biases and sums are everywhere and not told."""
        roles = sorted({block.role for block in self.graph.blocks} - {"bias"})
        operations = sorted({group.operation for group in self.graph.groups} - {"sum"})
        return ", ".join(f"`{each}`" for each in (*roles, *operations))

    @property
    def dataflow(self) -> Dataflow:
        """Layers lowered."""
        if isinstance(self.architecture, Dataflow):
            return self.architecture
        return lower(self.architecture, lambda parameter: parameter_shape(parameter, self.checkpoint))

    @property
    def arrays(self) -> Arrays:
        """The tensors of the file."""
        return {name: tensor.numpy() for name, tensor in as_tensors(self.checkpoint).items()}

    def permutations(self, seed: int) -> Mapping[str, tuple[np.ndarray, ...]]:
        """A symmetry of the network, as it was inferred."""
        dataflow = self.dataflow
        return permutations(
            infer_symmetry(dataflow, shapes(dataflow, lambda name: self.checkpoint.tensor(name).shape)), seed
        )

    def output(self, arrays: Arrays) -> Tensor:
        """What the interpreter computes with these tensors."""
        dataflow = self.dataflow
        given = [step.operator.shape for step in dataflow.steps if isinstance(step.operator, Given)]
        inputs = [each.reshape(shape) for each, shape in zip(self.example.inputs, given, strict=True)]
        tensors = {name: torch.from_numpy(np.ascontiguousarray(array)) for name, array in arrays.items()}
        return run_dataflow(dataflow, tensors, inputs)[0]


@cache
def known(name: str) -> Known:
    """The example called `name`."""
    torch.manual_seed(0)
    example = EXAMPLES[name]()
    file = io.BytesIO()
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        torch.onnx.export(example.network.eval(), example.inputs, file, dynamo=False, opset_version=OPSET)
    checkpoint = read_onnx(memoryview(file.getvalue()), Limits())
    architecture = infer(checkpoint, None)
    graph = build(architecture, checkpoint)
    return Known(example=example, checkpoint=checkpoint, architecture=architecture, graph=graph)
