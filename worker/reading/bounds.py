"""What the reading child may use, set by itself before it opens the file."""

import resource
import signal
from dataclasses import dataclass
from pathlib import Path

MIB = 1024**2


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """Limits of one child. Memory is on top of what the process has mapped when it starts."""

    memory_bytes: int
    written_bytes: int
    cpu_s: int
    deadline_s: float
    open_files: int = 64


def bounds_for(size_bytes: int, *, expanded_bytes: int, deadline_s: float) -> Bounds:
    """Bounds that grow with the file.

    A parsed ONNX file is in memory as bytes, as protobuf and as the arrays that are written out: four times its size
    with room to spare, and what the reader lets it expand to.
    """
    return Bounds(
        memory_bytes=512 * MIB + 4 * size_bytes + expanded_bytes,
        written_bytes=64 * MIB + 2 * size_bytes + expanded_bytes,
        cpu_s=int(deadline_s) + 1,
        deadline_s=deadline_s,
    )


def restrict(bounds: Bounds) -> None:
    """Puts the bounds on this process."""
    mapped = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    _lower(resource.RLIMIT_AS, mapped + bounds.memory_bytes)
    _lower(resource.RLIMIT_CPU, bounds.cpu_s)
    _lower(resource.RLIMIT_FSIZE, bounds.written_bytes)
    _lower(resource.RLIMIT_NOFILE, bounds.open_files)
    _lower(resource.RLIMIT_CORE, 0)
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)  # Python ignores it and raises OSError, which says less
    # Should the parent die, nobody is left to keep the deadline: the alarm's default is to end the process.
    signal.setitimer(signal.ITIMER_REAL, bounds.deadline_s + 1)


def _lower(kind: int, value: int) -> None:
    _, hard = resource.getrlimit(kind)
    bound = value if hard == resource.RLIM_INFINITY else min(value, hard)
    resource.setrlimit(kind, (bound, bound))
