"""Operators that generate text with a network they hold (com.microsoft): the network is what counts."""

from collections.abc import Iterator

import numpy as np

from metagauge.architecture.attributes import integer
from metagauge.architecture.tracing.body import inline
from metagauge.architecture.tracing.constants import READ_LIMIT
from metagauge.architecture.tracing.reshaping import concatenated
from metagauge.architecture.tracing.states import Inputs, Numbers, Sequence, State, Tensorlike, required, shape_of
from metagauge.architecture.tracing.tracing import Registry, Tracing
from metagauge.checkpoint.program import Body, Node, Port
from metagauge.errors import ArchitectureMismatchError, StructureNotInferableError

_NAMES = ("BeamSearch", "GreedySearch", "Sampling", "WhisperBeamSearch")


def generate(tracing: Tracing, node: Node, inputs: Inputs) -> tuple[State | None, ...]:
    """The scores of the network for the next words, which stand for the words that are searched with them.

    A decoder alone reads the words. Where another body comes first, that one reads them, and the decoder goes on from
    what it gives with one more word; the scores of both stand one behind the other.
    """
    words = required(inputs, 0)
    decoder = node.bodies.get("decoder")
    if decoder is None:
        raise ArchitectureMismatchError("it has no decoder")
    about = f"{node.operator} is left out: the scores of the network it searches with are the output"
    if "encoder" in node.bodies:
        first = node.bodies["encoder"]
        given = list(_encoder_inputs(node, first, words))
    else:
        first = node.bodies.get("init_decoder", decoder)
        given = list(_decoder_inputs(first, words))
    found = _tensors(inline(tracing, first, given))
    tracing.assumed[about] = None
    if first is decoder:
        return _result(node, found[0])
    states = inline(tracing, decoder, list(_continued(tracing, node, decoder, words, dict(_named(first, found)))))
    return _result(node, _joined(tracing, [*_scores(first, found), _tensors(states)[0]]))


def _result(node: Node, scores: Tensorlike) -> tuple[State | None, ...]:
    """The first output are the words; what else the search tells of them depends on the same scores."""
    return (scores,) * len(node.outputs)


def _encoder_inputs(node: Node, encoder: Body, words: Tensorlike) -> Iterator[State]:
    """What is read, a mask of ones, and the word that decoding starts with."""
    batch, tokens = shape_of(words)[0], shape_of(words)[-1]
    for place, port in enumerate(encoder.inputs):
        if place == 0:
            yield words
        elif "mask" in port.name:
            yield _ones(batch, tokens)
        else:
            start = integer(node, "decoder_start_token_id", 0)
            yield Numbers(array=start * _ones(batch, 1).array)


def _decoder_inputs(body: Body, words: Tensorlike) -> Iterator[State]:
    """Words, their positions, a mask of ones, and no past."""
    batch, tokens = shape_of(words)
    mask = _ones(batch, tokens)
    begun = (words, Numbers(array=np.arange(tokens, dtype=np.int64).reshape(1, tokens)), mask)
    yield from begun[: len(body.inputs)]
    for port in body.inputs[3:]:
        yield _nothing(port, batch)


def _continued(
    tracing: Tracing, node: Node, decoder: Body, words: Tensorlike, found: dict[str, Tensorlike]
) -> Iterator[State]:
    """One more word, and what was remembered of those before; `found` is what the first body gives, by its names."""
    batch, tokens = shape_of(words)[0], shape_of(words)[-1]
    of_encoder = "encoder" in node.bodies
    remembered = {
        is_cross: [state for name, state in found.items() if "present" in name and ("cross" in name) == is_cross]
        for is_cross in (False, True)
    }
    for place, port in enumerate(decoder.inputs):
        is_cross = "cross" in port.name
        if place == 0:
            yield tracing.given("next_word", (batch, 1), "int")
        elif "mask" in port.name:
            yield _ones(batch, tokens if of_encoder else tokens + 1)
        elif "position" in port.name:
            yield Numbers(array=tokens * _ones(batch, 1).array)
        elif "hidden" in port.name:
            yield _hidden(found)
        elif remembered[is_cross]:
            yield remembered[is_cross].pop(0)
        else:
            yield _nothing(port, batch)


def _hidden(found: dict[str, Tensorlike]) -> Tensorlike:
    for name, state in found.items():
        if "hidden" in name:
            return state
    raise ArchitectureMismatchError("its decoder reads what the encoder sees, and the encoder does not give it")


def _named(body: Body, states: list[Tensorlike]) -> Iterator[tuple[str, Tensorlike]]:
    for port, state in zip(body.outputs, states, strict=True):
        yield port.name, state


def _scores(body: Body, states: list[Tensorlike]) -> list[Tensorlike]:
    """The scores that a first body gives; newer encoders give none."""
    return [state for name, state in _named(body, states) if "logits" in name][:1]


def _joined(tracing: Tracing, scores: list[Tensorlike]) -> Tensorlike:
    """Scores (batch, tokens, words), one behind the other."""
    shapes = [shape_of(each) for each in scores]
    if len(scores) > 1 and all(len(shape) == 3 and shape[2] == shapes[0][2] for shape in shapes):
        return concatenated(tracing, tuple(scores), 1)
    return scores[-1]


def _ones(batch: int, tokens: int) -> Numbers:
    if batch * tokens > READ_LIMIT:
        raise StructureNotInferableError(f"it reads {batch} times {tokens} words")
    return Numbers(array=np.ones((batch, tokens), dtype=np.int64))


def _nothing(port: Port, batch: int) -> Numbers:
    """What is remembered before the first word: a value without elements."""
    if port.shape is None:
        raise StructureNotInferableError(f"the shape of {port.name!r} is not known")
    sizes = [0 if size is None else size for size in port.shape]
    if sizes.count(0) > 1:
        sizes[sizes.index(0)] = batch
    if sum(size > 0 for size in sizes) == len(sizes):
        raise StructureNotInferableError(f"{port.name!r} has a fixed size, so it cannot be empty")
    return Numbers(array=np.zeros(sizes, dtype=np.float32))


def _tensors(states: list[State]) -> list[Tensorlike]:
    found = [state for state in states if not isinstance(state, Sequence)]
    if len(found) < len(states) or not found:
        raise StructureNotInferableError("its network gives lists of tensors, or nothing")
    return found


OPERATORS: Registry = {("com.microsoft", name): generate for name in _NAMES}
