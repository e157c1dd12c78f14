"""An audit as JSON, for programs."""

from pydantic import TypeAdapter

from metagauge.cli.audit.verdict import Audit

_ADAPTER = TypeAdapter(Audit)


def as_json(audit: Audit) -> str:
    """The audit with every report in it."""
    return _ADAPTER.dump_json(audit, indent=2).decode()
