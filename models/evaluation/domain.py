"""`python -m models.evaluation.domain ZOO`: how well a predictor tells strange networks from those of its zoo.

And what matters more: whether the intervals of networks that are answered hold, whatever those networks are.
"""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from itertools import chain
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import typer
from rich.console import Console
from rich.table import Table
from sklearn.metrics import roc_auc_score
from tqdm import tqdm

from models.evaluation.domain_cases import INSIDE, Case, TestImages, damaged_cases, inside, of_other_task
from models.evaluation.judged import values_only
from models.prediction import Prediction
from models.predictor import Predictor
from models.subject import Subject
from models.training.networks import load_networks
from models.training.split import split
from models.zoo.images import load_images

Predict = Callable[[Sequence[Subject]], list[Prediction]]
"""What a predictor does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a predictor said about a case. The score is 1 where it did not get as far as that."""

    case: Case
    score: float
    answered: bool
    held: bool
    """Whether the interval holds the measured test accuracy; False where there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmScores:
    """One arm beside the networks that are inside. Numbers are NaN where there is nothing to take them of."""

    arm: str
    networks: int
    auroc: float
    """The chance that a network of the arm scores higher than one that is inside."""
    auroc_good: float
    """The same among networks that had learned CIFAR-10: others have nothing that damage could take."""
    answered: float
    coverage: float
    """Of the intervals of those that are answered."""
    mean_accuracy: float


def judge(predict: Predict, cases: Iterable[Case]) -> list[Verdict]:
    """A verdict for every case."""
    return [_verdict(case, predict([case.subject])[0]) for case in tqdm(cases, desc="judging", unit="network")]


def arm_scores(verdicts: Sequence[Verdict]) -> list[ArmScores]:
    """Each arm, those that are inside first."""
    known = [each for each in verdicts if each.case.arm == INSIDE]
    arms = dict.fromkeys([INSIDE, *(each.case.arm for each in verdicts)])
    return [_arm(arm, [each for each in verdicts if each.case.arm == arm], known) for arm in arms]


def evaluate(
    zoo: Annotated[list[Path], typer.Argument(help="Folders of the zoos the predictor was fitted to")],
    predictor: Annotated[Path, typer.Option(help="Folder of the predictor, fitted to a split by architecture")],
    data: Annotated[Path, typer.Option(help="CIFAR-10, as `python -m models.zoo make` takes it")],
    images: Annotated[Path, typer.Option(help="Folder of decoded images")] = Path("zoos/images"),
    other_tasks: Annotated[Path | None, typer.Option(help="Made by `python -m models.evaluation.other_tasks`")] = None,
    per_job: Annotated[int, typer.Option(help="Snapshots of each architecture")] = 4,
    test_images: Annotated[int, typer.Option(help="Images that the damaged are measured on")] = 1000,
    seed: int = 0,
) -> None:
    """Measure on architectures that were not trained on; prints a table and writes PREDICTOR/domain.json."""
    torch.set_num_threads(1)
    jobs = split(load_networks(zoo), "architecture", seed).test
    measured = TestImages.of(load_images(data, images), test_images)
    tasks = [] if other_tasks is None else sorted(path for path in other_tasks.iterdir() if path.is_dir())
    cases = chain(
        inside(jobs, per_job, seed),
        damaged_cases(jobs, measured, per_job, seed),
        *(of_other_task(task.name, load_networks([task]), measured) for task in tasks),
    )
    found = arm_scores(judge(values_only(Predictor.load(predictor)).predict, cases))
    Console(width=120).print(_table(found))
    (predictor / "domain.json").write_text(json.dumps([asdict(each) for each in found], indent=1) + "\n")


def _verdict(case: Case, prediction: Prediction) -> Verdict:
    interval = prediction.test_accuracy
    return Verdict(
        case=case,
        score=1.0 if prediction.score is None else prediction.score,
        answered=interval is not None,
        held=interval is not None and interval.low <= case.test_accuracy <= interval.high,
    )


def _arm(arm: str, mine: Sequence[Verdict], known: Sequence[Verdict]) -> ArmScores:
    answered = [each for each in mine if each.answered]
    return ArmScores(
        arm=arm,
        networks=len(mine),
        auroc=_auroc(mine, known),
        auroc_good=_auroc(
            [each for each in mine if each.case.was_good], [each for each in known if each.case.was_good]
        ),
        answered=len(answered) / len(mine),
        coverage=float(np.mean([each.held for each in answered])) if answered else float("nan"),
        mean_accuracy=float(np.mean([each.case.test_accuracy for each in mine])),
    )


def _auroc(mine: Sequence[Verdict], known: Sequence[Verdict]) -> float:
    if not mine or not known or mine[0].case.arm == INSIDE:
        return float("nan")
    scores = [each.score for each in (*known, *mine)]
    return float(roc_auc_score([0] * len(known) + [1] * len(mine), scores))


def _table(found: Sequence[ArmScores]) -> Table:
    table = Table("networks", "count", "AUROC", "AUROC, good", "answered", "coverage", "mean accuracy", title="Domain")
    for each in found:
        numbers = (each.auroc, each.auroc_good, each.answered, each.coverage, each.mean_accuracy)
        table.add_row(each.arm, str(each.networks), *(f"{number:.3f}" for number in numbers))
    return table


if __name__ == "__main__":
    typer.run(evaluate)
