"""One spelling for what a network computes, whoever wrote it down.

Steps are added to an empty draft one after the other, and rules replace each by what the normal form has in its place:
they look back at the steps before, which are in normal form already. Rounds follow until nothing changes.
"""

from collections.abc import Mapping
from functools import cache

from metagauge.architecture.dataflow import Dataflow
from metagauge.architecture.normal_form.broadcasting import expand_in_place, read_unexpanded
from metagauge.architecture.normal_form.curves import recognise
from metagauge.architecture.normal_form.draft import Rule, Shape, begin
from metagauge.architecture.normal_form.effort import Effort
from metagauge.architecture.normal_form.factors import absorb, raise_factor, sink
from metagauge.architecture.normal_form.folding import fold
from metagauge.architecture.normal_form.masks import respell_mask
from metagauge.architecture.normal_form.moving import gather_known, join_moves, reshape_last
from metagauge.architecture.normal_form.norms import collect_moments, standardise
from metagauge.architecture.normal_form.nothing import leave_out
from metagauge.architecture.normal_form.numbers import compose, divide, order_operands, subtract, take_number
from metagauge.architecture.normal_form.padding import take_padding
from metagauge.architecture.normal_form.softmaxes import collect_softmax, drop_guard
from metagauge.architecture.normal_form.sums import divide_sum, respell_reduction
from metagauge.architecture.normal_form.whole_windows import reduce_whole
from metagauge.architecture.operators.contraction import Contract, Convolve
from metagauge.architecture.operators.elementwise import Binary, Cast, Unary, Where
from metagauge.architecture.operators.indexing import Gather
from metagauge.architecture.operators.movement import Concat, Expand, Pad, Reshape, Resize, Slice, Transpose
from metagauge.architecture.operators.reduction import Reduce, Softmax, WindowPool
from metagauge.architecture.operators.source import NumberKind

_POINTWISE = (Unary, Binary, Where)
_MOVES = (Reshape, Transpose, Slice, Expand, Pad, Gather)

RULES: Mapping[Rule, tuple[type, ...]] = {
    fold: (),
    leave_out: (*_POINTWISE, *_MOVES, Concat, Resize, Cast, Reduce),
    order_operands: (Binary,),
    take_number: (Binary,),
    compose: (Unary,),
    subtract: (Binary,),
    divide: (Binary,),
    respell_reduction: (Reduce,),
    divide_sum: (Unary,),
    standardise: (Binary,),
    collect_moments: (Binary,),
    collect_softmax: (Unary, Binary),
    drop_guard: (Where,),
    respell_mask: (Softmax,),
    expand_in_place: (Expand,),
    read_unexpanded: (Binary, Where),
    reshape_last: (Unary, Binary),
    join_moves: (*_MOVES, Concat),
    gather_known: (Gather,),
    take_padding: (Convolve, WindowPool),
    reduce_whole: (WindowPool,),
    sink: (*_MOVES, Concat, Binary),
    absorb: (Contract,),
    raise_factor: (Unary,),
    recognise: _POINTWISE,
}
"""In their order, the first that applies is used; the operators each is for, none for all."""


@cache
def rules_for(kind: type) -> tuple[Rule, ...]:
    """The rules that may apply to a kind of operator."""
    return tuple(rule for rule, kinds in RULES.items() if not kinds or kind in kinds)


ROUNDS = 5
"""More are never needed for real networks: two that change something and one that finds nothing, mostly."""


def normalise(dataflow: Dataflow, shapes: Mapping[str, Shape | None]) -> Dataflow:
    """The normal form of a dataflow, which computes the same.

    Args:
        dataflow: What to rewrite. Values that stay keep their names.
        shapes: Of all its values, None where one is not known; the dataflow is known to be sound.
    """
    known: Mapping[str, Shape | None] = shapes
    kinds: Mapping[str, NumberKind] = {}
    effort = Effort()
    for _ in range(ROUNDS):
        draft = begin(dataflow, known, kinds, rules_for, effort)
        for step in dataflow.steps:
            draft.add(step)
        dataflow, known, kinds = draft.finish(dataflow), draft.shapes, draft.kinds
        if draft.changes == 0:
            break
    return dataflow
