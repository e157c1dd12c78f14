"""Strided views: what a value of an ONNX program shows of a value of the architecture, and in which order.

Reshape, Transpose, Slice and Gather never compute anything. Each axis of an ONNX value is a row-major run of *steps*
through the axes of one drafted value, so whatever chain of them an exporter writes comes out as the same view.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import prod

from metagauge.architecture.onnx.curve import NOTHING, Elementwise

BATCH = -1
"""Number of the batch axis, which drafted values do not have."""

UNKNOWN_BATCH = 1_000_003
"""Stands for a batch size that the file leaves open: a prime that divides no other size, so shapes stay arithmetic."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """`size` indices along axis `axis` of the drafted value, `stride` apart."""

    axis: int
    stride: int
    size: int


Run = tuple[Step, ...]
"""One axis of an ONNX value, slowest step first. Sizes of one leave no step: an empty run is an axis of size one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """`function` of each element that the runs reach in drafted value `source`."""

    source: str
    runs: tuple[Run, ...]
    offsets: tuple[int, ...]
    """First index read along each axis of the source."""
    function: Elementwise = field(default=NOTHING, compare=False)

    @property
    def shape(self) -> tuple[int, ...]:
        """Sizes of the ONNX value, batch included."""
        return tuple(prod(step.size for step in run) for run in self.runs)

    @property
    def steps(self) -> Run:
        """All steps, slowest first."""
        return tuple(step for run in self.runs for step in run)


def shown(sizes: Iterable[int]) -> str:
    """Sizes for a message; what an unknown batch is part of is called so."""
    return f"[{', '.join('batch' if size and size % UNKNOWN_BATCH == 0 else str(size) for size in sizes)}]"


def whole(source: str, shape: Sequence[int], batch: int) -> View:
    """All of a drafted value of this shape (no batch axis), behind a batch axis."""
    runs = (run(Step(axis=BATCH, stride=1, size=batch)), *(full(axis, size) for axis, size in enumerate(shape)))
    return View(source=source, runs=runs, offsets=(0,) * len(shape))


def full(axis: int, size: int) -> Run:
    """The run through all indices of one axis."""
    return run(Step(axis=axis, stride=1, size=size))


def run(*steps: Step) -> Run:
    """Steps in normal form: no sizes of one, and steps that continue each other are joined."""
    joined: list[Step] = []
    for step in steps:
        if step.size == 1:
            continue
        if joined and joined[-1].axis == step.axis and joined[-1].stride == step.stride * step.size:
            joined[-1] = replace(step, size=joined[-1].size * step.size)
        else:
            joined.append(step)
    return tuple(joined)


def reshaped(view: View, sizes: Sequence[int]) -> View | None:
    """The elements in row-major order with other sizes; None where an axis would need two halves of a step."""
    rest = list(view.steps)
    runs: list[Run] = []
    for size in sizes:
        taken: list[Step] = []
        while size > 1:
            if not rest:
                return None
            step = rest.pop(0)
            if size % step.size == 0:
                taken.append(step)
                size //= step.size
            elif step.size % size == 0:
                inner = step.size // size
                taken.append(replace(step, stride=step.stride * inner, size=size))
                rest.insert(0, replace(step, size=inner))
                size = 1
            else:
                return None
        runs.append(run(*taken))
    return None if rest else replace(view, runs=tuple(runs))


def transposed(view: View, order: Sequence[int]) -> View:
    """The axes in another order."""
    return replace(view, runs=tuple(view.runs[axis] for axis in order))


def narrowed(view: View, axis: int, start: int, stop: int) -> View | None:
    """Indices `start <= i < stop` of one axis; None where they are no run."""
    if start == 0 and stop == view.shape[axis]:
        return view
    if len(view.runs[axis]) != 1 or view.runs[axis][0].axis == BATCH:
        return None
    (step,) = view.runs[axis]
    offsets = list(view.offsets)
    offsets[step.axis] += start * step.stride
    runs = list(view.runs)
    runs[axis] = run(replace(step, size=stop - start))
    return replace(view, runs=tuple(runs), offsets=tuple(offsets))


def rebased(view: View, source: str, axes: Mapping[int, tuple[int, int]], rank: int) -> View:
    """The same elements in a drafted value that holds them elsewhere: old axis -> (new axis, stride of one index)."""
    offsets = [0] * rank
    for old, (new, stride) in axes.items():
        offsets[new] += view.offsets[old] * stride
    moved = {BATCH: (BATCH, 1), **axes}
    runs = tuple(
        run(*(replace(step, axis=moved[step.axis][0], stride=step.stride * moved[step.axis][1]) for step in old))
        for old in view.runs
    )
    return replace(view, source=source, runs=runs, offsets=tuple(offsets))
