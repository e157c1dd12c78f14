"""The protobuf messages of ONNX: which fields a scan keeps, drops, and does not know.

Transcribed from onnx.proto of onnx 1.23 (IR version 14); a test compares it with the installed package's descriptors.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Kind = Literal["integer", "fixed32", "fixed64", "text", "bytes", "message", "payload", "dropped"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One field of a message.

    A "payload" is bytes whose place in the file is noted instead of a copy; "dropped" is skipped unread, since nothing
    here has a use for it.
    """

    name: str
    kind: Kind
    message: str = ""
    repeated: bool = False


def _integer(name: str) -> Field:
    return Field(name=name, kind="integer")


def _text(name: str) -> Field:
    return Field(name=name, kind="text")


def _bytes(name: str) -> Field:
    return Field(name=name, kind="bytes")


def _one(name: str, message: str) -> Field:
    return Field(name=name, kind="message", message=message)


def _many(name: str, message: str) -> Field:
    return Field(name=name, kind="message", message=message, repeated=True)


def _list(name: str, kind: Kind) -> Field:
    return Field(name=name, kind=kind, repeated=True)


def _drop(name: str) -> Field:
    return Field(name=name, kind="dropped", repeated=True)


SCHEMA: Mapping[str, Mapping[int, Field]] = {
    "ModelProto": {
        1: _integer("ir_version"),
        2: _text("producer_name"),
        3: _text("producer_version"),
        4: _text("domain"),
        5: _integer("model_version"),
        6: _drop("doc_string"),
        7: _one("graph", "GraphProto"),
        8: _many("opset_import", "OperatorSetIdProto"),
        14: _many("metadata_props", "StringStringEntryProto"),
        20: _many("training_info", "TrainingInfoProto"),
        25: _many("functions", "FunctionProto"),
        26: _drop("configuration"),
    },
    "TrainingInfoProto": {
        1: _drop("initialization"),
        2: _drop("algorithm"),
        3: _drop("initialization_binding"),
        4: _drop("update_binding"),
    },
    "GraphProto": {
        1: _many("node", "NodeProto"),
        2: _text("name"),
        5: _many("initializer", "TensorProto"),
        10: _drop("doc_string"),
        11: _many("input", "ValueInfoProto"),
        12: _many("output", "ValueInfoProto"),
        13: _drop("value_info"),
        14: _drop("quantization_annotation"),
        15: _many("sparse_initializer", "SparseTensorProto"),
        16: _drop("metadata_props"),
    },
    "NodeProto": {
        1: _list("input", "text"),
        2: _list("output", "text"),
        3: _text("name"),
        4: _text("op_type"),
        5: _many("attribute", "AttributeProto"),
        6: _drop("doc_string"),
        7: _text("domain"),
        8: _text("overload"),
        9: _drop("metadata_props"),
        10: _drop("device_configurations"),
    },
    "AttributeProto": {
        1: _text("name"),
        2: Field(name="f", kind="fixed32"),
        3: _integer("i"),
        4: _bytes("s"),
        5: _one("t", "TensorProto"),
        6: _one("g", "GraphProto"),
        7: _list("floats", "fixed32"),
        8: _list("ints", "integer"),
        9: _list("strings", "bytes"),
        10: _many("tensors", "TensorProto"),
        11: _many("graphs", "GraphProto"),
        13: _drop("doc_string"),
        14: _drop("tp"),
        15: _drop("type_protos"),
        20: _integer("type"),
        21: _text("ref_attr_name"),
        22: _one("sparse_tensor", "SparseTensorProto"),
        23: _many("sparse_tensors", "SparseTensorProto"),
    },
    "FunctionProto": {
        1: _text("name"),
        4: _list("input", "text"),
        5: _list("output", "text"),
        6: _list("attribute", "text"),
        7: _many("node", "NodeProto"),
        8: _drop("doc_string"),
        9: _many("opset_import", "OperatorSetIdProto"),
        10: _text("domain"),
        11: _many("attribute_proto", "AttributeProto"),
        12: _drop("value_info"),
        13: _text("overload"),
        14: _drop("metadata_props"),
    },
    "TensorProto": {
        1: _list("dims", "integer"),
        2: _integer("data_type"),
        3: _one("segment", "Segment"),
        4: _list("float_data", "fixed32"),
        5: _list("int32_data", "integer"),
        6: _drop("string_data"),
        7: _list("int64_data", "integer"),
        8: _text("name"),
        9: Field(name="raw_data", kind="payload"),
        10: _list("double_data", "fixed64"),
        11: _list("uint64_data", "integer"),
        12: _drop("doc_string"),
        13: _many("external_data", "StringStringEntryProto"),
        14: _integer("data_location"),
        16: _drop("metadata_props"),
    },
    "Segment": {1: _integer("begin"), 2: _integer("end")},
    "SparseTensorProto": {
        1: _one("values", "TensorProto"),
        2: _one("indices", "TensorProto"),
        3: _list("dims", "integer"),
    },
    "ValueInfoProto": {
        1: _text("name"),
        2: _one("type", "TypeProto"),
        3: _drop("doc_string"),
        4: _drop("metadata_props"),
    },
    "TypeProto": {
        1: _one("tensor_type", "TensorTypeProto"),
        4: _drop("sequence_type"),
        5: _drop("map_type"),
        6: _drop("denotation"),
        7: _drop("opaque_type"),
        8: _drop("sparse_tensor_type"),
        9: _drop("optional_type"),
    },
    "TensorTypeProto": {1: _integer("elem_type"), 2: _one("shape", "TensorShapeProto")},
    "TensorShapeProto": {1: _many("dim", "Dimension")},
    "Dimension": {1: _integer("dim_value"), 2: _text("dim_param"), 3: _drop("denotation")},
    "OperatorSetIdProto": {1: _text("domain"), 2: _integer("version")},
    "StringStringEntryProto": {1: _text("key"), 2: _text("value")},
}
