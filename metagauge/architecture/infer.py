"""From a checkpoint to its network: a ladder from what is stated to what can be worked out, and never a guess."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace

from metagauge.architecture.architecture import Architecture, Provenance, Unsupported
from metagauge.architecture.codec import METADATA_KEY, from_json
from metagauge.architecture.coverage import coverage, parameters_of, unused_tensors
from metagauge.architecture.dataflow import Dataflow
from metagauge.architecture.network import Network
from metagauge.architecture.normal_form.normalise import normalise
from metagauge.architecture.onnx.lift import lift
from metagauge.architecture.operators.shapes import shapes
from metagauge.architecture.operators.source import Given
from metagauge.architecture.parameter import Parameter
from metagauge.architecture.reachable import reachable
from metagauge.architecture.refusal import no_template, not_inferable
from metagauge.architecture.resolve import parameter_shape
from metagauge.architecture.templates.fingerprint import from_fingerprint
from metagauge.architecture.templates.from_config import Templated, from_config
from metagauge.architecture.templates.names.from_names import from_names
from metagauge.architecture.templates.names.hints import Hints, hints_of, is_hints
from metagauge.architecture.tracing.trace import trace
from metagauge.architecture.values import values
from metagauge.architecture.written_numbers import with_numbers
from metagauge.checkpoint.checkpoint import Checkpoint
from metagauge.errors import ArchitectureMismatchError, LimitExceededError, StructureNotInferableError

_ASSUMED, _ASSUMED_LENGTH = 20, 200
"""How many of a specification's own assumptions are passed on, and how much of each."""
_IMAGE_RANK = 4
"""Axes of a batch of images at least."""


def infer(checkpoint: Checkpoint, sidecar: str | None) -> Network:
    """The network in `checkpoint`.

    The rungs, first one that applies: *declared*, our specification as `sidecar` or, without one there, in the file's
    metadata; *config*, a Hugging Face config.json as `sidecar`; *graph*, the program of an ONNX file; *template* and
    *chain*, names and shapes that only one network has. The rung taken is in the network's provenance.

    Raises:
        ArchitectureMismatchError: a specification is not valid, or does not fit the tensors.
        StructureNotInferableError: nothing says how the tensors are wired; the message says what would.
    """
    if sidecar is not None:
        fields = _fields(sidecar)
        if is_hints(fields):
            hints = hints_of(fields)
            _check_is_bare(checkpoint, fields)
            return _named(checkpoint, hints)
        if "operations" in fields or "steps" in fields or not _names_a_model(fields):
            return _declared(sidecar, checkpoint)
        if checkpoint.program is None and METADATA_KEY not in checkpoint.metadata:
            return _configured(fields, checkpoint)
    if METADATA_KEY in checkpoint.metadata:
        return _declared(checkpoint.metadata[METADATA_KEY], checkpoint)
    if checkpoint.program is not None:
        return _followed(checkpoint)
    return _named(checkpoint, Hints())


def _check_is_bare(checkpoint: Checkpoint, fields: Mapping[str, object]) -> None:
    """Refuses hints beside a file that needs none."""
    if checkpoint.program is not None:
        tells = "an ONNX file tells its wiring itself"
    elif METADATA_KEY in checkpoint.metadata:
        tells = f"this file tells its wiring itself, by the specification in its metadata ({METADATA_KEY})"
    else:
        return
    names = ", ".join(fields)
    raise ArchitectureMismatchError(f"{tells}; hints ({names}) are for files of tensors alone: send it without them")


def _named(checkpoint: Checkpoint, hints: Hints) -> Network:
    """The network that the names of the tensors tell."""
    with _fitted():
        templated = from_fingerprint(checkpoint, hints.num_heads) or from_names(checkpoint, hints)
    if templated is None:
        raise not_inferable(checkpoint)
    return _templated(templated, checkpoint)


def _followed(checkpoint: Checkpoint, added: frozenset[str] = frozenset()) -> Network:
    """The network that a program computes: as layers if they are all of it, else as a dataflow."""
    try:
        layers = lift(checkpoint)
    except (StructureNotInferableError, LimitExceededError):
        dataflow = _traced(checkpoint, added)
        return _sized(checkpoint, dataflow, added) or dataflow
    if any(each.tensor in added for each in parameters_of(layers)):
        return _traced(checkpoint, added)
    if not layers.unsupported:
        return layers
    dataflow = _traced(checkpoint, added)
    return dataflow if coverage(dataflow, checkpoint) > coverage(layers, checkpoint) else layers


def _sized(checkpoint: Checkpoint, dataflow: Dataflow, added: frozenset[str]) -> Architecture | None:
    """The layers of all of a network of images that leaves their size open, for the size that its dataflow assumes."""
    given = [step.operator for step in dataflow.steps if isinstance(step.operator, Given)]
    if len(given) != 1 or len(given[0].shape) < _IMAGE_RANK:
        return None
    try:
        layers = lift(checkpoint, sizes=given[0].shape[1:])
    except (StructureNotInferableError, LimitExceededError):
        return None
    if layers.unsupported or any(each.tensor in added for each in parameters_of(layers)):
        return None
    return replace(layers, provenance=dataflow.provenance)


def _traced(checkpoint: Checkpoint, added: frozenset[str] = frozenset()) -> Dataflow:
    """The dataflow of the program, in normal form, with the numbers of tensors that are not the file's written in."""
    dataflow = with_numbers(trace(checkpoint), checkpoint, added)
    return normalise(dataflow, shapes(dataflow, lambda name: checkpoint.tensor(name).shape))


def _templated(templated: Templated, checkpoint: Checkpoint) -> Network:
    """The network of a template's program, over the tensors that the file has."""
    added = frozenset(name for name in templated.checkpoint.tensors if name not in checkpoint.tensors)
    network = _followed(templated.checkpoint, added)
    lost = tuple(_without(piece, added) for piece in network.unsupported)
    return replace(
        network,
        provenance=templated.provenance,
        unsupported=tuple(piece for piece in lost if piece is not None),
        constants=tuple(name for name in (*network.constants, *templated.ignored) if name not in added),
    )


def _without(piece: Unsupported, added: frozenset[str]) -> Unsupported | None:
    """What is lost, a template's own numbers aside."""
    tensors = tuple(name for name in piece.tensors if name not in added)
    return replace(piece, tensors=tensors) if tensors or not piece.tensors else None


def _configured(fields: Mapping[str, object], checkpoint: Checkpoint) -> Network:
    with _fitted():
        templated = from_config(checkpoint, fields)
    if templated is None:
        raise no_template(fields)
    return _templated(templated, checkpoint)


@contextmanager
def _fitted() -> Iterator[None]:
    """Templates read sizes where their families have them; a tensor of another rank, or without elements, has none."""
    try:
        yield
    except (LookupError, ArithmeticError, TypeError, ValueError) as error:
        message = "tensors have the names that a template knows, and shapes which it does not"
        raise ArchitectureMismatchError(f"{message} ({type(error).__name__}: {str(error)[:100]})") from error


def _declared(specification: str, checkpoint: Checkpoint) -> Network:
    """The specified network, once it is known to fit the tensors; those it leaves out are recorded in it."""
    network = from_json(specification)
    if isinstance(network, Dataflow):
        return _declared_dataflow(network, checkpoint)
    for parameter in parameters_of(network):
        _check_parameter(parameter, checkpoint)
    values(network, lambda parameter: parameter_shape(parameter, checkpoint))
    live = reachable(network)
    return replace(live, provenance=_own(network), unsupported=_lost(live, checkpoint), constants=())


def _declared_dataflow(network: Dataflow, checkpoint: Checkpoint) -> Dataflow:
    known = shapes(network, lambda name: checkpoint.tensor(name).shape)
    live = normalise(replace(network, constants=(), unsupported=()), known)
    return replace(live, provenance=_own(network), unsupported=_lost(live, checkpoint))


def _own(network: Network) -> Provenance:
    """What a specification says it assumed, within bounds."""
    assumed = tuple(each[:_ASSUMED_LENGTH] for each in network.provenance.assumed[:_ASSUMED])
    return Provenance(rung="declared", assumed=assumed)


def _lost(network: Network, checkpoint: Checkpoint) -> tuple[Unsupported, ...]:
    unused = unused_tensors(network, checkpoint)
    return (Unsupported(operator="tensors the output does not depend on", name="", tensors=unused),) if unused else ()


def _check_parameter(parameter: Parameter, checkpoint: Checkpoint) -> None:
    tensor = checkpoint.tensor(parameter.tensor)
    if not tensor.is_float:
        message = f"the architecture uses tensor {tensor.name!r} as a parameter, and its dtype is {tensor.dtype}"
        raise ArchitectureMismatchError(f"{message}, which holds no numbers to compute with as they are")
    if 0 in parameter_shape(parameter, checkpoint):
        raise ArchitectureMismatchError(f"the architecture uses tensor {tensor.name!r} as a parameter without elements")


def _fields(sidecar: str) -> Mapping[str, object]:
    try:
        fields = json.loads(sidecar)
    except (ValueError, RecursionError) as error:
        raise ArchitectureMismatchError("the architecture sent beside the checkpoint is not JSON") from error
    return fields if isinstance(fields, dict) else {}


def _names_a_model(fields: Mapping[str, object]) -> bool:
    """Whether this is a Hugging Face config.json."""
    return isinstance(fields.get("model_type"), str) or isinstance(fields.get("architectures"), list)
