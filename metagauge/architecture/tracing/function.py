"""Functions that a file defines: their nodes at each call, with the call's attributes in their place."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from metagauge.architecture.tracing.body import inline
from metagauge.architecture.tracing.constants import as_numbers
from metagauge.architecture.tracing.states import Inputs, Numbers, State
from metagauge.architecture.tracing.tracing import FUNCTION, Registry, Tracing
from metagauge.checkpoint.program import Attribute, Body, Node
from metagauge.errors import StructureNotInferableError


@dataclass(frozen=True, slots=True, kw_only=True)
class _Call:
    """What a call fills in."""

    attributes: Mapping[str, Attribute]
    tensors: Mapping[str, str]
    bodies: Mapping[str, Body]
    left_out: frozenset[str]
    """Inputs that the call does not give."""


def call_function(tracing: Tracing, node: Node, inputs: Inputs) -> tuple[State, ...]:
    """A call of a local function. The reader has refused functions that call themselves."""
    function = tracing.functions[node.domain, node.operator, node.overload]
    given = [*inputs, *(None,) * (len(function.body.inputs) - len(inputs))]
    missing = (port.name for port, state in zip(function.body.inputs, given, strict=False) if state is None)
    call = _Call(
        attributes={**function.defaults, **node.attributes},
        tensors={**function.default_tensors, **node.tensors},
        bodies=node.bodies,
        left_out=frozenset(missing),
    )
    body = replace(function.body, nodes=_bound(function.body.nodes, call))
    outside, tracing.opset = tracing.opset, function.opset or tracing.opset
    try:
        return tuple(inline(tracing, body, given, sees_outside=False))
    finally:
        tracing.opset = outside


def constant(tracing: Tracing, node: Node, inputs: Inputs) -> State:
    """Constant, where its value was an attribute of the call."""
    if "value" in node.tensors:
        return tracing.tensor_state(node.tensors["value"])
    (value,) = node.attributes.values()
    if isinstance(value, str) or (isinstance(value, tuple) and any(isinstance(item, str) for item in value)):
        raise StructureNotInferableError("it is a text")
    return Numbers(array=as_numbers(np.array(value, dtype=np.float32 if _is_real(value) else np.int64)))


def _is_real(value: Attribute) -> bool:
    return isinstance(value, float) or (isinstance(value, tuple) and any(isinstance(item, float) for item in value))


def _bound(nodes: Sequence[Node], call: _Call) -> tuple[Node, ...]:
    return tuple(_bound_node(node, call) for node in nodes)


def _bound_node(node: Node, call: _Call) -> Node:
    wanted = node.references.items()
    return replace(
        node,
        inputs=tuple("" if name in call.left_out else name for name in node.inputs),
        attributes={
            **node.attributes,
            **{own: call.attributes[name] for own, name in wanted if name in call.attributes},
        },
        tensors={**node.tensors, **{own: call.tensors[name] for own, name in wanted if name in call.tensors}},
        bodies={
            **{own: replace(body, nodes=_bound(body.nodes, call)) for own, body in node.bodies.items()},
            **{own: call.bodies[name] for own, name in wanted if name in call.bodies},
        },
        references={},
    )


OPERATORS: Registry = {FUNCTION: call_function, ("", "Constant"): constant}
