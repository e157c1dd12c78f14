"""Declarations: what can be written is read, what cannot be so is refused, and equal ones are written alike."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metagauge.contract import Declarations
from metagauge.declarations import CLASSES, NAMES, class_numbers, parse, written
from metagauge.errors import DeclarationInvalidError, MetagaugeError, RequestInvalidError

HALF = {"input_mean": "0.5,0.5,0.5", "input_std": "0.5,0.5,0.5"}

means = st.tuples(*[st.floats(0, 1)] * 3)
stds = st.tuples(*[st.floats(1e-3, 1)] * 3)
declarations = st.builds(
    lambda pair, order: Declarations(input_mean=pair and pair[0], input_std=pair and pair[1], class_order=order),
    st.none() | st.tuples(means, stds),
    st.none() | st.permutations(CLASSES).map(tuple),
)


@given(declarations)
def test_what_is_written_is_read_again(declared: Declarations):
    assert parse(written(declared)) == declared


@given(declarations, declarations)
def test_different_declarations_are_written_differently(one: Declarations, other: Declarations):
    assert (written(one) == written(other)) is (one == other)


@given(st.dictionaries(st.sampled_from(NAMES), st.text(max_size=80)))
def test_any_text_is_read_or_refused(texts: dict[str, str]):
    try:
        assert isinstance(parse(texts), Declarations)
    except DeclarationInvalidError as error:
        assert len(str(error)) > 20


def test_nothing_declared_is_nothing():
    assert parse({}) == parse({"input_mean": "", "input_std": " ", "class_order": "\n"}) == Declarations()
    assert written(Declarations()) == {}
    assert class_numbers(Declarations()) is None


def test_numbers_are_read_for_red_green_and_blue():
    found = parse({"input_mean": " .5, 0.25 ,1e-1", "input_std": "0.00392156862745098,1,0.2"})
    assert found.input_mean == (0.5, 0.25, 0.1)
    assert found.input_std == (1 / 255, 1.0, 0.2)


@pytest.mark.parametrize(
    ("order", "numbers"),
    [
        (",".join(CLASSES), tuple(range(10))),
        ("9,8,7,6,5,4,3,2,1,0", (9, 8, 7, 6, 5, 4, 3, 2, 1, 0)),
        ("plane, car, bird, cat, deer, dog, frog, horse, ship, truck", tuple(range(10))),
        ("Truck,1,2,3,4,5,6,7,8,AIRPLANE", (9, 1, 2, 3, 4, 5, 6, 7, 8, 0)),
    ],
)
def test_classes_are_read_by_name_or_number(order: str, numbers: tuple[int, ...]):
    assert class_numbers(parse({"class_order": order})) == numbers


@pytest.mark.parametrize(
    ("texts", "words"),
    [
        ({"input_mean": "0.5,0.5,0.5"}, "input_mean is declared without input_std"),
        ({"input_std": "0.5,0.5,0.5"}, "input_std is declared without input_mean"),
        ({**HALF, "input_mean": "0.5,0.5"}, "2 numbers"),
        ({**HALF, "input_mean": "0.5,0.5,0.5,0.5"}, "4 numbers"),
        ({**HALF, "input_mean": "0.5,0.5,"}, "no number"),
        ({**HALF, "input_mean": "nan,0.5,0.5"}, "'nan', which is no number"),
        ({**HALF, "input_mean": "inf,0.5,0.5"}, "no number"),
        ({**HALF, "input_mean": "0x1,0.5,0.5"}, "no number"),
        ({**HALF, "input_mean": "125.3,123,113.9"}, "divide numbers for pixels from 0 to 255 by 255"),
        ({**HALF, "input_mean": "-0.5,0.5,0.5"}, "from 0 to 1"),
        ({**HALF, "input_std": "0.5,0,0.5"}, "input_std has 0; it has to be from 0.001"),
        ({**HALF, "input_std": "0.5,-1,0.5"}, "has to be"),
        ({**HALF, "input_std": "0.5,1e-300,0.5"}, "has to be"),
        ({**HALF, "input_std": "0.5,nan,0.5"}, "no number"),
        ({**HALF, "input_std": "58,57,57"}, "by 255"),
        ({"class_order": "cat,dog"}, "2 classes"),
        ({"class_order": "0,1,2,3,4,5,6,7,8,8"}, "'ship' more than once, and lacks truck"),
        ({"class_order": "0,1,2,3,4,5,6,7,8,10"}, "'10', which is no class"),
        ({"class_order": "0,1,2,3,4,5,6,7,8,-1"}, "no class"),
        ({"class_order": "0,1,2,3,4,5,6,7,8,²"}, "no class"),
        ({"class_order": "0,1,2,3,4,5,6,7,8,9,airplane"}, "11 classes"),
        ({"class_order": "0," * 300}, "characters"),
    ],
)
def test_what_cannot_be_so_is_refused_with_a_reason(texts: dict[str, str], words: str):
    with pytest.raises(DeclarationInvalidError) as raised:
        parse(texts)
    assert words in str(raised.value)


def test_a_declaration_is_part_of_the_request():
    assert issubclass(DeclarationInvalidError, RequestInvalidError)
    assert DeclarationInvalidError.code != RequestInvalidError.code != MetagaugeError.code
