"""Our specification of a network's architecture, read from an `nn.Module`."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from metagauge.architecture.architecture import Architecture, Provenance
from metagauge.architecture.onnx.lift import lift
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


def declare(module: nn.Module, input_shape: tuple[int, ...]) -> Architecture:
    """The architecture of `module`, in evaluation mode, for samples of `input_shape` (no batch axis).

    Parameters name the tensors of the module's state dict; a tied one goes by its first name. The module is traced
    without data; it is left as it was.

    Raises:
        StructureNotInferableError: it does something that no layer stands for; the message names the submodule and the
            operator.
    """
    return declared(module, input_shape)[0]


def declared(module: nn.Module, input_shape: tuple[int, ...]) -> tuple[Architecture, Checkpoint]:
    """The architecture, and the tensors it names."""
    from metagauge.declare.trace import trace  # noqa: PLC0415 - needs torch

    try:
        traced = trace(module, tuple(input_shape))
        size = sum(tensor.size for tensor in traced.tensors.values())
        checkpoint = Checkpoint(
            format=Format.SAFETENSORS, size_bytes=size, tensors=traced.tensors, metadata={}, program=traced.program
        )
        lifted = lift(checkpoint)
    except StructureNotInferableError as error:
        name = type(module).__name__
        raise StructureNotInferableError(f"the structure of {name} cannot be read: {error}. {_HELP}.") from error
    provenance = Provenance(rung="declared", assumed=lifted.provenance.assumed)
    architecture = replace(lifted, provenance=provenance, unsupported=())
    values(architecture, lambda parameter: parameter_shape(parameter, checkpoint))
    return architecture, checkpoint
