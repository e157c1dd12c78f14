"""What became of one file: a graph, or a refusal by its code."""

from dataclasses import dataclass

from pydantic import TypeAdapter

GRAPH = "graph"
"""The verdict on a file that became a parameter graph; every other verdict is the code of an error."""
FAULT = "fault"
"""The verdict where our own code failed: an exception that is not in the tree of errors, or a process that died."""
TIMEOUT = "timeout"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """A verdict, and how far the file got. What was not reached is empty."""

    verdict: str
    message: str = ""
    rules: tuple[str, ...] = ()
    """Of the findings."""
    parameters: int = 0
    form: str = ""
    """`layers` or `dataflow`."""
    rung: str = ""
    coverage: float = 0.0
    unsupported: tuple[str, ...] = ()
    """Operators by name, each once."""
    unused: int = 0
    """Tensors that are named among what is unsupported."""
    groups: int = 0
    blocks: int = 0
    digest: str = ""
    seconds: float = 0.0
    peak_mib: float = 0.0
    """Above what the process held before it opened the file."""

    @property
    def is_graph(self) -> bool:
        """Whether a parameter graph came out."""
        return self.verdict == GRAPH


ADAPTER = TypeAdapter(Outcome)
