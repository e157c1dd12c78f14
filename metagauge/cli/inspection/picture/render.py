"""Has Graphviz lay out a graph: `python -m metagauge.cli.inspection.picture.render` turns DOT into SVG.

Graphviz is C code that is given a stranger's names, and a layout may take for ever, so it runs in a process of its own.
"""

import subprocess
import sys
from importlib.util import find_spec

from metagauge.errors import ExtraMissingError, LimitExceededError

DEADLINE_S = 120.0


def svg(dot: str, deadline_s: float = DEADLINE_S) -> bytes:
    """The drawing of a graph in the DOT language.

    Raises:
        ExtraMissingError: Graphviz is not installed here.
        LimitExceededError: the layout took longer than its deadline, or its process died.
    """
    if find_spec("pygraphviz") is None:
        raise ExtraMissingError(
            "drawing here needs pygraphviz: pip install '.[draw]' in a clone of Metagauge, or write to a .dot file"
        )
    command = [sys.executable, "-m", __name__]
    try:
        done = subprocess.run(command, input=dot.encode(), capture_output=True, timeout=deadline_s, check=True)
    except subprocess.TimeoutExpired as error:
        message = f"laying the graph out took longer than {deadline_s:g} s; write it to a .dot file instead"
        raise LimitExceededError(message) from error
    except subprocess.CalledProcessError as error:
        last = error.stderr.decode(errors="replace").strip().splitlines()[-1:]
        raise LimitExceededError(f"Graphviz could not draw the graph: {' '.join(last)}") from error
    return done.stdout


def main() -> None:
    """From standard input to standard output."""
    from pygraphviz import AGraph  # noqa: PLC0415 - only in this process

    drawn = AGraph(string=sys.stdin.buffer.read().decode()).draw(format="svg", prog="dot")
    sys.stdout.buffer.write(drawn or b"")


if __name__ == "__main__":
    main()
