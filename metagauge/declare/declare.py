"""Our specification of a network's structure, read from an `nn.Module`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, TypeAlias

from metagauge.architecture.architecture import Architecture, Provenance
from metagauge.architecture.coverage import tensors_of
from metagauge.architecture.dataflow import Dataflow
from metagauge.architecture.network import Network
from metagauge.architecture.onnx.lift import lift
from metagauge.architecture.resolve import parameter_shape
from metagauge.architecture.values import values
from metagauge.architecture.written_numbers import with_numbers
from metagauge.checkpoint.checkpoint import Checkpoint
from metagauge.checkpoint.format import Format
from metagauge.errors import StructureNotInferableError

if TYPE_CHECKING:
    from torch import Tensor, nn

    from metagauge.declare.samples import Samples

Input: TypeAlias = "int | Sequence[int] | Tensor"
"""The shape of a sample, without the batch axis; or an example, with it."""
Inputs: TypeAlias = "Input | Sequence[Input] | Mapping[str, Input]"
"""What a module is called with: one input, several in order, or several by name."""
_HELP = (
    "What helps: an ONNX export, torch.onnx.export(module, (x,), path, external_data=False), which is read as it is;"
    " the same step written with layers and functions of torch.nn, parametrizations made permanent"
    " (torch.nn.utils.parametrize.remove_parametrizations); or a specification written by hand and sent beside the file"
)
_BATCH = 7
"""Samples that are traced to tell layers: a prime, so that a batch stays apart from most other sizes in a shape."""
_SHOWN = 3
"""Operators that a refusal names."""


def declare(module: nn.Module, inputs: Inputs) -> Network:
    """The structure of `module`, in evaluation mode, for such `inputs`; `metagauge.declare.save.save` says which.

    It is an `Architecture` if the module is made of our layers, and otherwise a `Dataflow` of one sample. Parameters
    name the tensors of the module's state dict; a tied one goes by its first name. The module is run on the examples,
    or on zeros, and is left as it was.

    Raises:
        StructureNotInferableError: it does something that we have no operator for; the message names the submodule and
            the operator.
    """
    return declared(module, inputs)[0]


def declared(module: nn.Module, inputs: Inputs) -> tuple[Network, Checkpoint]:
    """The structure, and the tensors it names."""
    from metagauge.declare.samples import samples_of  # noqa: PLC0415 - needs torch

    try:
        if not any(tensor.is_floating_point() for tensor in (*module.parameters(), *module.buffers())):
            raise StructureNotInferableError("it has no weights")
        samples = samples_of(module, inputs)
        if samples.batch != 1:
            return _dataflow(module, samples, None)
        batch = samples.changed(lambda each: each.repeat_interleave(_BATCH, 0))
        try:
            checkpoint, _ = _traced(module, batch, every_output=False)
            return _layers(checkpoint), checkpoint
        except StructureNotInferableError as refusal:
            return _dataflow(module, samples, refusal)
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
    module: nn.Module, samples: Samples, refusal: StructureNotInferableError | None
) -> tuple[Dataflow, Checkpoint]:
    """One sample through whole-tensor operators, for what no layer stands for; `refusal` is what the layers said."""
    from metagauge.architecture.tracing.trace import trace as follow  # noqa: PLC0415 - needs onnx

    checkpoint, added = _traced(module, samples, every_output=True)
    try:
        dataflow = with_numbers(follow(checkpoint), checkpoint, added)
    except StructureNotInferableError as error:
        raise (refusal or error) from error
    unknown = [each for each in dataflow.unsupported if not each.tensors]
    if unknown:
        named = "; ".join(each.name for each in unknown[:_SHOWN])
        raise StructureNotInferableError(f"it has steps that we have no operator for: {named}") from refusal
    if not tensors_of(dataflow):
        raise refusal or StructureNotInferableError("none of its tensors is used as a weight")
    return replace(dataflow, provenance=Provenance(rung="declared"), unsupported=()), checkpoint


def _traced(module: nn.Module, samples: Samples, *, every_output: bool) -> tuple[Checkpoint, frozenset[str]]:
    """The module's program on these samples with its tensors, and the names of those that are no tensors of its own."""
    from metagauge.declare.trace import trace  # noqa: PLC0415 - needs torch

    traced = trace(module, samples, every_output=every_output)
    tensors = {**traced.tensors, **traced.constants}
    checkpoint = Checkpoint(
        format=Format.SAFETENSORS,
        size_bytes=sum(tensor.size for tensor in tensors.values()),
        tensors=tensors,
        metadata={},
        program=traced.program,
    )
    return checkpoint, frozenset(traced.constants)
