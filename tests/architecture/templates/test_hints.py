"""Hints: what a caller may say of a bare file in a few words of JSON."""

import pytest

from metagauge.architecture.templates.names.hints import Hints, hints_of, is_hints
from metagauge.errors import ArchitectureMismatchError


def test_hints_are_read() -> None:
    given = {"num_heads": 4, "activation": "gelu", "pooling": "first"}
    assert hints_of(given) == Hints(num_heads=4, activation="gelu", pooling="first")


@pytest.mark.parametrize(
    "given",
    [
        {"num_heads": 0},
        {"num_heads": 1 << 20},
        {"num_heads": True},
        {"num_heads": "4"},
        {"image_size": 1.5},
        {"activation": 3},
        {"pooling": "some"},
        {"colour": "red"},
    ],
)
def test_hints_that_make_no_sense_are_refused(given: dict[str, object]) -> None:
    with pytest.raises(ArchitectureMismatchError):
        hints_of(given)


def test_other_json_is_told_from_hints() -> None:
    assert is_hints({"image_size": 32})
    assert not is_hints({})
    assert not is_hints({"image_size": 32, "model_type": "vit"})
