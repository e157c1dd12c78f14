"""`python -m models.baselines ZOO`: fits the baselines alone, and says how good they are and how long they took."""

from pathlib import Path
from time import perf_counter, process_time
from typing import Annotated

import numpy as np
import torch
import typer
from scipy.stats import kendalltau

from models.baselines.baseline import Method, accuracies_of
from models.baselines.catalogue import METHODS
from models.training.networks import load_networks
from models.training.split import Split, SplitKind, split


def measure(
    zoo: Annotated[Path, typer.Argument(help="Folder of a zoo")],
    only: Annotated[list[str] | None, typer.Option(help=f"Of {', '.join(METHODS)}; more than once for more")] = None,
    by: Annotated[str, typer.Option(help="Split by 'architecture' or by 'run'")] = "architecture",
    seed: int = 0,
    threads: int = 1,
) -> None:
    """Fit to the training part of a split, and score on the test part. `python -m models.evaluation` has all arms."""
    torch.set_num_threads(threads)
    kind: SplitKind = "run" if by == "run" else "architecture"
    networks = load_networks([zoo])
    parts = split(networks, kind, seed)
    typer.echo(f"{'baseline':34s} {'R2':>6s} {'tau':>6s} {'R2 fin':>6s} {'tau fin':>7s} {'CPU s':>7s} {'wall s':>7s}")
    for name in only or METHODS:
        if METHODS[name].can_read(networks):
            typer.echo(_line(METHODS[name], parts, seed))
        else:
            typer.echo(f"{METHODS[name].name:34s} needs networks that were executed")


def _line(method: Method, parts: Split, seed: int) -> str:
    started, work = perf_counter(), process_time()
    guesses = method.baseline.fit(parts.train, seed).predict(parts.test)
    work, waited = process_time() - work, perf_counter() - started
    truth = accuracies_of(parts.test)
    finals = np.array([entry.is_final for job in parts.test for entry in job.entries])
    scores = (_r2(guesses, truth), _tau(guesses, truth), _r2(guesses[finals], truth[finals]))
    numbers = [f"{score:6.3f}" for score in (*scores, _tau(guesses[finals], truth[finals]))]
    if method.ranks_only:
        numbers[0] = numbers[2] = f"{'-':>6s}"
    return f"{method.name:34s} {' '.join(numbers[:3])} {numbers[3]:>7s} {work:7.1f} {waited:7.1f}"


def _r2(guesses: np.ndarray, truth: np.ndarray) -> float:
    return float(1 - np.square(truth - guesses).sum() / np.square(truth - truth.mean()).sum())


def _tau(guesses: np.ndarray, truth: np.ndarray) -> float:
    """Kendall's tau-b; zero of numbers that are all the same."""
    return 0.0 if guesses.min() == guesses.max() else float(np.asarray(kendalltau(guesses, truth))[0])


if __name__ == "__main__":
    typer.run(measure)
