"""`python -m models.evaluation.domain ZOO`: how well a predictor tells strange networks from those of its zoo.

And what matters more: whether the intervals of networks that are answered hold, whatever those networks are.
"""

from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Annotated

import torch
import typer

from models.evaluation.domain_architectures import strange_cases
from models.evaluation.domain_cases import Case, HeldOut, damaged_cases, fresh_cases, inside, of_other_task
from models.evaluation.domain_files import checkpoint_cases
from models.evaluation.domain_scores import arm_scores, judge
from models.evaluation.domain_table import show, write_scores
from models.evaluation.judged import values_only
from models.predictor import Predictor
from models.training.networks import load_networks
from models.training.split import split
from models.zoo.images import load_images
from models.zoo.store import ZooStore


def evaluate(
    zoo: Annotated[list[Path], typer.Argument(help="Folders of the zoos the predictor was fitted to")],
    predictor: Annotated[Path, typer.Option(help="Folder of the predictor, fitted to a split by architecture")],
    data: Annotated[Path, typer.Option(help="CIFAR-10, as `python -m models.zoo make` takes it")],
    images: Annotated[Path, typer.Option(help="Folder of decoded images")] = Path("zoos/images"),
    other_tasks: Annotated[Path | None, typer.Option(help="Made by `python -m models.evaluation.other_tasks`")] = None,
    checkpoints: Annotated[
        list[Path] | None, typer.Option(help="Folders of ONNX and safetensors files of any origin")
    ] = None,
    page: Annotated[Path | None, typer.Option(help="A page to write the table into, between its marks")] = None,
    per_job: Annotated[int, typer.Option(help="Snapshots of each architecture")] = 1,
    strange: Annotated[int, typer.Option(help="Networks of each other architecture")] = 2,
    test_images: Annotated[int, typer.Option(help="Images that accuracies are measured on")] = 5000,
    seed: int = 0,
) -> None:
    """Measure on architectures that were not trained on; prints a table and writes PREDICTOR/domain.json."""
    torch.set_num_threads(1)
    pictures = load_images(data, images)
    measured = HeldOut.of(pictures, test_images)
    jobs = split(load_networks(zoo), "architecture", seed).test
    families = [job.family for job in jobs]
    cases = chain(
        inside(jobs, per_job, seed),
        _of_tasks(other_tasks, measured),
        strange_cases(pictures, measured, strange, seed),
        checkpoint_cases(checkpoints or [], measured),
        fresh_cases(families, ZooStore(zoo[0]).recipe(), pictures, test_images, per_job, seed),
        damaged_cases(jobs, measured, per_job, seed),
    )
    write_scores(predictor, arm_scores(judge(values_only(Predictor.load(predictor)).predict, cases)))
    show(predictor, page)


def _of_tasks(folder: Path | None, measured: HeldOut) -> Iterator[Case]:
    tasks = [] if folder is None else sorted(path for path in folder.iterdir() if path.is_dir())
    for task in tasks:
        yield from of_other_task(task.name, load_networks([task]), measured)


if __name__ == "__main__":
    typer.run(evaluate)
