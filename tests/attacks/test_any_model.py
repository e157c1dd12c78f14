"""A valid ONNX model with fields set at random is read, or refused with one of our errors.

Changed bytes seldom get past the scan; changed fields make models that parse and then say odd things.
"""

from collections.abc import Iterator
from contextlib import suppress
from random import Random

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from hypothesis import given
from hypothesis import strategies as st
from onnx import ModelProto, TensorProto, helper

from metagauge.architecture.infer import infer
from metagauge.checkpoint.limits import Limits
from metagauge.checkpoint.onnx_file import read_onnx
from metagauge.errors import MetagaugeError
from tests.attacks.test_any_bytes import ONNX, use
from tests.checkpoint.onnx_models import gemm, model, weight

LIMITS = Limits(expanded_bytes=2**24)
MODEL = ModelProto.FromString(ONNX)
NETWORK = model(
    [
        helper.make_node("Conv", ["x", "k"], ["c"], pads=[1, 1, 1, 1], strides=[2, 2]),
        helper.make_node("BatchNormalization", ["c", "b", "b", "b", "b"], ["n"]),
        helper.make_node("Relu", ["n"], ["r"]),
        helper.make_node("Add", ["c", "r"], ["a"]),
        helper.make_node("GlobalAveragePool", ["a"], ["p"]),
        helper.make_node("Flatten", ["p"], ["f"]),
        gemm("f"),
    ],
    [weight(), weight("k", (4, 3, 3, 3)), weight("b", (4,))],
)
NETWORK.graph.input[0].CopyFrom(helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, 8, 8]))
NAMES = ("", "x", "h", "w", "c", "s", "t", "inner", "F", "f", "Constant", "If", "Conv", "Add", "value", "ai.onnx")
NUMBERS = (0, 1, -1, 2, 3, 10, 16, 23, 24, 2**31 - 1, -(2**31), 2**40, 2**62, -(2**63), 2**63 - 1)


def messages(message: Message) -> Iterator[Message]:
    yield message
    for field, value in message.ListFields():
        if field.type == FieldDescriptor.TYPE_MESSAGE:
            for part in value if field.is_repeated else [value]:
                yield from messages(part)


def odd_value(field: FieldDescriptor, random: Random):
    match field.type:
        case FieldDescriptor.TYPE_STRING:
            return random.choice(NAMES)
        case FieldDescriptor.TYPE_BYTES:
            return random.choice([b"", b"\xff\xfe", bytes(4), bytes(48)])
        case FieldDescriptor.TYPE_FLOAT | FieldDescriptor.TYPE_DOUBLE:
            return random.choice([0.0, 1e30, float("nan"), float("inf")])
        case FieldDescriptor.TYPE_ENUM:
            return random.choice([value.number for value in field.enum_type.values])
        case FieldDescriptor.TYPE_INT32:
            return max(-(2**31), min(2**31 - 1, random.choice(NUMBERS)))
        case FieldDescriptor.TYPE_UINT64:
            return abs(random.choice(NUMBERS))
        case _:
            return random.choice(NUMBERS)


def change(message: Message, random: Random, original: ModelProto) -> None:
    """Sets, adds, removes or swaps one field of `message`; what is added comes from `original`."""
    field = random.choice(list(message.DESCRIPTOR.fields))
    donors = [part for part in messages(original) if field.message_type == part.DESCRIPTOR]
    if field.is_repeated:
        values = getattr(message, field.name)
        if len(values) and random.random() < 0.5:
            del values[random.randrange(len(values))]
        elif field.type == FieldDescriptor.TYPE_MESSAGE:
            values.add().CopyFrom(random.choice(donors)) if donors else values.add()
        else:
            values.append(odd_value(field, random))
    elif field.type != FieldDescriptor.TYPE_MESSAGE:
        setattr(message, field.name, odd_value(field, random))
    elif donors and random.random() < 0.7:
        getattr(message, field.name).CopyFrom(random.choice(donors))
    else:
        message.ClearField(field.name)


def changed(original: ModelProto, random: Random, changes: int) -> memoryview:
    proto = ModelProto()
    proto.CopyFrom(original)
    for _ in range(changes):
        change(random.choice(list(messages(proto))), random, original)
    return memoryview(proto.SerializeToString())


RANDOMS = st.randoms(use_true_random=False)


@given(RANDOMS, st.integers(1, 4))
def test_any_change_of_a_models_fields_is_settled(random, changes):
    with suppress(MetagaugeError):
        use(read_onnx(changed(MODEL, random, changes), LIMITS))


def test_the_network_that_is_changed_is_inferred():
    assert infer(read_onnx(memoryview(NETWORK.SerializeToString()), LIMITS), None).provenance.rung == "graph"


@given(RANDOMS, st.integers(1, 3))
def test_any_change_of_a_networks_fields_is_inferred_or_refused(random, changes):
    with suppress(MetagaugeError):
        infer(read_onnx(changed(NETWORK, random, changes), LIMITS), None)
