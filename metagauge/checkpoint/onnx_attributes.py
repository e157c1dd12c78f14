"""Attributes of ONNX nodes: which value each holds, whatever type the file states for it."""

from collections.abc import Mapping

from onnx import AttributeProto, GraphProto, SparseTensorProto, TensorProto

from metagauge.checkpoint.program import Attribute

_UNTYPED: Mapping[str, int] = {
    "f": AttributeProto.FLOAT,
    "i": AttributeProto.INT,
    "s": AttributeProto.STRING,
    "t": AttributeProto.TENSOR,
    "g": AttributeProto.GRAPH,
    "sparse_tensor": AttributeProto.SPARSE_TENSOR,
}
"""The type of an attribute that does not state one (IR version 1), by the field that is set."""


def attribute_type(attribute: AttributeProto) -> int:
    """The type of `attribute`, stated or not."""
    if attribute.type != AttributeProto.UNDEFINED:
        return attribute.type
    for name, kind in _UNTYPED.items():
        if attribute.HasField(name):
            return kind
    lists = {"floats": AttributeProto.FLOATS, "ints": AttributeProto.INTS, "strings": AttributeProto.STRINGS}
    return next((kind for name, kind in lists.items() if len(getattr(attribute, name))), AttributeProto.UNDEFINED)


def plain_value(attribute: AttributeProto) -> Attribute | None:
    """The attribute's number, text or list of them; None when it is a tensor, a graph or a reference."""
    if attribute.ref_attr_name:
        return None
    match attribute_type(attribute):
        case AttributeProto.FLOAT:
            return attribute.f
        case AttributeProto.INT:
            return attribute.i
        case AttributeProto.STRING:
            return _text(attribute.s)
        case AttributeProto.FLOATS:
            return tuple(attribute.floats)
        case AttributeProto.INTS:
            return tuple(attribute.ints)
        case AttributeProto.STRINGS:
            return tuple(_text(value) for value in attribute.strings)
        case _:
            return None


def attribute_tensors(attribute: AttributeProto) -> list[tuple[str, TensorProto | SparseTensorProto]]:
    """The attribute's tensors, keyed like the attribute; several get a number."""
    found: list[tuple[str, TensorProto | SparseTensorProto]] = []
    if attribute.HasField("t"):
        found.append((attribute.name, attribute.t))
    if attribute.HasField("sparse_tensor"):
        found.append((attribute.name, attribute.sparse_tensor))
    numbered: list[TensorProto | SparseTensorProto] = [*attribute.tensors, *attribute.sparse_tensors]
    return found + [(f"{attribute.name}[{number}]", proto) for number, proto in enumerate(numbered)]


def attribute_graphs(attribute: AttributeProto) -> list[tuple[str, GraphProto]]:
    """The attribute's graphs, keyed like the attribute; several get a number."""
    found = [(attribute.name, attribute.g)] if attribute.HasField("g") else []
    return found + [(f"{attribute.name}[{number}]", graph) for number, graph in enumerate(attribute.graphs)]


def _text(value: bytes) -> str:
    return value.decode("utf-8", errors="backslashreplace")
