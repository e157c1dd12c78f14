"""Runs a `Dataflow` in PyTorch, one operator after another, on one sample."""

from collections import Counter
from collections.abc import Mapping, Sequence

from torch import Tensor

from metagauge.architecture.dataflow import Dataflow, Step
from metagauge.architecture.operators.control import Carry, Choose, Opaque
from metagauge.architecture.operators.source import Given
from metagauge.errors import ArchitectureMismatchError, OperatorUnknownError, TensorMissingError
from models.interpreter.apply import apply
from models.interpreter.loops import Loop, loops
from models.interpreter.numbers import widen


def run_dataflow(dataflow: Dataflow, tensors: Mapping[str, Tensor], inputs: Sequence[Tensor]) -> tuple[Tensor, ...]:
    """The outputs of a network for one sample.

    Only what the outputs need is computed, and of a choice only the side taken. Floats of less than 32 bits are
    computed as float32.

    Args:
        dataflow: What to compute.
        tensors: The checkpoint's tensors by name, as they are stored.
        inputs: What the `Given` steps describe, in their order.

    Raises:
        OperatorUnknownError: an operator that is needed is known by name only, or a loop whose turns are not known.
        ArchitectureMismatchError: tensors or inputs do not fit the dataflow.
    """
    run = _Run(dataflow, tensors, inputs, keep=False)
    return tuple(run.value(name) for name in dataflow.outputs)


def run_all_values(dataflow: Dataflow, tensors: Mapping[str, Tensor], inputs: Sequence[Tensor]) -> dict[str, Tensor]:
    """Every value that the outputs need, by name, in the order of computation; arguments and errors as above."""
    run = _Run(dataflow, tensors, inputs, keep=True)
    for name in dataflow.outputs:
        run.value(name)
    return run.values


class _Run:
    """One pass. A value is computed when it is first asked for, and dropped after its last reader unless kept."""

    def __init__(
        self, dataflow: Dataflow, tensors: Mapping[str, Tensor], inputs: Sequence[Tensor], *, keep: bool
    ) -> None:
        self.values: dict[str, Tensor] = {}
        self._tensors = tensors
        self._loops = loops(dataflow)
        self._keep = keep or bool(self._loops)  # a turn reads again what the one before has read
        self._producers = {name: step for step in dataflow.steps for name in step.outputs}
        self._readers = Counter(name for step in dataflow.steps for name in step.inputs)
        self._readers.update(dataflow.outputs)
        self._give([step for step in dataflow.steps if isinstance(step.operator, Given)], inputs)

    def value(self, name: str) -> Tensor:
        """A value, after everything it needs. No recursion: networks are deeper than Python's stack."""
        waiting = [name]
        while waiting:
            wanted = waiting[-1]
            step = self._step(wanted)
            missing = [source for source in self._needs(step) if source and source not in self.values]
            if wanted in self.values:
                waiting.pop()
            elif wanted in self._loops:
                self._turn(self._loops[wanted])
            elif missing:
                if len(waiting) > len(self._producers):
                    raise ArchitectureMismatchError(f"value {wanted!r} needs itself")
                waiting.append(missing[0])
            else:
                self._compute(step)
        return self.values[name]

    def _step(self, name: str) -> Step:
        try:
            return self._producers[name]
        except KeyError as error:
            raise ArchitectureMismatchError(f"no step of the dataflow has output {name!r}") from error

    def _turn(self, loop: Loop) -> None:
        """All turns of a loop. What the last one computes stays, for those who read it afterwards."""
        if not loop.turns:
            raise OperatorUnknownError(f"how many turns loop {loop.name!r} takes depends on what the network is given")
        carried = [self.value(step.inputs[0]) for step in loop.carried]
        for _ in range(loop.turns):
            for name in loop.depending & self.values.keys():
                del self.values[name]
            self.values.update((step.outputs[0], state) for step, state in zip(loop.carried, carried, strict=True))
            carried = [self.value(name) for name in loop.following]

    def _needs(self, step: Step) -> tuple[str, ...]:
        """What has to be known before the step can be computed, or before more can be said."""
        match step.operator:
            case Choose() if step.inputs[0] in self.values:
                return (step.inputs[0], *self._taken(step))
            case Choose():
                return step.inputs[:1]
            case Carry() | Opaque():
                return ()
            case _:
                return step.inputs

    def _taken(self, step: Step) -> tuple[str, ...]:
        """The inputs of the side that the condition says."""
        sides = (len(step.inputs) - 1) // 2
        holds = bool(self.values[step.inputs[0]].all())
        return step.inputs[1 : 1 + sides] if holds else step.inputs[1 + sides :]

    def _compute(self, step: Step) -> None:
        if isinstance(step.operator, Choose):
            results = tuple(self.values[name] for name in self._taken(step))
        else:
            sources = [self.values.get(name) for name in step.inputs]
            try:
                results = apply(step.operator, sources, self._tensors)
            except TensorMissingError:
                raise
            except (ArchitectureMismatchError, RuntimeError, ValueError, IndexError, TypeError) as error:
                shapes = ", ".join("none" if source is None else str(tuple(source.shape)) for source in sources)
                message = f"{step.operator.kind} of {step.outputs[0]!r} does not fit inputs of shapes {shapes}: {error}"
                raise ArchitectureMismatchError(message) from error
        if len(results) < len(step.outputs):
            message = f"{step.operator.kind} has {len(results)} outputs, and {step.outputs} are asked for"
            raise ArchitectureMismatchError(message)
        self.values.update({name: result for name, result in zip(step.outputs, results, strict=False) if name})
        self._release(step)

    def _release(self, step: Step) -> None:
        for name in step.inputs:
            self._readers[name] -= 1
            if not self._keep and not self._readers[name]:
                self.values.pop(name, None)

    def _give(self, steps: list[Step], inputs: Sequence[Tensor]) -> None:
        if len(steps) != len(inputs):
            raise ArchitectureMismatchError(f"the network reads {len(steps)} inputs and was given {len(inputs)}")
        for step, tensor in zip(steps, inputs, strict=True):
            given = step.operator
            if isinstance(given, Given) and tuple(tensor.shape) != given.shape:
                found = tuple(tensor.shape)
                raise ArchitectureMismatchError(f"input {step.outputs[0]!r} has shape {found}, not {given.shape}")
            self.values[step.outputs[0]] = widen(tensor)
