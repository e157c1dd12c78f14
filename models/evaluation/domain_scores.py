"""What a predictor makes of networks inside and outside, and how well it tells them apart."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from sklearn.metrics import roc_auc_score
from tqdm import tqdm

from models.evaluation.domain_cases import Case, Kind
from models.prediction import Prediction
from models.subject import Subject

Predict = Callable[[Sequence[Subject]], list[Prediction]]
"""What a predictor does."""
EVERYTHING = "all"
"""The arm of all networks of a kind together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a predictor said about a case."""

    kind: Kind
    arm: str
    score: float | None
    """None where the structure was reason enough to abstain."""
    answered: bool
    held: bool
    """Whether the interval holds the measured test accuracy; False where either is missing."""
    was_good: bool
    is_damaged: bool
    is_spared: bool
    test_accuracy: float | None

    @property
    def rank(self) -> float:
        """The score, or its most."""
        return 1.0 if self.score is None else self.score


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmScores:
    """One arm beside the networks that are inside. None is where there is nothing to take a number of."""

    kind: Kind
    arm: str
    networks: int
    auroc: float | None
    """The chance that a network of the arm scores higher than one that is inside, plus half of that of a tie."""
    auroc_good: float | None
    """The same among networks that had learned something: from others damage takes nothing."""
    spared: float | None
    """Share of the good in which damage left at least half of what they had learned: they still work."""
    auroc_spoiled: float | None
    """As `auroc_good`, without those that were spared."""
    refused: float
    """Share whose structure was reason enough to abstain."""
    answered: float
    coverage: float | None
    """Of the intervals of those that are answered, those that hold the measured test accuracy."""
    mean_accuracy: float | None
    """As measured on CIFAR-10, of those that can be."""


def judge(predict: Predict, cases: Iterable[Case]) -> list[Verdict]:
    """A verdict for every case; networks are let go of one by one."""
    return [_verdict(case, predict([case.subject])[0]) for case in tqdm(cases, desc="judging", unit="network")]


def arm_scores(verdicts: Sequence[Verdict]) -> list[ArmScores]:
    """Each kind and each of its arms, those that are inside first."""
    known = [each for each in verdicts if each.kind == "inside"]
    found: list[ArmScores] = []
    for kind in dict.fromkeys(["inside", *(each.kind for each in verdicts)]):
        mine = [each for each in verdicts if each.kind == kind]
        arms = dict.fromkeys(each.arm for each in mine)
        if len(arms) > 1:
            found.append(_arm(EVERYTHING, mine, known))
        found += [_arm(arm, [each for each in mine if each.arm == arm], known) for arm in arms]
    return found


def _verdict(case: Case, prediction: Prediction) -> Verdict:
    interval, truth = prediction.test_accuracy, case.test_accuracy
    return Verdict(
        kind=case.kind,
        arm=case.arm,
        score=prediction.score,
        answered=interval is not None,
        held=interval is not None and truth is not None and interval.low <= truth <= interval.high,
        was_good=case.was_good,
        is_damaged=case.before is not None,
        is_spared=case.is_spared,
        test_accuracy=truth,
    )


def _arm(arm: str, mine: Sequence[Verdict], known: Sequence[Verdict]) -> ArmScores:
    kind = mine[0].kind
    answered = [each for each in mine if each.answered]
    good = [each for each in mine if each.was_good]
    good_inside = [each for each in known if each.was_good]
    damaged = [each for each in good if each.is_damaged]
    is_outside = kind != "inside"
    return ArmScores(
        kind=kind,
        arm=arm,
        networks=len(mine),
        auroc=_auroc(mine, known) if is_outside else None,
        auroc_good=_auroc(good, good_inside) if is_outside else None,
        spared=_mean([each.is_spared for each in damaged]),
        auroc_spoiled=_auroc([each for each in damaged if not each.is_spared], good_inside),
        refused=float(np.mean([each.score is None for each in mine])),
        answered=len(answered) / len(mine),
        coverage=_mean([each.held for each in answered]),
        mean_accuracy=_mean([each.test_accuracy for each in mine if each.test_accuracy is not None]),
    )


def _mean(numbers: Sequence[float]) -> float | None:
    return float(np.mean(numbers)) if numbers else None


def _auroc(mine: Sequence[Verdict], known: Sequence[Verdict]) -> float | None:
    if not mine or not known:
        return None
    ranks = [each.rank for each in (*known, *mine)]
    return float(roc_auc_score([0] * len(known) + [1] * len(mine), ranks))
