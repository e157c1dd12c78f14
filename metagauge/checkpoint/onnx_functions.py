"""Local functions of an ONNX model: no recursion, and no small file that stands for an endless graph."""

from collections import Counter
from collections.abc import Iterable
from graphlib import CycleError, TopologicalSorter

from onnx import ModelProto, NodeProto

from metagauge.checkpoint.limits import Limits
from metagauge.checkpoint.onnx_graph import plain_domain, visit_nodes
from metagauge.errors import ArchitectureMismatchError, LimitExceededError

_Key = tuple[str, str, str]


def check_functions(model: ModelProto, limits: Limits) -> None:
    """Counts the nodes as if every call were replaced by the function's body, without replacing any.

    Raises:
        ArchitectureMismatchError: two functions have one name, or one calls itself, perhaps through others.
        LimitExceededError: there would be more nodes than `limits` allows.
    """
    calls: dict[_Key, Counter[_Key]] = {}
    for function in model.functions:
        key = (plain_domain(function.domain), function.name, function.overload)
        if key in calls:
            raise ArchitectureMismatchError(f"two functions of the model are called {_shown(key)}")
        calls[key] = _calls(function.node)
    inlined: dict[_Key, int] = {}
    try:
        order = tuple(
            TopologicalSorter({key: called.keys() & calls.keys() for key, called in calls.items()}).static_order()
        )
    except CycleError as error:
        cycle = " -> ".join(_shown(key) for key in error.args[1][:8])
        raise ArchitectureMismatchError(f"the functions of the model call each other in a circle: {cycle}") from error
    for key in order:
        inlined[key] = _total(calls[key], inlined)
    total = _total(_calls(model.graph.node), inlined)
    if total > limits.nodes:
        message = f"with its functions inlined the model has {total} nodes; the limit is {limits.nodes}"
        raise LimitExceededError(message)


def _calls(protos: Iterable[NodeProto]) -> Counter[_Key]:
    found: Counter[_Key] = Counter()

    def count(proto: NodeProto) -> None:
        found[plain_domain(proto.domain), proto.op_type, proto.overload] += 1

    visit_nodes(protos, count)
    return found


def _total(called: Counter[_Key], inlined: dict[_Key, int]) -> int:
    return sum(count * inlined.get(key, 1) for key, count in called.items())


def _shown(key: _Key) -> str:
    domain, name, overload = key
    return f"{domain}::{name}" + (f":{overload}" if overload else "")
