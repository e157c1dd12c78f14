"""Lifts an ONNX program to an architecture, by following every value to what it shows of which layer's output."""

from collections.abc import Iterable
from math import prod

from metagauge.architecture.architecture import Architecture, Layout, Provenance, Unsupported
from metagauge.architecture.onnx import normalisation
from metagauge.architecture.onnx.arrange import as_map, features
from metagauge.architecture.onnx.channels_last import has_channels_last
from metagauge.architecture.onnx.draft import Draft
from metagauge.architecture.onnx.lifting import READ_LIMIT, Lifting
from metagauge.architecture.onnx.operators import OPERATORS
from metagauge.architecture.onnx.states import Numbers, Opaque, State, Weight
from metagauge.architecture.onnx.view import UNKNOWN_BATCH, View, transposed
from metagauge.architecture.parameter import Parameter
from metagauge.architecture.resolve import parameter_shape
from metagauge.architecture.values import MAX_OPERATIONS, Value, layer_parameters
from metagauge.checkpoint.checkpoint import Checkpoint
from metagauge.checkpoint.program import Node, Port, Program
from metagauge.checkpoint.tensor import FLOAT_DTYPES, Tensor
from metagauge.errors import ArchitectureMismatchError, LimitExceededError, MetagaugeError, StructureNotInferableError


def lift(checkpoint: Checkpoint, *, sizes: tuple[int, ...] | None = None) -> Architecture:
    """The architecture of an ONNX checkpoint.

    Weights stay where they are: parameters name tensors and views. Tensors that the network's first output does not
    depend on are listed as unsupported. Sizes behind the batch axis that the file leaves open are those of `sizes`, in
    which all axes but the batch have one.

    Raises:
        StructureNotInferableError: an operator that the first output depends on has no layer; the message names it.
        LimitExceededError: the program has more nodes than an architecture may have layers, or computes too much.
    """
    program = checkpoint.program
    if program is None:
        raise StructureNotInferableError("the checkpoint holds weights and no program")
    if len(program.nodes) > MAX_OPERATIONS:
        raise LimitExceededError(f"the program has {len(program.nodes)} nodes; the most are {MAX_OPERATIONS}")
    port, shape = _input(program, sizes)
    if shape[0] is not None:
        return _lifted(checkpoint, program, port, shape, shape[0], ())
    try:
        return _lifted(checkpoint, program, port, shape, UNKNOWN_BATCH, ())
    except StructureNotInferableError as error:
        # Some exports declare the batch axis dynamic and have the traced batch of one in their shapes.
        try:
            return _lifted(checkpoint, program, port, shape, 1, ("the batch size is one",))
        except StructureNotInferableError:
            raise error from None


def _lifted(
    checkpoint: Checkpoint,
    program: Program,
    port: Port,
    shape: tuple[int | None, ...],
    batch: int,
    assumed: tuple[str, ...],
) -> Architecture:
    """The architecture for samples of this batch size."""
    sizes, turned = tuple(size for size in shape[1:] if size), has_channels_last(program, port.name, len(shape))
    given = Value(layout=_layout(program, port, len(sizes)), shape=(sizes[-1], *sizes[:-1]) if turned else sizes)
    draft = Draft("input", given, lambda parameter: parameter_shape(parameter, checkpoint))
    lifting = Lifting(checkpoint, program, draft, batch)
    whole = lifting.whole("input")
    states: dict[str, State] = {port.name: transposed(whole, (0, *range(2, len(shape)), 1)) if turned else whole}
    for node in program.nodes:
        _follow(lifting, node, states)
    output = _output(lifting, program, states)
    operations = draft.finished(output)
    if not operations:
        raise StructureNotInferableError("the program's output is its input")
    used = {parameter.tensor for operation in operations for parameter in layer_parameters(operation.layer)}
    return Architecture(
        input_name="input",
        input_shape=given.shape,
        input_layout=given.layout,
        operations=operations,
        provenance=Provenance(rung="graph", assumed=(*assumed, *lifting.assumed)),
        unsupported=tuple(_left_out(checkpoint, program, states, used | lifting.read)),
        constants=tuple(sorted(lifting.read - used)),
    )


def _input(program: Program, sizes: tuple[int, ...] | None) -> tuple[Port, tuple[int | None, ...]]:
    if len(program.inputs) != 1:
        names = ", ".join(repr(port.name) for port in program.inputs) or "none"
        raise StructureNotInferableError(f"the program has not one input but {len(program.inputs)}: {names}")
    (port,) = program.inputs
    stated = port.shape
    if sizes is not None and stated is not None and len(sizes) == len(stated) - 1:
        stated = (stated[0], *(size or assumed for size, assumed in zip(stated[1:], sizes, strict=True)))
    if stated is None or len(stated) < 2 or any(not size for size in stated[1:]):
        shape = "unknown" if port.shape is None else list(port.shape)
        message = f"input {port.name!r} needs a batch axis and fixed sizes behind it; its shape is {shape}"
        raise StructureNotInferableError(f"{message}: export with only the batch axis dynamic")
    if port.dtype and port.dtype not in FLOAT_DTYPES and not _is_only_cast(program, port.name):
        raise StructureNotInferableError(f"input {port.name!r} holds numbers of type {port.dtype}")
    return port, stated


def _is_only_cast(program: Program, name: str) -> bool:
    """Whether whole numbers become floating-point ones before anything is computed from them."""
    return all(node.operator == "Cast" for node in program.nodes if name in node.inputs)


def _layout(program: Program, port: Port, rank: int) -> Layout:
    """Two axes without the batch are (channels, length) for a convolution and (tokens, features) otherwise."""
    if rank == 2:
        readers = {node.operator for node in program.nodes if port.name in node.inputs}
        return "map" if readers & {"Conv", "BatchNormalization", "MaxPool", "AveragePool"} else "sequence"
    return "vector" if rank == 1 else "map"


def _follow(lifting: Lifting, node: Node, states: dict[str, State]) -> None:
    """Adds the states of one node's outputs; what cannot be followed matters only where it is read."""
    try:
        inputs = tuple(_state(lifting, name, states) for name in node.inputs)
        results = _results(lifting, node, inputs, states)
    except (StructureNotInferableError, ArchitectureMismatchError) as error:
        results = (_opaque(node, str(error)),) * len(node.outputs)
    except (ValueError, IndexError, TypeError, ArithmeticError) as error:
        # What unpacking and numpy raise for operands that do not fit each other.
        results = (_opaque(node, f"its operands do not fit: {error}"),) * len(node.outputs)
    states.update(zip(node.outputs, results, strict=False))


def _opaque(node: Node, reason: str) -> Opaque:
    shown = node.name or next(iter(node.outputs), "")
    error = StructureNotInferableError(f"operator {node.operator} ({shown!r}) cannot be lifted: {reason}")
    return Opaque(operator=node.operator, name=shown, error=error)


def _results(
    lifting: Lifting, node: Node, inputs: tuple[State | None, ...], states: dict[str, State]
) -> tuple[State, ...]:
    norm = normalisation.written_out(lifting, node, states)
    if norm is not None:
        source, epsilon = norm
        return (normalisation.normalised(lifting, _state(lifting, source, states), epsilon),)
    opaque = next((state for state in inputs if isinstance(state, Opaque)), None)
    if opaque is not None:
        return (opaque,) * len(node.outputs)
    operator = OPERATORS.get(node.operator) if not node.domain else None
    if operator is None:
        raise StructureNotInferableError("it has no layer kind")
    result = operator(lifting, node, inputs)
    results = result if isinstance(result, tuple) else (result,)
    lifting.spend(sum(state.array.size for state in results if isinstance(state, Numbers)))
    return results


def _state(lifting: Lifting, name: str, states: dict[str, State]) -> State | None:
    if not name:
        return None
    if name not in states and name in lifting.checkpoint.tensors:
        states[name] = _constant(lifting.checkpoint.tensors[name])
    try:
        return states[name]
    except KeyError as error:
        raise StructureNotInferableError(f"value {name!r} comes from no earlier node") from error


def _constant(tensor: Tensor) -> State:
    if tensor.is_float:
        return Weight(parameter=Parameter(tensor=tensor.name), shape=tensor.shape)
    if prod(tensor.shape) > READ_LIMIT:
        error: MetagaugeError = StructureNotInferableError(
            f"tensor {tensor.name!r} of type {tensor.dtype} is no weight"
        )
        return Opaque(operator="Constant", name=tensor.name, error=error)
    return Numbers(array=tensor.array())


def _output(lifting: Lifting, program: Program, states: dict[str, State]) -> str:
    """The drafted value that is the first output."""
    port = program.outputs[0]
    state = _state(lifting, port.name, states)
    if isinstance(state, Opaque):
        raise state.error
    if not isinstance(state, View):
        raise StructureNotInferableError(f"output {port.name!r} does not depend on the input as a network's would")
    view = lifting.settled(state)
    layout = lifting.draft.value(view.source).layout
    spatial = layout == "map" and len(view.runs) > 2
    view = as_map(lifting, view) if spatial else features(lifting, view, len(view.runs) - 1)
    whole = lifting.whole(view.source)
    if [run for run in view.runs if run] != [run for run in whole.runs if run] or any(view.offsets):
        raise StructureNotInferableError(f"output {port.name!r} holds the network's values in another order")
    if lifting.draft.context(view.source) is not None:
        raise StructureNotInferableError(f"output {port.name!r} is attention without an output projection")
    return view.source


def _left_out(
    checkpoint: Checkpoint, program: Program, states: dict[str, State], used: set[str]
) -> Iterable[Unsupported]:
    """What holds tensors that the architecture does not use: nodes off the path, subgraphs, functions or nothing."""
    lost = {tensor.name for tensor in checkpoint.tensors.values() if tensor.is_parameter} - used
    for node in program.nodes:
        inner = (name for body in node.bodies.values() for name in body.tensors)
        names = {_tensor(states.get(name), name) for name in node.inputs} | set(inner) | set(node.tensors.values())
        if names & lost and not _only_moves(states, node):
            yield Unsupported(
                operator=node.operator, name=node.name or node.outputs[0], tensors=tuple(sorted(names & lost))
            )
            lost -= names
    for function in program.functions:
        if set(function.body.tensors) & lost:
            names = tuple(sorted(set(function.body.tensors) & lost))
            yield Unsupported(operator="function", name=f"{function.domain}::{function.name}", tensors=names)
            lost -= set(names)
    if lost:
        yield Unsupported(operator="none", name="read by no node", tensors=tuple(sorted(lost)))


def _only_moves(states: dict[str, State], node: Node) -> bool:
    """Whether a node's output is again a weight, which another node reads."""
    return bool(node.outputs) and isinstance(states.get(node.outputs[0]), Weight)


def _tensor(state: State | None, name: str) -> str:
    return state.parameter.tensor if isinstance(state, Weight) else name
