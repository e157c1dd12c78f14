"""Traces a module with PyTorch's own exporter: one graph of operators that change nothing in place."""

import warnings
from collections.abc import Collection, Iterator
from contextlib import contextmanager

import torch
from torch import nn
from torch.export import ExportedProgram, default_decompositions, export

from metagauge.errors import StructureNotInferableError

APART = 7
"""Samples of the traced input: a prime, so that a batch stays apart from most other sizes in a shape."""


def exported(
    module: nn.Module, input_shape: tuple[int, ...], known: Collection[str], batch: int = APART
) -> ExportedProgram:
    """What `module` computes in evaluation mode, in operators of which as many as possible are `known`.

    Raises:
        StructureNotInferableError: the module does not run on such an input, or its path depends on the input's values.
    """
    first = next((tensor for tensor in module.parameters() if tensor.is_floating_point()), torch.empty(0))
    inputs = torch.zeros(batch, *input_shape, dtype=first.dtype, device=first.device)
    with _evaluated(module), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what the exporter thinks of itself and of padding
        try:
            program = export(module, (inputs,), strict=False).run_decompositions({})
        except (RuntimeError, ValueError, TypeError, IndexError, AttributeError, AssertionError) as error:
            first_line = str(error).strip().partition("\n")[0]
            raise StructureNotInferableError(
                f"{type(module).__name__} cannot be traced on an input of shape {list(inputs.shape)}: {first_line}"
            ) from error
        return _decomposed(program, known)


def _decomposed(program: ExportedProgram, known: Collection[str]) -> ExportedProgram:
    """Takes operators that are not known apart, where PyTorch says how."""
    found = {
        node.target for node in program.graph.nodes if node.op == "call_function" and str(node.target) not in known
    }
    table = {operator: how for operator, how in default_decompositions().items() if operator in found}
    return program.run_decompositions(table) if table else program


@contextmanager
def _evaluated(module: nn.Module) -> Iterator[None]:
    """Evaluation mode with every step visible: PyTorch's fused encoder layer would be one opaque operator."""
    training = {each: each.training for each in module.modules()}
    is_fused = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    module.eval()
    try:
        with torch.enable_grad():
            yield
    finally:
        torch.backends.mha.set_fastpath_enabled(is_fused)
        for each, was_training in training.items():
            each.training = was_training
