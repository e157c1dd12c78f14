"""The colours of arrows: one for each kind of role."""

from typing import assert_never

from metagauge.graph.parameter_graph import Role

LINEAR = "linear"
CONVOLUTION = "convolution"
ATTENTION = "attention"
TABLE = "table, norm, bias"
RECURRENT = "recurrent"
WIRING = "wiring"

COLOURS = {
    LINEAR: "#0969da",
    CONVOLUTION: "#bf5700",
    ATTENTION: "#8250df",
    TABLE: "#1a7f37",
    RECURRENT: "#a40e26",
    WIRING: "#6e7781",
}
"""By meaning, in the order of the legend; dark enough to be read on white."""


def colour_of(role: Role) -> str:
    """The colour of a block's arrow."""
    return COLOURS[_meaning(role)]


def _meaning(role: Role) -> str:
    match role:
        case "linear":
            return LINEAR
        case "conv":
            return CONVOLUTION
        case "query" | "key" | "value" | "attention_output":
            return ATTENTION
        case "bias" | "norm_scale" | "norm_shift" | "position" | "token" | "scale" | "embedding":
            return TABLE
        case "recurrent_input" | "recurrent_state" | "recurrent_bias" | "peephole":
            return RECURRENT
        case "residual" | "attend" | "head" | "operand" | "wire" | "member":
            return WIRING
        case _:
            assert_never(role)
