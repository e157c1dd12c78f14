"""The formats an audit can be written in: a member here, a case in `write` and a file `as_<format>.py` each."""

from enum import StrEnum
from typing import assert_never

from metagauge.cli.audit.as_json import as_json
from metagauge.cli.audit.as_text import as_text
from metagauge.cli.audit.verdict import Audit
from metagauge.cli.terminal import out, write_line


class OutputFormat(StrEnum):
    """By its name on the command line."""

    TEXT = "text"
    JSON = "json"


def write(audit: Audit, output_format: OutputFormat) -> None:
    """Writes `audit` to stdout."""
    match output_format:
        case OutputFormat.TEXT:
            out().print(as_text(audit))
        case OutputFormat.JSON:
            write_line(as_json(audit))
        case _:
            assert_never(output_format)
