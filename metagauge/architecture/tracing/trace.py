"""From the program of a checkpoint to a dataflow: every node is followed once, in execution order."""

from collections.abc import Iterable, Iterator, Mapping

from metagauge.architecture.architecture import Provenance, Unsupported
from metagauge.architecture.dataflow import Dataflow, Step
from metagauge.architecture.operators.control import Opaque
from metagauge.architecture.operators.source import Given, NumberKind, Weight
from metagauge.architecture.tracing.inputs import Assignment, Verdict, search
from metagauge.architecture.tracing.registry import REGISTRY
from metagauge.architecture.tracing.states import State, Tensorlike, Value
from metagauge.architecture.tracing.tracing import Tracing, flat
from metagauge.checkpoint.checkpoint import Checkpoint
from metagauge.checkpoint.program import Node, Port, Program
from metagauge.errors import LimitExceededError, StructureNotInferableError

Sizes = Mapping[str, tuple[int, ...]]
"""Shapes of inputs by name."""


def trace(checkpoint: Checkpoint, *, sizes: Sizes | None = None) -> Dataflow:
    """What the program of a checkpoint computes for one sample.

    Sizes that the file leaves open are those of `sizes`, or assumed and listed in the provenance. Operators that are
    not understood are `Opaque` and listed as unsupported, as are parameters that no node reads.

    Raises:
        StructureNotInferableError: there is no program, or nothing of it depends on a parameter.
        LimitExceededError: the program asks for more steps, or larger values, than any network has.
    """
    program = checkpoint.program
    if program is None:
        raise StructureNotInferableError("the checkpoint holds weights and no program")
    best: list[tuple[Tracing, Assignment]] = []

    def judge(assignment: Assignment) -> Verdict:
        try:
            tracing = _traced(checkpoint, program, assignment)
        except LimitExceededError:
            if not best:
                raise
            return Verdict(misfits=len(program.nodes) + 1)  # the sizes tried before were within the limits
        if not best or tracing.misfits < best[0][0].misfits:
            best[:] = [(tracing, assignment)]
        wanted = tuple(size for size, _ in tracing.wanted.most_common())
        return Verdict(misfits=tracing.misfits, visits=tracing.visits, wanted=wanted)

    search(checkpoint, program, sizes or {}, judge)
    return _finished(*best[0], program)


def _traced(checkpoint: Checkpoint, program: Program, assignment: Assignment) -> Tracing:
    tracing = Tracing(checkpoint, REGISTRY)
    for port in program.inputs:
        tracing.scope.values[port.name] = _given(tracing, port, assignment)
    tracing.follow(program.nodes, tracing.scope)
    return tracing


def _given(tracing: Tracing, port: Port, assignment: Assignment) -> State:
    shape = assignment.shapes.get(port.name)
    if shape is None:
        node = Node(name=port.name, operator="input", domain="", inputs=(), outputs=(port.name,), attributes={})
        return tracing.opaque(node, (), (None,), "its shape is not known, or it is no tensor of numbers")[0]
    kind: NumberKind = "bool" if port.dtype == "BOOL" else "float" if port.dtype[:1] in ("F", "B", "") else "int"
    return tracing.given(port.name, shape, kind)


def _finished(tracing: Tracing, assignment: Assignment, program: Program) -> Dataflow:
    """The steps that the outputs need, and the account of everything else."""
    outputs = tuple(
        _returned(tracing, item, port).name
        for port in program.outputs
        for state in (tracing.find(port.name, tracing.scope),)
        if state is not None
        for item in flat(state)
    )
    if not outputs:
        raise StructureNotInferableError("no output of the program is a tensor of numbers")
    kept = _needed(tracing, outputs)
    steps = tuple(step for name, step in tracing.steps.items() if name in kept or isinstance(step.operator, Given))
    used = {step.operator.tensor for step in steps if isinstance(step.operator, Weight)}
    if not any(isinstance(step.operator, Weight) for step in steps):
        message = "no output of the program depends on a tensor that can be a weight"
        raise StructureNotInferableError(message)
    return Dataflow(
        steps=steps,
        outputs=outputs,
        provenance=Provenance(rung="graph", assumed=(*assignment.assumed, *tracing.assumed)),
        unsupported=tuple(_left_out(tracing, program, steps, used)),
        constants=tuple(sorted(tracing.read.keys() - used)),
    )


def _returned(tracing: Tracing, item: Tensorlike, port: Port) -> Value:
    """An output as a value; rows that the input chooses cannot be told from the others outside."""
    if item.rows is None:
        return tracing.value(item)
    node = Node(name=port.name, operator="output", domain="", inputs=(), outputs=(port.name,), attributes={})
    reason = "how many rows it has depends on what the network is given"
    chosen = Value(name=item.rows.valid, shape=None, numbers="bool")
    return tracing.opaque(node, (item, chosen), (None,), reason)[0]


def _needed(tracing: Tracing, outputs: Iterable[str]) -> set[str]:
    """First outputs of the steps that `outputs` depend on; loops make circles."""
    needed: set[str] = set()
    waiting = list(outputs)
    while waiting:
        step = tracing.makers[waiting.pop()]
        if step.outputs[0] not in needed:
            needed.add(step.outputs[0])
            waiting.extend(name for name in step.inputs if name)
    return needed


def _left_out(tracing: Tracing, program: Program, steps: tuple[Step, ...], used: set[str]) -> Iterator[Unsupported]:
    for step in steps:
        if isinstance(step.operator, Opaque):
            name, reason = tracing.reasons[step.outputs[0]]
            yield Unsupported(operator=step.operator.operator, name=f"{name}: {reason}"[:300])
    parameters = {name for name, tensor in tracing.checkpoint.tensors.items() if tensor.is_parameter}
    lost = parameters - used - tracing.read.keys()
    for node in program.nodes:
        inner = (name for body in node.bodies.values() for name in body.tensors)
        names = (set(node.inputs) | set(inner) | set(node.tensors.values())) & lost
        if names:
            yield Unsupported(operator=node.operator, name=node.name or node.outputs[0], tensors=tuple(sorted(names)))
            lost -= names
    if lost:
        yield Unsupported(operator="none", name="read by no node", tensors=tuple(sorted(lost)))
