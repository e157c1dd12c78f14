"""Writing to people and to pipes. Results go to stdout, progress and errors to stderr."""

import sys

from rich.console import Console
from rich.text import Text


def out() -> Console:
    """Where results go. Wide enough not to wrap when nobody looks at it."""
    return Console(file=sys.stdout, width=None if sys.stdout.isatty() else 160, highlight=False)


def err() -> Console:
    """Where progress and errors go."""
    return Console(file=sys.stderr, highlight=False, soft_wrap=True)


def plain(text: str, style: str = "") -> Text:
    """`text` as it reads: no markup, and characters that would steer the terminal written out.

    Names in a checkpoint are a stranger's; an escape sequence among them must not reach the terminal.
    """
    return Text("".join(letter if letter.isprintable() else f"\\x{ord(letter):02x}" for letter in text), style=style)


def complain(message: str) -> None:
    """One error for the user."""
    err().print(Text.assemble(("metagauge: ", "bold red"), plain(message)))


def write_line(text: str) -> None:
    """Machine-readable output: exactly `text` and a line feed."""
    sys.stdout.write(text + "\n")
