"""What a user can declare about a CIFAR-10 classifier: how it reads pixels, and which output is which class.

Written as text, in a query, a form or on a command line, under one set of names. Whoever reads them reads them here.
"""

import math
from collections.abc import Mapping, Sequence

from metagauge.contract import Declarations
from metagauge.errors import DeclarationInvalidError

MEAN, STD, ORDER = "input_mean", "input_std", "class_order"
NAMES = (MEAN, STD, ORDER)
CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
"""CIFAR-10's, in the order of their numbers (Krizhevsky 2009)."""
_OTHER_NAMES = {"plane": "airplane", "aeroplane": "airplane", "car": "automobile"}
"""As tutorials call them."""
CHANNELS = 3
LENGTH = 512
"""Characters of one declaration."""
LEAST_STD = 1e-3
"""Below that of pixels from 0 to 255, which is 1 / 255."""
NOTHING = Declarations()

Triple = tuple[float, float, float]


def parse(texts: Mapping[str, str]) -> Declarations:
    """What `texts` declare, by `NAMES`; an empty text declares nothing.

    Raises:
        DeclarationInvalidError: a text is not what its name stands for, or mean and std are not together.
    """
    given = {name: text.strip() for name, text in texts.items() if text.strip()}
    for name, text in given.items():
        if len(text) > LENGTH:
            raise DeclarationInvalidError(f"{name} has {len(text)} characters; it can have {LENGTH}")
    if (MEAN in given) is not (STD in given):
        present, absent = (MEAN, STD) if MEAN in given else (STD, MEAN)
        raise DeclarationInvalidError(f"{present} is declared without {absent}; they need each other")
    return Declarations(
        input_mean=_triple(MEAN, given[MEAN], 0.0) if MEAN in given else None,
        input_std=_triple(STD, given[STD], LEAST_STD) if STD in given else None,
        class_order=_order(given[ORDER]) if ORDER in given else None,
    )


def written(declared: Declarations) -> dict[str, str]:
    """The texts that declare this, in the one way in which equal declarations are written alike."""
    numbers = {MEAN: declared.input_mean, STD: declared.input_std}
    texts = {name: ",".join(repr(each) for each in found) for name, found in numbers.items() if found is not None}
    return texts if declared.class_order is None else {**texts, ORDER: ",".join(declared.class_order)}


def class_numbers(declared: Declarations) -> tuple[int, ...] | None:
    """For each output in turn the number of its class; None if no order is declared."""
    return None if declared.class_order is None else tuple(CLASSES.index(name) for name in declared.class_order)


def _triple(name: str, text: str, least: float) -> Triple:
    values = [_number(name, part) for part in text.split(",")]
    if len(values) != CHANNELS:
        message = f"{name} has {len(values)} numbers; it needs {CHANNELS}, for red, green and blue"
        raise DeclarationInvalidError(f"{message}, with commas between them")
    for value in values:
        if not least <= value <= 1:
            wanted = f"from {least:g} to 1, for pixels on a scale from 0 to 1"
            hint = "; divide numbers for pixels from 0 to 255 by 255" if value > 1 else ""
            raise DeclarationInvalidError(f"{name} has {value:g}; it has to be {wanted}{hint}")
    red, green, blue = values
    return red, green, blue


def _number(name: str, part: str) -> float:
    try:
        value = float(part)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise DeclarationInvalidError(f"{name} has {part.strip()!r}, which is no number")
    return value + 0.0  # -0.0 is 0.0


def _order(text: str) -> tuple[str, ...]:
    found = tuple(_class(part.strip().lower()) for part in text.split(","))
    if len(found) != len(CLASSES):
        message = f"{ORDER} has {len(found)} classes; it needs each of the {len(CLASSES)} once"
        raise DeclarationInvalidError(f"{message}, with commas between them, in the order of the network's outputs")
    missing = [name for name in CLASSES if name not in found]
    if missing:
        repeated = next(name for name in found if found.count(name) > 1)
        raise DeclarationInvalidError(f"{ORDER} has {repeated!r} more than once, and lacks {_listed(missing)}")
    return found


def _class(name: str) -> str:
    if name.isascii() and name.isdigit() and len(name) <= 2 and int(name) < len(CLASSES):
        return CLASSES[int(name)]
    known = _OTHER_NAMES.get(name, name)
    if known not in CLASSES:
        choices = f"{_listed(CLASSES)}, or their numbers from 0 to {len(CLASSES) - 1}"
        raise DeclarationInvalidError(f"{ORDER} has {name!r}, which is no class of CIFAR-10; there are {choices}")
    return known


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names)
