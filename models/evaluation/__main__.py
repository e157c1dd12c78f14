"""`python -m models.evaluation`: measures methods and predictors on networks that they were not fitted to."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import torch
import typer
from pydantic import TypeAdapter
from rich.console import Console

from models.evaluation.arms import SPLIT_SEED, arms_of
from models.evaluation.card import card as written
from models.evaluation.card import moves_table
from models.evaluation.elsewhere import BEGIN as ELSEWHERE_BEGIN
from models.evaluation.elsewhere import END as ELSEWHERE_END
from models.evaluation.elsewhere import elsewhere, elsewhere_table
from models.evaluation.forms import forms
from models.evaluation.judged import judge, judge_of, knowing_pixels, values_only, without_bounds
from models.evaluation.measuring import Bench, measure_all
from models.evaluation.methods import load, methods
from models.evaluation.moves import Moves, moves_of, trained_of, transforms
from models.evaluation.page import write_between, write_page
from models.evaluation.paper import PAPER
from models.evaluation.pictures import learning_curve, scatter
from models.evaluation.pixels import BEGIN as PIXELS_BEGIN
from models.evaluation.pixels import END as PIXELS_END
from models.evaluation.pixels import pixel_scores, pixels_table
from models.evaluation.published import measure
from models.evaluation.scorecard import Line, current, lines_of
from models.evaluation.table import Table
from models.evaluation.tables import tables_of
from models.evaluation.units import Result, UnitStore
from models.predictor import Predictor
from models.training.fit_store import FitStore
from models.training.split import split

app = typer.Typer(add_completion=False, help=__doc__)

Zoos = Annotated[list[Path], typer.Argument(help="Folders of zoos, which are joined")]
Out = Annotated[Path, typer.Option(help="Folder of the results")]
Called = Annotated[str, typer.Option("--as", help="What the joined zoos are called in tables; their names if empty")]
Page = Annotated[Path | None, typer.Option(help="A page to write the table into, between its marks")]
Published = Annotated[Path, typer.Option(help="Folder of the predictor, fitted to these zoos")]

_ARMS = "full,run,half,quarter,ten,five,ood-width"
_MOVES = TypeAdapter(list[Moves])


@app.command()
def run(
    zoos: Zoos,
    out: Out = Path("scores"),
    arms: Annotated[str, typer.Option(help="Names with commas between; 'family' leaves out each in turn")] = _ARMS,
    chosen: Annotated[str, typer.Option("--methods", help="Names with commas between; all if empty")] = "",
    seeds: Annotated[str, typer.Option(help="Seeds of the fits; the split stays the same")] = "0,1,2",
    processes: Annotated[int, typer.Option(help="Processes of one thread each")] = 2,
    called: Called = "",
) -> None:
    """Fit every method on every arm with every seed. What was measured stays, so start it again as you like."""
    torch.set_num_threads(1)  # processes are forked, and must not inherit a pool of threads
    known = methods(FitStore(out / "fits"))
    names = _names(chosen) or tuple(known)
    if unknown := [name for name in names if name not in known]:
        raise typer.BadParameter(f"no method is called {', '.join(unknown)}; there are: {', '.join(known)}")
    networks = load(zoos, [known[name] for name in names])
    bench = Bench(zoo=called or _joined(zoos), networks=networks, methods=known, store=UnitStore(out))
    missing = bench.missing(arms_of(_names(arms), networks), names, [int(seed) for seed in _names(seeds)])
    failed = measure_all(bench, missing, processes)
    for unit in failed:
        typer.echo(f"failed: {unit.arm} {unit.method} {unit.seed}; see {bench.store.log(unit)}", err=True)
    raise typer.Exit(1 if failed else 0)


@app.command()
def scorecard(
    out: Annotated[Path, typer.Argument(help="Folder of the results")],
    page: Annotated[Path | None, typer.Option(help="A page to write the tables into, between its marks")] = None,
    pictures: Annotated[Path | None, typer.Option(help="Where pictures go; OUT/pictures if not said")] = None,
) -> None:
    """Print the scorecard; write OUT/scorecard.json, OUT/scorecard.md and the pictures."""
    results, stale = current(UnitStore(out).results())
    lines = lines_of(results)
    tables = [*tables_of(lines), *_moves_tables(out), PAPER]
    console = Console(width=200)
    for table in tables:
        console.print(table.rich())
    for result in stale:
        typer.echo(f"out of date, left out: {result.facts.unit}", err=True)
    (out / "scorecard.json").write_text(json.dumps([asdict(line) for line in lines], indent=1) + "\n")
    (out / "scorecard.md").write_text("\n".join(table.markdown() for table in tables))
    drawn = _draw(lines, results, pictures or out / "pictures")
    if page is not None:
        write_page(page, tables, drawn)
    typer.echo(f"wrote {out}/scorecard.json, {out}/scorecard.md and {len(drawn)} pictures")


@app.command()
def moves(
    zoos: Zoos,
    predictor: Published,
    out: Out = Path("scores"),
    networks: Annotated[int, typer.Option(help="Test networks, at most one of a job")] = 60,
    seed: int = 0,
) -> None:
    """Move test networks' predictions by changes that keep the function; write OUT/moves-PREDICTOR.json."""
    torch.set_num_threads(1)
    judge = judge_of(knowing_pixels(without_bounds(Predictor.load(predictor))))
    test = split(load(zoos, ()), "architecture", SPLIT_SEED).test
    found = moves_of(judge, trained_of(test, networks, seed), {**transforms(), **forms()}, seed)
    Console(width=150).print(moves_table(f"{predictor.name}: test networks, final snapshots", found).rich())
    out.mkdir(parents=True, exist_ok=True)
    (out / f"moves-{predictor.name}.json").write_bytes(_MOVES.dump_json(found, indent=1) + b"\n")


@app.command()
def card(zoos: Zoos, predictor: Published, out: Out = Path("scores"), called: Called = "") -> None:
    """Measure a published predictor; write its metrics.json, and its card.md with what OUT has beside it."""
    torch.set_num_threads(1)
    results, _ = current(UnitStore(out).results([called or _joined(zoos)]))
    lines: list[Line] = [line for line in lines_of(results) if ":" not in line.arm]
    judged = Predictor.load(predictor)
    parts = split(load(zoos, ()), "architecture", SPLIT_SEED)
    path = out / f"moves-{predictor.name}.json"
    moved = _read(path) if path.exists() else []
    measures = measure(knowing_pixels(values_only(judged)), parts, predictor / "model.safetensors", lines, moved)
    (predictor / "metrics.json").write_text(json.dumps(asdict(measures), indent=1) + "\n")
    (predictor / "card.md").write_text(written(judged.config, measures))
    typer.echo(f"wrote {predictor / 'metrics.json'} and {predictor / 'card.md'}")


@app.command(name="elsewhere")
def elsewhere_(
    zoos: Zoos,
    predictor: Annotated[Path, typer.Option(help="Folder of the predictor, not fitted to these zoos")],
    page: Page = None,
) -> None:
    """Judge all networks of zoos that a published predictor was not fitted to."""
    torch.set_num_threads(1)
    found = elsewhere(judge(knowing_pixels(values_only(Predictor.load(predictor))), load(zoos, ())))
    table = elsewhere_table(predictor.name, _joined(zoos), found)
    Console(width=150).print(table.rich())
    if page is not None:
        write_between(page, ELSEWHERE_BEGIN, ELSEWHERE_END, table.markdown())


@app.command()
def pixels(
    zoos: Zoos,
    predictor: Published,
    networks: Annotated[int, typer.Option(help="Test networks, at most one of a job")] = 60,
    seed: int = 0,
    page: Page = None,
) -> None:
    """Judge test networks as if they had been trained on pixels of other ranges, declared and not."""
    torch.set_num_threads(1)
    test = split(load(zoos, ()), "architecture", SPLIT_SEED).test
    found = pixel_scores(values_only(Predictor.load(predictor)), trained_of(test, networks, seed))
    table = pixels_table(predictor.name, found)
    Console(width=150).print(table.rich())
    if page is not None:
        write_between(page, PIXELS_BEGIN, PIXELS_END, table.markdown())


def _draw(lines: Sequence[Line], results: Sequence[Result], folder: Path) -> list[Path]:
    """Learning curves of each zoo, and what each metanetwork predicts of unseen architectures with its first seed."""
    drawn = []
    for zoo in sorted({line.zoo for line in lines}):
        drawn.append(folder / f"{zoo}-curve.svg")
        learning_curve([line for line in lines if line.zoo == zoo], drawn[-1])
    for result in results:
        unit = result.facts.unit
        if (unit.seed, unit.arm, result.facts.kind) == (0, "full", "metanetwork"):
            drawn.append(folder / f"{unit.zoo}-{unit.method}.svg")
            scatter(result, drawn[-1])
    return drawn


def _moves_tables(out: Path) -> list[Table]:
    paths = sorted(out.glob("moves-*.json"))
    return [
        moves_table(f"{path.stem.removeprefix('moves-')}: changes that keep the function", _read(path))
        for path in paths
    ]


def _read(path: Path) -> list[Moves]:
    return _MOVES.validate_json(path.read_bytes())


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


def _joined(zoos: list[Path]) -> str:
    return "+".join(zoo.name for zoo in zoos)


if __name__ == "__main__":
    app()
