"""A job and its report as a person reads them in a terminal."""

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from metagauge.cli.grounds_view import grounds, nearest_view
from metagauge.cli.terminal import plain
from metagauge.contract import Estimate, FindingMessage, Job, Report

_RUNGS = {
    "declared": "declared: the specification that came with the checkpoint",
    "config": "config: config.json and the template of its family",
    "graph": "graph: the program in the file",
    "template": "template: names and shapes that only one family has",
    "chain": "chain: one numbered chain of layers that fit each other",
}
LEVEL_STYLES = {"note": "cyan", "warning": "yellow", "error": "red"}


def job_view(job: Job) -> RenderableType:
    """Everything there is to say about `job`."""
    head = Text.assemble(plain(job.filename, "bold"), f"  {job.status}", "  (cached)" if job.cached else "")
    files = f" in {len(job.files)} files" if job.files else ""
    about = f"job {job.id}, {job.size_bytes:,} bytes{files}, sha256 {job.sha256}"
    parts: list[RenderableType] = [head, Text(about, "dim")]
    if job.problem is not None:
        parts.append(Text.assemble((job.problem.code, "bold red"), ": ", plain(job.problem.detail)))
    elif job.report is not None:
        parts.append(report_view(job.report))
    else:
        parts.append(Text(f"{job.stage or 'waiting'}, {job.progress:.0%}"))
    return Group(*parts)


def report_view(report: Report) -> RenderableType:
    """Predictions or the reasons for none, then the structure and the findings."""
    parts = [_predictions(report)]
    if report.domain.nearest:
        parts.append(nearest_view(report.domain.nearest))
    parts.append(_structure(report))
    if report.findings:
        parts.append(findings_view(report.findings))
    return Group(*parts)


def findings_view(findings: tuple[FindingMessage, ...]) -> RenderableType:
    """Findings, one a line."""
    table = Table(box=None, padding=(0, 2, 0, 0), title="Findings", title_justify="left")
    for column in ("level", "rule", "layer", "what"):
        table.add_column(column, overflow="fold")
    for finding in findings:
        level = Text(finding.level, LEVEL_STYLES.get(finding.level, ""))
        table.add_row(level, plain(finding.rule), plain(finding.layer or ""), plain(finding.message))
    return table


def interval_text(estimate: Estimate) -> str:
    """Such as `61.2 %  (57.1 to 64.8 %, nominal 90 % interval)`."""
    low, high = estimate.interval
    return f"{estimate.value:.1%}  ({low:.1%} to {high:.1%}, nominal {estimate.coverage:.0%} interval)"


def _predictions(report: Report) -> RenderableType:
    predictor = f"{report.predictor.name} v{report.predictor.version}"
    if report.predictions is None:
        reasons = report.domain.reasons or ("no reason was given",)
        head = Text(f"No prediction: outside what {predictor} knows.", "bold yellow")
        about = (Text.assemble(f"  {name}: ", text) for name, text in grounds(report))
        return Group(head, *(Text.assemble("  - ", plain(reason)) for reason in reasons), *about)
    table = Table(box=None, padding=(0, 2, 0, 0), show_header=False)
    table.add_row("test accuracy", Text(interval_text(report.predictions.test_accuracy), "bold"))
    table.add_row("generalization gap", interval_text(report.predictions.generalization_gap))
    table.add_row("predictor", plain(predictor))
    for name, text in grounds(report):
        table.add_row(name, text)
    return table


def _structure(report: Report) -> RenderableType:
    checkpoint, architecture = report.checkpoint, report.architecture
    table = Table(box=None, padding=(0, 2, 0, 0), show_header=False)
    table.add_row("format", plain(f"{checkpoint.format}, {checkpoint.parameters:,} parameters"))
    layers = architecture.layer_count or len(architecture.layers)
    table.add_row("architecture", plain(f"{architecture.family}, {layers} layers"))
    table.add_row("read from", plain(_RUNGS.get(architecture.provenance, architecture.provenance)))
    for assumption in architecture.assumed:
        table.add_row("assumed", plain(assumption))
    table.add_row("coverage", f"{architecture.coverage:.1%} of the parameters")
    if architecture.digest is not None:
        table.add_row("graph digest", plain(architecture.digest))
    for piece in architecture.unsupported:
        table.add_row("not understood", plain(f"{piece.operator} {piece.name}"))
    return table
