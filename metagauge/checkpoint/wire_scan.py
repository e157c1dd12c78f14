"""A first walk over the protobuf bytes of an ONNX file that allocates nothing the file did not pay for.

A protobuf parser turns two bytes into a message object of two hundred, recurses as deep as the file says and copies
every weight. So the file is walked here first, against the schema: sizes, counts and nesting are checked, and what
comes out is the *skeleton*, the same model with each weight's bytes replaced by their place in the file.
"""

import struct
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from metagauge.checkpoint.limits import Limits
from metagauge.checkpoint.onnx_schema import SCHEMA, Field
from metagauge.errors import ArchitectureMismatchError, LimitExceededError, MalformedCheckpointError

MESSAGE_BYTES = 256
"""Memory of one parsed message, rounded up (155 for an empty node, 210 for an attribute in protobuf 7.36's upb)."""
_FIELD_BYTES = 16
_ELEMENT_BYTES = 8

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_WIRE_TYPES: Mapping[str, int] = {"integer": _VARINT, "fixed32": _FIXED32, "fixed64": _FIXED64}
_PACKED_KINDS = frozenset(_WIRE_TYPES)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where in the file the bytes of a weight are."""

    begin: int
    size: int

    def packed(self) -> bytes:
        """The place as the 16 bytes which stand in a skeleton instead of the weight."""
        return struct.pack("<QQ", self.begin, self.size)

    @classmethod
    def unpacked(cls, content: bytes) -> "Place":
        """The inverse of `packed`."""
        begin, size = struct.unpack("<QQ", content)
        return cls(begin=begin, size=size)


@dataclass(frozen=True, slots=True, kw_only=True)
class Skeleton:
    """A model whose `raw_data` fields hold packed places, and what was met on the way."""

    model: bytes
    unknown_fields: int
    """Fields of no known number, left out of `model`."""
    unknown_bytes: int
    nodes: int


def scan(content: memoryview, limits: Limits) -> Skeleton:
    """The skeleton of the ModelProto in `content`.

    Raises:
        MalformedCheckpointError: the bytes are cut, or are no protobuf message of ONNX.
        LimitExceededError: nesting, nodes, tensors or the memory of the parsed messages are above `limits`.
        ArchitectureMismatchError: a part that a model has once occurs twice, which parsers would merge in silence.
    """
    walk = _Walk(content=content, limits=limits)
    model = walk.message("ModelProto", 0, len(content), 0)
    return Skeleton(
        model=bytes(model),
        unknown_fields=walk.unknown_fields,
        unknown_bytes=walk.unknown_bytes,
        nodes=walk.messages["NodeProto"],
    )


@dataclass(slots=True, kw_only=True)
class _Walk:
    """The walk's counters. `expanded` estimates the memory of the parsed skeleton."""

    content: memoryview
    limits: Limits
    messages: Counter[str] = field(default_factory=Counter)
    expanded: int = 0
    unknown_fields: int = 0
    unknown_bytes: int = 0

    def message(self, name: str, begin: int, end: int, depth: int) -> bytearray:
        """The skeleton of message `name` at `begin` to `end`."""
        self._count(name, depth)
        schema, skeleton, seen = SCHEMA[name], bytearray(), set[int]()
        position = begin
        while position < end:
            start = position
            tag, position = self._varint(position, end)
            number, wire_type = tag >> 3, tag & 7
            place, position = self._extent(wire_type, position, end, name)
            known = schema.get(number)
            self._expand(known, wire_type, place)
            if known is None:
                self._count_unknown(number, position - start, name)
            elif known.kind != "dropped":
                self._check(known, number, wire_type, seen, name)
                kept = self._kept(known, place, depth, name)
                skeleton += _varint(tag)
                if wire_type == _BYTES:
                    skeleton += _varint(len(kept))
                skeleton += kept
        return skeleton

    def _kept(self, known: Field, place: Place, depth: int, name: str) -> bytes | bytearray | memoryview:
        """What stands for the content of a field in the skeleton."""
        begin, end = place.begin, place.begin + place.size
        match known.kind:
            case "message":
                return self.message(known.message, begin, end, depth + 1)
            case "payload":
                return place.packed()
            case "text":
                try:
                    str(self.content[begin:end], "utf-8")
                except UnicodeDecodeError as error:
                    raise MalformedCheckpointError(f"{name}.{known.name} at byte {begin} is not UTF-8") from error
        return self.content[begin:end]

    def _count(self, name: str, depth: int) -> None:
        if depth > self.limits.nesting:
            raise LimitExceededError(f"the protobuf messages nest deeper than the limit of {self.limits.nesting}")
        self.messages[name] += 1
        if self.messages["NodeProto"] > self.limits.nodes:
            raise LimitExceededError(f"the model has more nodes than the limit of {self.limits.nodes}")
        if self.messages["TensorProto"] > self.limits.tensors:
            raise LimitExceededError(f"the model has more tensors than the limit of {self.limits.tensors}")
        self.expanded += MESSAGE_BYTES

    def _expand(self, known: Field | None, wire_type: int, place: Place) -> None:
        # Fields that are not kept count as well: reading over them takes time.
        self.expanded += _FIELD_BYTES
        if known is not None and known.kind == "integer" and wire_type == _BYTES:
            self.expanded += (_ELEMENT_BYTES - 1) * place.size
        if self.expanded > self.limits.expanded_bytes:
            message = f"parsing the model would take more than {self.limits.expanded_bytes} bytes beside its weights"
            raise LimitExceededError(message)

    def _count_unknown(self, number: int, size: int, name: str) -> None:
        if number == 0:
            raise MalformedCheckpointError(
                f"{name} holds field number 0, which protobuf does not have: not an ONNX model"
            )
        self.unknown_fields += 1
        self.unknown_bytes += size

    def _check(self, known: Field, number: int, wire_type: int, seen: set[int], name: str) -> None:
        expected = _WIRE_TYPES.get(known.kind, _BYTES)
        is_packed = known.repeated and wire_type == _BYTES and known.kind in _PACKED_KINDS
        if wire_type != expected and not is_packed:
            raise MalformedCheckpointError(f"{name}.{known.name} has protobuf wire type {wire_type}, not {expected}")
        if known.kind in ("message", "payload") and not known.repeated:
            if number in seen:
                hint = "; are these two models, one after the other?" if known.name == "graph" else ""
                raise ArchitectureMismatchError(f"{name}.{known.name} occurs twice where one is allowed{hint}")
            seen.add(number)

    def _extent(self, wire_type: int, position: int, end: int, name: str) -> tuple[Place, int]:
        """Where the field's content is, and where the next field begins."""
        size = 0
        match wire_type:
            case 0:
                _, after = self._varint(position, end)
                return Place(begin=position, size=after - position), after
            case 1:
                size = 8
            case 2:
                size, position = self._varint(position, end)
            case 5:
                size = 4
            case _:
                message = f"{name} holds protobuf wire type {wire_type} at byte {position}: not an ONNX model"
                raise MalformedCheckpointError(message)
        if size > end - position:
            message = f"{name} claims {size} bytes at byte {position}, where {end - position} are left: cut short?"
            raise MalformedCheckpointError(message)
        return Place(begin=position, size=size), position + size

    def _varint(self, position: int, end: int) -> tuple[int, int]:
        content, value, shift = self.content, 0, 0
        while position < end:
            byte = content[position]
            position += 1
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value, position
            shift += 7
            if shift > 63:
                raise MalformedCheckpointError(f"the varint before byte {position} is longer than ten bytes")
        raise MalformedCheckpointError(f"the file ends inside a varint at byte {position}: cut short?")


def _varint(value: int) -> bytes:
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)
