"""What an audit found, ready to be written in any format."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from metagauge.contract import Report


class Outcome(StrEnum):
    """How a check, a file or a whole audit ended."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_EVALUATED = "not_evaluated"
    ABSTAINED = "abstained"
    """The predictor does not know this kind of network, and the caller allowed that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One demand on one file. `observed` is absent where there was nothing to compare."""

    demand: str
    outcome: Outcome
    observed: float | None
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why a file got no report: a code of the error tree and its message."""

    code: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Assessment:
    """What the service said about one file: a report or a refusal."""

    file: str
    job_id: str | None
    report: Report | None
    refusal: Refusal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FileVerdict:
    """One audited file."""

    assessment: Assessment
    checks: tuple[Check, ...]
    outcome: Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    """All files of one call. A known failure outweighs what could not be evaluated."""

    outcome: Outcome
    baseline: Assessment | None
    files: tuple[FileVerdict, ...]


def worst(outcomes: Iterable[Outcome]) -> Outcome:
    """The outcome of a whole from those of its parts."""
    found = frozenset(outcomes)
    order = (Outcome.FAILED, Outcome.NOT_EVALUATED, Outcome.PASSED, Outcome.ABSTAINED)
    return next((outcome for outcome in order if outcome in found), Outcome.PASSED)
