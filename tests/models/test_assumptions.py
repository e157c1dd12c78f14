"""What is assumed is said, and what is declared is not."""

import pytest

from models.assumptions import assumptions
from models.subject import Declared

MEAN, SPREAD = (0.4914, 0.4822, 0.4465), (0.247, 0.2435, 0.2616)
SAID = Declared(mean=(0.5, 0.5, 0.5), spread=(0.5, 0.5, 0.5), classes=tuple(range(10)))


def test_everything_is_assumed_that_nobody_declared():
    pixels, classes = assumptions(Declared(), MEAN, SPREAD)
    assert pixels == (
        "pixels normalised by mean (0.4914, 0.4822, 0.4465) and standard deviation (0.247, 0.2435, 0.2616)"
    )
    assert classes.startswith("classes in CIFAR-10's order: airplane, automobile, bird")


@pytest.mark.parametrize(
    ("declared", "words"),
    [
        (Declared(classes=SAID.classes), ["pixels"]),
        (Declared(mean=SAID.mean, spread=SAID.spread), ["classes"]),
        (SAID, []),
    ],
)
def test_what_is_declared_is_not_assumed(declared: Declared, words: list[str]):
    found = assumptions(declared, MEAN, SPREAD)
    assert [text.split()[0] for text in found] == words
