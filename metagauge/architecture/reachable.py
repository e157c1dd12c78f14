"""What of an architecture its output depends on."""

from dataclasses import replace

from metagauge.architecture.architecture import Architecture


def reachable(architecture: Architecture) -> Architecture:
    """The architecture without the operations that do not reach its output."""
    needed: set[str] = set()
    kept = []
    for number, operation in enumerate(reversed(architecture.operations)):
        if number == 0 or operation.name in needed:
            kept.append(operation)
            needed.update(operation.inputs)
    return replace(architecture, operations=tuple(reversed(kept)))
