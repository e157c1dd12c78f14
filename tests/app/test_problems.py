"""Every error has its status, and only one place knows it."""

from collections.abc import Iterator

import pytest

from app.problems import KINDS, UNKNOWN, problem_of
from metagauge import errors
from metagauge.service.record import Failure
from tests.service.processes import ROOT

NEVER_ANSWERED = {"extra_missing", "internal_error", "job_superseded", "unexpected_answer", "wait_timeout"}
"""Faults of ours, errors that stay inside the worker, and errors of the client's side."""


def leaves(kind: type[errors.MetagaugeError]) -> Iterator[type[errors.MetagaugeError]]:
    yield kind
    for child in kind.__subclasses__():
        yield from leaves(child)


def test_every_error_that_can_be_answered_has_a_status():
    codes = {kind.code for kind in leaves(errors.MetagaugeError) if kind.__module__ == errors.__name__}
    assert codes - NEVER_ANSWERED <= set(KINDS)


def test_a_code_nobody_knows_is_the_services_fault():
    problem = problem_of(Failure(code="no_such_code", detail="?"))
    assert (problem.status, problem.code) == (UNKNOWN.status, "no_such_code")


@pytest.mark.parametrize("package", ["worker", "metagauge/service"])
def test_nobody_else_knows_status_codes(package: str):
    for path in (ROOT / package).rglob("*.py"):
        text = path.read_text()
        assert not [code for code in ("404", "413", "415", "422", "503") if code in text], path
