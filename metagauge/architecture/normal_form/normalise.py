"""One spelling for what a network computes, whoever wrote it down.

Steps are added to an empty draft one after the other, and rules replace each by what the normal form has in its place:
they look back at the steps before, which are in normal form already. Rounds follow until nothing changes.
"""

from collections.abc import Mapping

from metagauge.architecture.dataflow import Dataflow
from metagauge.architecture.normal_form.broadcasting import expand_in_place, read_unexpanded
from metagauge.architecture.normal_form.curves import recognise
from metagauge.architecture.normal_form.draft import Rule, Shape, begin
from metagauge.architecture.normal_form.factors import absorb, raise_factor, sink
from metagauge.architecture.normal_form.folding import fold
from metagauge.architecture.normal_form.masks import respell_mask
from metagauge.architecture.normal_form.moving import gather_known, join_moves
from metagauge.architecture.normal_form.norms import collect_moments, standardise
from metagauge.architecture.normal_form.nothing import leave_out
from metagauge.architecture.normal_form.numbers import compose, divide, order_operands, subtract, take_number
from metagauge.architecture.normal_form.padding import take_padding
from metagauge.architecture.normal_form.softmaxes import collect_softmax, drop_guard
from metagauge.architecture.normal_form.sums import divide_sum, respell_reduction
from metagauge.architecture.normal_form.whole_windows import reduce_whole
from metagauge.architecture.operators.source import NumberKind

RULES: tuple[Rule, ...] = (
    fold,
    leave_out,
    order_operands,
    take_number,
    compose,
    subtract,
    divide,
    respell_reduction,
    divide_sum,
    standardise,
    collect_moments,
    collect_softmax,
    drop_guard,
    respell_mask,
    expand_in_place,
    read_unexpanded,
    join_moves,
    gather_known,
    take_padding,
    reduce_whole,
    sink,
    absorb,
    raise_factor,
    recognise,
)
"""The first rule that applies is used. `recognise` is last: it also notes what has been added."""

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
    for _ in range(ROUNDS):
        draft = begin(dataflow, known, kinds, RULES)
        for step in dataflow.steps:
            draft.add(step)
        dataflow, known, kinds = draft.finish(dataflow), draft.shapes, draft.kinds
        if draft.changes == 0:
            break
    return dataflow
