"""Our specification of a network's structure, read from an `nn.Module`."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from metagauge.architecture.architecture import Architecture, Provenance
from metagauge.architecture.coverage import tensors_of
from metagauge.architecture.dataflow import Dataflow
from metagauge.architecture.network import Network
from metagauge.architecture.onnx.lift import lift
from metagauge.architecture.operators.control import Opaque
from metagauge.architecture.resolve import parameter_shape
from metagauge.architecture.values import values
from metagauge.checkpoint.checkpoint import Checkpoint
from metagauge.checkpoint.format import Format
from metagauge.errors import StructureNotInferableError

if TYPE_CHECKING:
    from torch import nn

_HELP = (
    "What helps: the same step written with layers and functions of torch.nn, parametrizations made permanent"
    " (torch.nn.utils.parametrize.remove_parametrizations), or a specification written by hand and sent beside the file"
)


def declare(module: nn.Module, input_shape: tuple[int, ...]) -> Network:
    """The structure of `module`, in evaluation mode, for samples of `input_shape` (no batch axis).

    It is an `Architecture` if the module is made of our layers, and otherwise a `Dataflow` of one sample. Parameters
    name the tensors of the module's state dict; a tied one goes by its first name. The module is traced without data;
    it is left as it was.

    Raises:
        StructureNotInferableError: it does something that we have no operator for; the message names the submodule and
            the operator.
    """
    return declared(module, input_shape)[0]


def declared(module: nn.Module, input_shape: tuple[int, ...]) -> tuple[Network, Checkpoint]:
    """The structure, and the tensors it names."""
    try:
        checkpoint = _traced(module, tuple(input_shape), None)
        try:
            return _layers(checkpoint), checkpoint
        except StructureNotInferableError as refusal:
            return _dataflow(module, tuple(input_shape), refusal)
    except StructureNotInferableError as error:
        name = type(module).__name__
        raise StructureNotInferableError(f"the structure of {name} cannot be read: {error}. {_HELP}.") from error


def _layers(checkpoint: Checkpoint) -> Architecture:
    lifted = lift(checkpoint)
    provenance = Provenance(rung="declared", assumed=lifted.provenance.assumed)
    architecture = replace(lifted, provenance=provenance, unsupported=())
    values(architecture, lambda parameter: parameter_shape(parameter, checkpoint))
    return architecture


def _dataflow(
    module: nn.Module, input_shape: tuple[int, ...], refusal: StructureNotInferableError
) -> tuple[Dataflow, Checkpoint]:
    """One sample through whole-tensor operators, for what no layer stands for; `refusal` is what the layers said."""
    from metagauge.architecture.tracing.trace import trace as follow  # noqa: PLC0415 - needs onnx

    checkpoint = _traced(module, input_shape, 1)
    try:
        dataflow = follow(checkpoint)
    except StructureNotInferableError as error:
        raise refusal from error
    if not tensors_of(dataflow) or any(isinstance(step.operator, Opaque) for step in dataflow.steps):
        raise refusal
    return replace(dataflow, provenance=Provenance(rung="declared"), unsupported=()), checkpoint


def _traced(module: nn.Module, input_shape: tuple[int, ...], batch: int | None) -> Checkpoint:
    """The module's program on `batch` samples, or on a number of them that shapes show, and its tensors."""
    from metagauge.declare.exported import APART  # noqa: PLC0415 - needs torch
    from metagauge.declare.trace import trace  # noqa: PLC0415 - needs torch

    traced = trace(module, input_shape, APART if batch is None else batch)
    size = sum(tensor.size for tensor in traced.tensors.values())
    return Checkpoint(
        format=Format.SAFETENSORS, size_bytes=size, tensors=traced.tensors, metadata={}, program=traced.program
    )
