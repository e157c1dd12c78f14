"""Traces a module with PyTorch's own exporter: one graph of operators that change nothing in place."""

import warnings
from collections.abc import Collection

from torch import nn
from torch.export import ExportedProgram, default_decompositions, export

from metagauge.declare.samples import FAILURES, Samples, evaluated
from metagauge.errors import StructureNotInferableError


def exported(module: nn.Module, samples: Samples, known: Collection[str]) -> ExportedProgram:
    """What `module` computes in evaluation mode, in operators of which as many as possible are `known`.

    Raises:
        StructureNotInferableError: the module does not run on such an input, or its path depends on the input's values.
    """
    with evaluated(module), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what the exporter thinks of itself and of padding
        try:
            program = export(module, samples.places, dict(samples.names), strict=False).run_decompositions({})
        except FAILURES as error:
            first_line = str(error).strip().partition("\n")[0]
            raise StructureNotInferableError(
                f"{type(module).__name__} cannot be traced on an input of shape {samples}: {first_line}"
            ) from error
        return _decomposed(program, known)


def _decomposed(program: ExportedProgram, known: Collection[str]) -> ExportedProgram:
    """Takes operators that are not known apart, where PyTorch says how."""
    found = {
        node.target for node in program.graph.nodes if node.op == "call_function" and str(node.target) not in known
    }
    table = {operator: how for operator, how in default_decompositions().items() if operator in found}
    return program.run_decompositions(table) if table else program
