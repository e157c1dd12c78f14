"""Operators that broadcast read what is not yet expanded."""

from metagauge.architecture.normal_form.draft import Call, Draft
from metagauge.architecture.operators.elementwise import Binary, Where
from metagauge.architecture.operators.movement import Expand, Reshape
from metagauge.architecture.operators.shaping.rules import broadcast


def read_unexpanded(draft: Draft, call: Call) -> Call | str | None:
    """The same operator of what was expanded, where the result has the same shape all the same."""
    if not isinstance(call.operator, Binary | Where):
        return None
    shape = draft.shape_of(call)
    for place, name in enumerate(call.inputs):
        source = draft.call(name)
        if source is not None and isinstance(source.operator, Expand):
            inputs = (*call.inputs[:place], source.inputs[0], *call.inputs[place + 1 :])
            shapes = [draft.shape(each) for each in inputs]
            known = [each for each in shapes if each is not None]
            if len(known) == len(shapes) and broadcast(tuple(known)) == shape:
                return Call(operator=call.operator, inputs=inputs)
    return None


def expand_in_place(draft: Draft, call: Call) -> Call | str | None:
    """An expansion that only adds axes of one is a reshape."""
    match call:
        case Call(operator=Expand(shape=new), inputs=(x,)):
            old = draft.shape(x)
            if old is not None and len(new) > len(old) and new == (1,) * (len(new) - len(old)) + old:
                return Call(operator=Reshape(shape=new), inputs=(x,))
    return None
