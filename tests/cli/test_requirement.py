"""What an audit may demand, and how it is written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metagauge.cli.audit.requirement import Requirement, parse_requirement
from metagauge.contract import Estimate, Predictions
from metagauge.errors import RequestInvalidError

PREDICTIONS = Predictions(
    test_accuracy=Estimate(value=0.6, interval=(0.55, 0.65), coverage=0.9),
    generalization_gap=Estimate(value=0.08, interval=(0.02, 0.15), coverage=0.9),
)
REQUIREMENTS = st.builds(
    Requirement,
    quantity=st.sampled_from(["test_accuracy", "generalization_gap"]),
    part=st.sampled_from(["value", "low", "high"]),
    relation=st.sampled_from([">=", "<=", ">", "<"]),
    bound=st.integers(-1000, 1000).map(lambda thousandths: thousandths / 1000),
)


@given(REQUIREMENTS)
def test_a_requirement_reads_back_as_it_was_written(requirement: Requirement):
    assert parse_requirement(str(requirement)) == requirement


@given(REQUIREMENTS, st.floats(allow_nan=False))
def test_a_relation_and_its_opposite_never_both_hold(requirement: Requirement, observed: float):
    opposite = {">=": "<", "<": ">=", "<=": ">", ">": "<="}[requirement.relation]
    other = parse_requirement(f"{requirement.quantity}.{requirement.part}{opposite}{requirement.bound!r}")
    assert requirement.holds(observed) is not other.holds(observed)


@given(REQUIREMENTS)
def test_no_number_keeps_no_requirement(requirement: Requirement):
    assert not requirement.holds(float("nan"))


@pytest.mark.parametrize(
    ("text", "observed"),
    [
        ("test_accuracy>=0.5", 0.6),
        (" test_accuracy.value >= .5 ", 0.6),
        ("test_accuracy.low>5e-1", 0.55),
        ("test_accuracy.high<1", 0.65),
        ("generalization_gap<=0.1", 0.08),
        ("generalization_gap.high < 0.2", 0.15),
    ],
)
def test_a_requirement_looks_at_the_number_it_names(text: str, observed: float):
    assert parse_requirement(text).observed(PREDICTIONS) == observed


@pytest.mark.parametrize(
    "text",
    [
        "",
        "accuracy>=0.5",
        "test_accuracy",
        "test_accuracy>=",
        "test_accuracy==0.5",
        "test_accuracy>=high",
        "0.5<test_accuracy",
        "test_accuracy.mid>0.5",
        "test_accuracy>=0.5,test_accuracy<1",
        "test_accuracy>=nan",
        "test_accuracy>=50%",
    ],
)
def test_anything_else_is_refused_with_an_example(text: str):
    with pytest.raises(RequestInvalidError, match=r"for example 'test_accuracy>=0\.5'"):
        parse_requirement(text)
