"""Whatever a specification says, inferring gives an architecture that fits the tensors, or one of our refusals."""

import json
from contextlib import suppress

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from metagauge.architecture.architecture import Architecture
from metagauge.architecture.codec import to_json
from metagauge.architecture.coverage import coverage, parameters_of
from metagauge.architecture.infer import infer
from metagauge.architecture.layers import (
    Activation,
    Attention,
    Conv,
    GroupNorm,
    Linear,
    Pool,
    PositionTable,
    SelectToken,
    Tokens,
)
from metagauge.architecture.parameter import Parameter, Reshape, Slice, Transpose
from metagauge.architecture.resolve import resolve
from metagauge.errors import MetagaugeError
from tests.architecture.specified import checkpoint, operation

TENSORS = {
    "conv": np.ones((4, 3, 3, 3), np.float32),
    "norm": np.ones(4, np.float32),
    "qkv": np.ones((12, 4), np.float32),
    "out": np.ones((4, 4), np.float32),
    "table": np.ones((1, 4, 4), np.float32),
    "head": np.ones((4, 2), np.float32),
}
CHECKPOINT = checkpoint(TENSORS)


def part(number: int) -> Linear:
    view = Slice(axis=0, start=4 * number, stop=4 * number + 4)
    return Linear(weight=Parameter(tensor="qkv", views=(view,)))


SPECIFICATION = Architecture(
    input_shape=(3, 8, 8),
    operations=(
        operation(
            "conv",
            "input",
            Conv(weight=Parameter(tensor="conv"), stride=(2, 2), padding=((1, 1), (1, 1)), dilation=(1, 1)),
        ),
        operation("norm", "conv", GroupNorm(groups=2, scale=Parameter(tensor="norm"))),
        operation("act", "norm", Activation(function="gelu")),
        operation("pool", "act", Pool(reduction="max", kernel=(2, 2), stride=(2, 2), padding=((0, 0), (0, 0)))),
        operation("tokens", "pool", Tokens()),
        operation("table", "tokens", PositionTable(table=Parameter(tensor="table", views=(Reshape(shape=(4, 4)),)))),
        operation(
            "attend",
            "table",
            Attention(
                heads=2, query=part(0), key=part(1), value=part(2), output=Linear(weight=Parameter(tensor="out"))
            ),
        ),
        operation("act2", "attend", Activation(function="relu")),
        operation("token", "act2", SelectToken(index=0)),
        operation("head", "token", Linear(weight=Parameter(tensor="head", views=(Transpose(axes=(1, 0)),)))),
    ),
)
NUMBERS = (0, -1, 1, 2, 3, 5, 7, 10**6, 2**31, 2**63, -(2**63), 10**30, 0.5)
TEXTS = ("", "input", "conv", "head", "relu", "map", "sequence", "vector", "qkv", "missing")


def leaves(value, path=()):
    """Paths to every number and text of a JSON value, and to every list."""
    match value:
        case dict():
            for key, inner in value.items():
                yield from leaves(inner, (*path, key))
        case list():
            yield path
            for number, inner in enumerate(value):
                yield from leaves(inner, (*path, number))
        case _:
            yield path


def change(document: dict, path: tuple, draw) -> None:
    *steps, last = path
    place = document
    for step in steps:
        place = place[step]
    match place[last]:
        case str():
            place[last] = draw(st.sampled_from(TEXTS))
        case list() as values:
            index = draw(st.integers(0, len(values)))
            values[index : index + 1] = [values[0]] * draw(st.integers(0, 2)) if values else []
        case _:
            place[last] = draw(st.sampled_from(NUMBERS))


def use(architecture: Architecture) -> None:
    assert 0 <= coverage(architecture, CHECKPOINT) <= 1
    for parameter in parameters_of(architecture):
        assert resolve(parameter, CHECKPOINT).size > 0


def test_the_specification_that_is_changed_is_inferred():
    use(infer(CHECKPOINT, to_json(SPECIFICATION)))


@given(st.data())
def test_any_change_of_a_specification_is_settled(data):
    document = json.loads(to_json(SPECIFICATION))
    for _ in range(data.draw(st.integers(1, 3))):
        change(document, data.draw(st.sampled_from(list(leaves(document)))), data.draw)
    with suppress(MetagaugeError):
        use(infer(CHECKPOINT, json.dumps(document)))


@given(st.text(max_size=50) | st.recursive(st.none() | st.integers() | st.text(), st.lists).map(json.dumps))
def test_any_text_is_settled(sidecar):
    with suppress(MetagaugeError):
        use(infer(CHECKPOINT, sidecar))
