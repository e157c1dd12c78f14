"""What an audit demands of a checkpoint's predictions."""

import re
from dataclasses import dataclass
from typing import Literal, assert_never, get_args

from pydantic import TypeAdapter

from metagauge.contract import Estimate, Predictions
from metagauge.errors import RequestInvalidError

Quantity = Literal["test_accuracy", "generalization_gap"]
Part = Literal["value", "low", "high"]
Relation = Literal[">=", "<=", ">", "<"]

_FORM = re.compile(
    rf"\s*(?P<quantity>{'|'.join(get_args(Quantity))})(?:\.(?P<part>{'|'.join(get_args(Part))}))?"
    r"\s*(?P<relation>>=|<=|>|<)\s*(?P<bound>[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirement:
    """`quantity.part relation bound`; low and high are the ends of the interval, all as fractions of one."""

    quantity: Quantity
    part: Part
    relation: Relation
    bound: float

    def __str__(self) -> str:
        part = "" if self.part == "value" else f".{self.part}"
        return f"{self.quantity}{part}{self.relation}{self.bound:g}"

    def observed(self, predictions: Predictions) -> float:
        """The number that this requirement is about."""
        return _part(_estimate(predictions, self.quantity), self.part)

    def holds(self, observed: float) -> bool:
        """Whether `observed` keeps the bound; a number that is not one keeps none."""
        match self.relation:
            case ">=":
                return observed >= self.bound
            case "<=":
                return observed <= self.bound
            case ">":
                return observed > self.bound
            case "<":
                return observed < self.bound
            case _:
                assert_never(self.relation)


_ADAPTER = TypeAdapter(Requirement)


def parse_requirement(text: str) -> Requirement:
    """The requirement that `text` spells, such as `test_accuracy>=0.5` or `test_accuracy.low > .4`.

    Raises:
        RequestInvalidError: it spells none.
    """
    found = _FORM.fullmatch(text)
    if found is None:
        form = f"({' or '.join(get_args(Quantity))})[.low or .high] (>=, <=, > or <) NUMBER"
        raise RequestInvalidError(f"{text!r} is no requirement; write {form}, for example 'test_accuracy>=0.5'")
    return _ADAPTER.validate_python(found.groupdict(default="value"))


def _estimate(predictions: Predictions, quantity: Quantity) -> Estimate:
    match quantity:
        case "test_accuracy":
            return predictions.test_accuracy
        case "generalization_gap":
            return predictions.generalization_gap
        case _:
            assert_never(quantity)


def _part(estimate: Estimate, part: Part) -> float:
    match part:
        case "value":
            return estimate.value
        case "low":
            return estimate.interval[0]
        case "high":
            return estimate.interval[1]
        case _:
            assert_never(part)
