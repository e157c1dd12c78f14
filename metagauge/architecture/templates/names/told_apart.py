"""Modules whose tensors are known and whose network is not: a refusal that says so is of more use than none."""

from collections.abc import Mapping

from metagauge.architecture.templates.names.hints import Hints
from metagauge.architecture.templates.names.listing import Listing
from metagauge.architecture.templates.vision.parts import Plan

_GRAPH = "its layers pass messages along edges, and neither the edges nor what is between the layers is in the names"
_CELL = "how often and on what its recurrent cell is applied is in the code around it, and not in the names"
_REASONS: Mapping[str, str] = {
    ".att_src": _GRAPH,
    ".att_dst": _GRAPH,
    ".lin_l.weight": _GRAPH,
    ".lin_rel.weight": _GRAPH,
    ".lin_src.weight": _GRAPH,
    ".weight_ih": _CELL,
}
"""By how the name of a tensor ends: layers of PyTorch Geometric, and torch's cells."""


def told_apart(listing: Listing, hints: Hints) -> Plan | str | None:
    """Why the network cannot be known, if it has such modules."""
    for name in listing.shapes:
        reason = next((reason for end, reason in _REASONS.items() if name.endswith(end)), "")
        if reason:
            return reason
    return None
