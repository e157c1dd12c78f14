"""An audit as a person reads it."""

from typing import assert_never

from rich.console import Group, RenderableType
from rich.text import Text

from metagauge.cli.audit.verdict import Audit, FileVerdict, Outcome
from metagauge.cli.terminal import plain


def as_text(audit: Audit) -> RenderableType:
    """One paragraph a file, then the outcome of all."""
    counts = ", ".join(
        f"{count} {outcome}" for outcome in Outcome if (count := sum(file.outcome is outcome for file in audit.files))
    )
    return Group(*(_file(file) for file in audit.files), Text.assemble(_badge(audit.outcome), f"  {counts}"))


def _file(verdict: FileVerdict) -> RenderableType:
    lines = [Text.assemble(_badge(verdict.outcome), "  ", plain(verdict.assessment.file, "bold"))]
    for check in verdict.checks:
        lines.append(Text.assemble("    ", _badge(check.outcome), f"  {check.demand}  ", plain(check.message)))
    return Group(*lines)


def _badge(outcome: Outcome) -> Text:
    match outcome:
        case Outcome.PASSED:
            return Text("passed", "bold green")
        case Outcome.FAILED:
            return Text("FAILED", "bold red")
        case Outcome.NOT_EVALUATED:
            return Text("not evaluated", "bold yellow")
        case Outcome.ABSTAINED:
            return Text("abstained", "cyan")
        case _:
            assert_never(outcome)
