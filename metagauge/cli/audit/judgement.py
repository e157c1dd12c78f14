"""From assessments and demands to verdicts; no network and no files here."""

from dataclasses import dataclass

from metagauge.cli.audit.requirement import Requirement
from metagauge.cli.audit.verdict import Assessment, Audit, Check, FileVerdict, Outcome, worst
from metagauge.contract import Predictions

ROUNDING = 1e-9
"""0.60 - 0.58 is a little more than 0.02 in floating point, and that is no regression."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Demands:
    """What every file has to meet. `max_regression` is a drop of predicted test accuracy below the baseline's."""

    requirements: tuple[Requirement, ...]
    max_regression: float | None
    allow_abstain: bool


def audit(assessments: tuple[Assessment, ...], demands: Demands, baseline: Assessment | None) -> Audit:
    """The verdict on every file and on all together."""
    files = tuple(_file_verdict(assessment, demands, baseline) for assessment in assessments)
    return Audit(outcome=worst(file.outcome for file in files), baseline=baseline, files=files)


def _file_verdict(assessment: Assessment, demands: Demands, baseline: Assessment | None) -> FileVerdict:
    checks = tuple(_requirement(requirement, assessment, demands) for requirement in demands.requirements)
    if demands.max_regression is not None and baseline is not None:
        checks += (_regression(demands.max_regression, assessment, baseline, demands),)
    return FileVerdict(assessment=assessment, checks=checks, outcome=worst(check.outcome for check in checks))


def _requirement(requirement: Requirement, assessment: Assessment, demands: Demands) -> Check:
    predictions = _predictions(assessment)
    if predictions is None:
        return _unanswered(str(requirement), assessment, demands)
    observed = requirement.observed(predictions)
    kept = requirement.holds(observed)
    return Check(
        demand=str(requirement),
        outcome=Outcome.PASSED if kept else Outcome.FAILED,
        observed=observed,
        message=f"{requirement.quantity} {requirement.part} is {observed:.4g}",
    )


def _regression(allowed: float, assessment: Assessment, baseline: Assessment, demands: Demands) -> Check:
    demand = f"test_accuracy>=baseline-{allowed:g}"
    before, after = _predictions(baseline), _predictions(assessment)
    if after is None:
        return _unanswered(demand, assessment, demands)
    if before is None:
        return _unanswered(demand, baseline, demands)
    drop = before.test_accuracy.value - after.test_accuracy.value
    change = f"{before.test_accuracy.value:.4g} to {after.test_accuracy.value:.4g}"
    return Check(
        demand=demand,
        outcome=Outcome.PASSED if drop <= allowed + ROUNDING else Outcome.FAILED,
        observed=after.test_accuracy.value,
        message=f"test_accuracy went from {change} against {baseline.file}",
    )


def _predictions(assessment: Assessment) -> Predictions | None:
    return None if assessment.report is None else assessment.report.predictions


def _unanswered(demand: str, assessment: Assessment, demands: Demands) -> Check:
    if assessment.report is not None:
        outcome = Outcome.ABSTAINED if demands.allow_abstain else Outcome.NOT_EVALUATED
        reasons = "; ".join(assessment.report.domain.reasons) or "no reason was given"
        message = f"no prediction for {assessment.file}: {reasons}"
    else:
        outcome = Outcome.NOT_EVALUATED
        reason = "it has no report" if assessment.refusal is None else assessment.refusal.message
        message = f"no report on {assessment.file}: {reason}"
    return Check(demand=demand, outcome=outcome, observed=None, message=message)
