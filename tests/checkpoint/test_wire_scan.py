"""The scan's skeleton says what the file says, and its schema what ONNX says."""

import onnx
from google.protobuf.descriptor import FieldDescriptor

from metagauge.checkpoint.limits import Limits
from metagauge.checkpoint.onnx_schema import SCHEMA
from metagauge.checkpoint.wire_scan import Place, scan
from tests.checkpoint.onnx_models import linear

KINDS = {
    FieldDescriptor.TYPE_STRING: {"text"},
    FieldDescriptor.TYPE_BYTES: {"bytes", "payload"},
    FieldDescriptor.TYPE_MESSAGE: {"message"},
    FieldDescriptor.TYPE_INT64: {"integer"},
    FieldDescriptor.TYPE_UINT64: {"integer"},
    FieldDescriptor.TYPE_INT32: {"integer"},
    FieldDescriptor.TYPE_ENUM: {"integer"},
    FieldDescriptor.TYPE_FLOAT: {"fixed32"},
    FieldDescriptor.TYPE_DOUBLE: {"fixed64"},
}
NESTED = {
    "Segment": onnx.TensorProto.Segment,
    "TensorTypeProto": onnx.TypeProto.Tensor,
    "Dimension": onnx.TensorShapeProto.Dimension,
}


def descriptor(name: str):
    return (NESTED.get(name) or getattr(onnx, name)).DESCRIPTOR


def test_the_schema_knows_every_field_of_the_installed_onnx_by_its_number_and_kind():
    for name, fields in SCHEMA.items():
        theirs = {field.number: field for field in descriptor(name).fields}
        assert fields.keys() >= theirs.keys(), name
        for number in fields.keys() & theirs.keys():
            ours, other = fields[number], theirs[number]
            assert ours.name == other.name
            if ours.kind != "dropped":
                assert ours.kind in KINDS[other.type], f"{name}.{ours.name}"
                assert ours.repeated == other.is_repeated, f"{name}.{ours.name}"
            if ours.kind == "message":
                assert descriptor(ours.message) == other.message_type


def test_the_skeleton_is_the_model_with_places_instead_of_weights():
    proto = linear()
    content = proto.SerializeToString()
    skeleton = onnx.ModelProto.FromString(scan(memoryview(content), Limits()).model)
    tensor = skeleton.graph.initializer[0]
    place = Place.unpacked(tensor.raw_data)
    assert content[place.begin : place.begin + place.size] == proto.graph.initializer[0].raw_data
    tensor.raw_data = proto.graph.initializer[0].raw_data
    assert skeleton == proto


def test_the_skeleton_does_not_grow_with_the_weights():
    proto = linear()
    before = len(scan(memoryview(proto.SerializeToString()), Limits()).model)
    proto.graph.initializer[0].raw_data = bytes(10_000_000)
    after = len(scan(memoryview(proto.SerializeToString()), Limits()).model)
    assert after == before
