"""`python -m models.evaluation ZOO PREDICTOR`: prints the scorecard, and writes it and the card to the predictor."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import torch
import typer
from rich.console import Console
from rich.table import Table

from models.evaluation.card import Facts, card
from models.evaluation.scorecard import METANETWORK, Line, answered, gap_line, intervals, lines, parts_lines
from models.predictor import Predictor
from models.training.networks import JobNetworks, load_networks
from models.training.split import split
from models.zoo.store import ZooStore


def evaluate(
    zoo: Annotated[Path, typer.Argument(help="Folder of the zoo the predictor was fitted to")],
    predictor: Annotated[Path, typer.Argument(help="Folder of the predictor, fitted to a split by architecture")],
    by_run: Annotated[Path | None, typer.Option(help="Folder of one fitted to a split by run")] = None,
    seed: int = 0,
    threads: int = 1,
) -> None:
    """Measure on networks whose architectures (with --by-run also: whose runs) were never trained on."""
    torch.set_num_threads(threads)
    store = ZooStore(zoo)
    networks = load_networks(store)
    judge = Predictor.load(predictor)
    parts = split(networks, "architecture", seed)
    by_architecture = lines(judge, parts, seed)
    runs = [] if by_run is None else lines(Predictor.load(by_run), split(networks, "run", seed), seed)
    fitted = parts_lines(judge, parts)
    gap = gap_line(judge, parts)
    coverage = intervals(judge, parts)
    share = answered(judge, parts.test)
    console = Console(width=150)
    console.print(_table("Test accuracy, unseen architectures", by_architecture))
    if runs:
        console.print(_table("Test accuracy, unseen runs", runs))
    console.print(_table("Test accuracy, the metanetwork on each part of the split", fitted))
    console.print(_table("Generalization gap, unseen architectures", [gap]))
    served = next(line for line in by_architecture if line.method == METANETWORK)
    metrics = {
        "scores": {
            "test_accuracy_r2": served.everything.r2,
            "test_accuracy_tau": served.everything.tau,
            "test_accuracy_tau_ceiling": served.everything.tau_ceiling,
            "test_accuracy_mae": served.everything.mae,
            "test_accuracy_interval_coverage": coverage["test_accuracy"].measured,
            "generalization_gap_r2": gap.everything.r2,
            "generalization_gap_mae": gap.everything.mae,
            "generalization_gap_interval_coverage": coverage["generalization_gap"].measured,
        },
        "zoo": {"recipe": asdict(store.recipe()), "digest": store.recipe().digest(), **_statistics(networks)},
        "split": {
            "by": "architecture",
            "seed": seed,
            **{
                name: _statistics(part)
                for name, part in (("train", parts.train), ("calibration", parts.calibration), ("test", parts.test))
            },
        },
        "test_accuracy": {
            "unseen_architectures": [asdict(line) for line in by_architecture],
            "unseen_runs": [asdict(line) for line in runs],
            "parts": [asdict(line) for line in fitted],
        },
        "generalization_gap": {"unseen_architectures": [asdict(gap)]},
        "intervals": {name: asdict(measured) for name, measured in coverage.items()},
        "answered_in_domain": share,
    }
    console.print_json(json.dumps(metrics["intervals"]))
    (predictor / "metrics.json").write_text(json.dumps(metrics, indent=1) + "\n")
    parameters = sum(tensor.numel() for tensor in judge.metanetwork.parameters())
    facts = Facts(config=judge.config, parameters=parameters, metrics=metrics)
    (predictor / "card.md").write_text(card(facts))
    typer.echo(f"wrote {predictor / 'metrics.json'} and {predictor / 'card.md'}")


def _statistics(networks: tuple[JobNetworks, ...] | list[JobNetworks]) -> dict[str, object]:
    entries = [entry for job in networks for entry in job.entries]
    accuracies = torch.tensor([entry.test_accuracy for entry in entries])
    return {
        "snapshots": len(entries),
        "runs": len({entry.run for entry in entries}),
        "architectures": len({job.architecture for job in networks}),
        "families": {
            family: len({job.architecture for job in networks if job.family == family})
            for family in sorted({job.family for job in networks})
        },
        "test_accuracy_quantiles": [
            round(float(value), 4) for value in accuracies.quantile(torch.tensor([0, 0.1, 0.25, 0.5, 0.75, 0.9, 1.0]))
        ],
    }


def _table(title: str, rows: list[Line]) -> Table:
    table = Table("method", "R2", "tau", "ceiling", "MAE", "R2 finals", "tau finals", *rows[0].families, title=title)
    for line in rows:
        everything, finals = line.everything, line.finals
        numbers = (everything.r2, everything.tau, everything.tau_ceiling, everything.mae, finals.r2, finals.tau)
        families = (f"{each.r2:.2f}/{each.tau:.2f}" for each in line.families.values())
        table.add_row(line.method, *(f"{number:.3f}" for number in numbers), *families)
    return table


if __name__ == "__main__":
    typer.run(evaluate)
