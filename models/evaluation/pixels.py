"""What becomes of networks that were trained on pixels of another range, with and without a declaration of it.

No network of a zoo was. But a network N of the zoo, behind a change of its input from the range that is asked about to
its own, is one: what it answers under a convention is what N answers under another one, which `seen_from` gives.
"""

from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import dataclass, replace

import numpy as np
from tqdm import tqdm

from models.evaluation.moves import Trained
from models.evaluation.table import Table
from models.evaluation.tables import MISSING
from models.predictor import Predictor
from models.probes.convention import COMMON, Convention
from models.subject import Subject, Triple

BEGIN = "<!-- pixels: written by `python -m models.evaluation pixels` -->"
END = "<!-- end of pixels -->"
IMAGENET: tuple[Triple, Triple] = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
"""Of torchvision's classifiers."""
WAYS = ("declared", "assumed", "found")
_HEADER = ("trained on pixels", "way", "networks", "right", "answered", "MAE", "coverage")


@dataclass(frozen=True, slots=True, kw_only=True)
class PixelScores:
    """Predictions for networks that were trained on one range of pixels, read in one way."""

    trained_on: str
    way: str
    """One of WAYS; what is assumed is the zoo's own."""
    networks: int
    right: float | None
    """Share for which the range they were trained on was taken."""
    answered: float
    error: float | None
    """Mean absolute error of what is answered."""
    coverage: float | None
    """Share of its intervals that hold the measured accuracy."""


def ranges(usual: Convention) -> Mapping[str, tuple[Triple, Triple]]:
    """Means and spreads by name, the zoo's own first."""
    names = ("from 0 to 1", "from -1 to 1", "from 0 to 255")
    return {
        "as the zoo's": (usual.mean, usual.spread),
        **dict(zip(names, COMMON, strict=True)),
        "normalised as ImageNet's": IMAGENET,
    }


def seen_from(
    trained_on: tuple[Triple, Triple], read_as: tuple[Triple, Triple], usual: Convention
) -> tuple[Triple, Triple]:
    """What a network of the zoo has to be asked with, to answer as one trained on the first range and read as the
    second."""
    (mean, spread), (read_mean, read_spread) = (np.array(each) for each in (trained_on, read_as))
    scale = read_spread / spread
    shifted = read_mean - scale * (mean - np.array(usual.mean))
    first, second = shifted.tolist(), (scale * np.array(usual.spread)).tolist()
    return (first[0], first[1], first[2]), (second[0], second[1], second[2])


def pixel_scores(predictor: Predictor, networks: Sequence[Trained]) -> list[PixelScores]:
    """For each range: declared, assumed to be the zoo's, and found by the network's answers."""
    usual, subjects, found = predictor.config.convention, [each.subject for each in networks], []
    measured = [each.accuracy for each in networks]
    for name, trained_on in ranges(usual).items():
        for way in WAYS:
            if way != "assumed" or trained_on != (usual.mean, usual.spread):
                own = seen_from(trained_on, trained_on, usual)
                found.append(_scores(_reading(predictor, trained_on, way), subjects, measured, (name, way), own))
    return found


def pixels_table(name: str, scores: Sequence[PixelScores]) -> Table:
    """A row for each range and way."""
    rows = tuple(
        (
            each.trained_on,
            each.way,
            str(each.networks),
            _number(each.right),
            f"{each.answered:.2f}",
            _number(each.error, 3),
            _number(each.coverage),
        )
        for each in scores
    )
    return Table(title=f"Pixels that {name} was not told of", header=_HEADER, rows=rows)


def _reading(predictor: Predictor, trained_on: tuple[Triple, Triple], way: str) -> Predictor:
    """The predictor as it is for networks that were trained on this range."""
    usual, changed = predictor.config.convention, copy(predictor)
    mean, spread = seen_from(trained_on, trained_on if way == "declared" else (usual.mean, usual.spread), usual)
    changed.config = replace(predictor.config, convention=Convention(mean=mean, spread=spread))
    tried = predictor.other_pixels if way == "found" else ()
    changed.other_pixels = tuple(seen_from(trained_on, each, usual) for each in tried)
    return changed


def _scores(
    predictor: Predictor,
    subjects: Sequence[Subject],
    measured: Sequence[float],
    row: tuple[str, str],
    truth: tuple[Triple, Triple],
) -> PixelScores:
    bar = tqdm(subjects, desc=", ".join(row), unit="network")
    predictions = [said for each in bar for said in predictor.predict([each])]
    known = zip(predictions, measured, strict=True)
    answered = [(said.test_accuracy, accuracy) for said, accuracy in known if said.test_accuracy is not None]
    return PixelScores(
        trained_on=row[0],
        way=row[1],
        networks=len(subjects),
        right=_mean([said.pixels is not None and np.allclose(said.pixels, truth) for said in predictions]),
        answered=len(answered) / len(subjects),
        error=_mean([abs(own.value - accuracy) for own, accuracy in answered]),
        coverage=_mean([own.low <= accuracy <= own.high for own, accuracy in answered]),
    )


def _mean(numbers: Sequence[float]) -> float | None:
    return float(np.mean(numbers)) if numbers else None


def _number(value: float | None, digits: int = 2) -> str:
    return MISSING if value is None else f"{value:.{digits}f}"
