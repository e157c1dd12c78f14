"""An inspection as a program reads it."""

from dataclasses import dataclass

from pydantic import TypeAdapter

from metagauge.cli.inspection.comparison import Comparison
from metagauge.cli.inspection.inspection import Inspection


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """What `inspect --json --compare` prints."""

    inspection: Inspection
    comparison: Comparison


_INSPECTION = TypeAdapter(Inspection)
_COMPARED = TypeAdapter(Compared)


def as_json(found: Inspection, compared: Comparison | None) -> str:
    """The inspection; beside the comparison if there is one."""
    if compared is None:
        return _INSPECTION.dump_json(found, indent=2).decode()
    return _COMPARED.dump_json(Compared(inspection=found, comparison=compared), indent=2).decode()
