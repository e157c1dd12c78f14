"""torch's nn.RNN, nn.GRU and nn.LSTM, alone or with a table of tokens before and one linear layer behind."""

import re
from typing import Literal

from metagauge.architecture.templates.names.hints import Hints
from metagauge.architecture.templates.names.listing import Listing
from metagauge.architecture.templates.vision.parts import Linear, Part, Plan
from metagauge.architecture.templates.vision.token_parts import Embedding, Recurrent, SelectToken

_INPUT = re.compile(r"(?:(?P<name>.+)\.)?weight_ih_l0")
_STEPS = 6
_LAYERS = 256


def recurrent(listing: Listing, hints: Hints) -> Plan | str | None:
    """A recurrent network; what reads its states is assumed to read the last."""
    found = [match for name in listing.shapes if (match := _INPUT.fullmatch(name))]
    if not found:
        return None
    if len(found) > 1:
        return "it has several, and their order is not known"
    name = found[0]["name"] or ""
    dot = f"{name}." if name else ""
    own = {other for other in listing.shapes if re.fullmatch(re.escape(dot) + r"(?:weight|bias)_\w+", other)}
    if any(other.startswith(f"{dot}weight_hr") for other in own):
        return "its states are projected (proj_size), which the operator of ONNX it is written with cannot say"
    layers = 0
    while f"{dot}weight_ih_l{layers}" in own:
        layers += 1
    if layers > _LAYERS:
        return f"it has {layers} layers; the limit is {_LAYERS}"
    cell = _cell(listing, dot)
    if cell is None or len(listing.shape(f"{dot}weight_ih_l0")) != 2:
        return f"{dot}weight_hh_l0 {list(listing.shape(f'{dot}weight_hh_l0'))} has not the gates of a known cell"
    parts: list[Part] = [Recurrent(name=name, suffix=f"_l{number}", cell=cell) for number in range(layers)]
    assumed = ["the nonlinearity is tanh, nn.RNN's default"] if cell == "rnn" else []
    if layers > 1 or hints.steps is None:
        assumed.append(f"a sequence of {hints.steps or _STEPS} steps; the weights do not depend on it")
    inputs = listing.shape(f"{dot}weight_ih_l0")[1]
    others = sorted({other.rpartition(".")[0] for other in listing.shapes if other not in own})
    table = [other for other in others if listing.shape(f"{other}.weight")[1:] == (inputs,) and "emb" in other.lower()]
    behind = [other for other in others if other not in table]
    if len(table) > 1 or len(behind) > 1:
        return f"the order of {', '.join(repr(other[:60]) for other in others)} around it is not known"
    if behind:
        tokens = {"first": SelectToken(index=0), "mean": SelectToken()}
        parts += [tokens.get(hints.pooling or "last", SelectToken(index=-1)), Linear(name=behind[0])]
        if hints.pooling is None:
            assumed.append(f"{behind[0]!r} reads the states of the last step")
    shape: tuple[int, ...] = (hints.steps or _STEPS, inputs)
    if table:
        parts.insert(0, Embedding(tensor=f"{table[0]}.weight"))
        assumed.append(f"{table[0]!r} is the table of tokens that it reads")
        shape = shape[:1]
    return Plan(
        family=f"torch's nn.{cell.upper()}",
        input_shape=shape,
        layout="last",
        dtype="I64" if table else "F32",
        parts=tuple(parts),
        assumed=tuple(assumed),
    )


def _cell(listing: Listing, dot: str) -> Literal["rnn", "gru", "lstm"] | None:
    """By the number of gates: rows of a matrix of states over its columns."""
    shape = listing.shape(f"{dot}weight_hh_l0")
    if len(shape) != 2 or shape[1] < 1 or shape[0] % shape[1]:
        return None
    match shape[0] // shape[1]:
        case 1:
            return "rnn"
        case 3:
            return "gru"
        case 4:
            return "lstm"
        case _:
            return None
