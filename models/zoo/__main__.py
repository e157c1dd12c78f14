"""`python -m models.zoo make RECIPE`: trains a zoo; stop it and start it again as you like."""

from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path
from typing import Annotated

import typer
from pydantic import TypeAdapter
from tqdm import tqdm

from models.zoo.export import export as write
from models.zoo.images import load_images
from models.zoo.job import Device, device_of, make_job, use_one_thread
from models.zoo.recipe import load_recipe
from models.zoo.statistics import ZooStatistics, describe
from models.zoo.store import ZooStore

STATISTICS = Path(__file__).parent / "statistics"
"""Where the statistics of the project's zoos are kept."""

app = typer.Typer(add_completion=False, help=__doc__)

Data = Annotated[Path, typer.Option(help="CIFAR-10: a parquet file of JPEGs, or the folder cifar-10-batches-py")]
Out = Annotated[Path, typer.Option(help="Where zoos are kept; a zoo is OUT/NAME")]


@app.command()
def make(
    recipe: Annotated[str, typer.Argument(help="A shipped recipe's name, or a JSON file")],
    data: Data,
    out: Out = Path("zoos"),
    processes: Annotated[int, typer.Option(help="Processes of one thread each")] = 2,
    only: Annotated[int | None, typer.Option(help="Stop after this many jobs")] = None,
    device: Annotated[str, typer.Option(help="auto (a GPU where there is one), cpu or cuda")] = "auto",
) -> None:
    """Train the networks of RECIPE. Complete jobs are kept, so an interrupted run goes on where it was.

    Networks that were measured on another number of images than RECIPE says now are measured again.
    """
    plan, chosen = load_recipe(recipe), TypeAdapter(Device).validate_python(device)
    device_of(chosen)  # says now, and not in a process of its own, that there is none
    folder = out / plan.name
    store = ZooStore(folder)
    store.prepare(plan)
    load_images(data, out / "images")  # decoded once, before the processes start
    missing = [job for job in range(plan.jobs) if not (store.has(job) and store.is_measured(job, plan))]
    todo, done_before = missing[:only], plan.jobs - len(missing)
    pool = ProcessPoolExecutor(processes, mp_context=get_context("spawn"), initializer=use_one_thread)
    total = done_before + len(todo)
    with pool, tqdm(total=total, initial=done_before, unit="job", desc=plan.name, smoothing=0.05) as bar:
        running = [pool.submit(make_job, plan, job, folder, data, out / "images", chosen) for job in todo]
        for done in as_completed(running):
            bar.set_postfix_str(done.result())
            bar.update()
    _print(describe(store))


@app.command()
def show(
    name: Annotated[str, typer.Argument(help="A zoo in OUT")],
    out: Out = Path("zoos"),
    json: Annotated[bool, typer.Option("--json", help=f"Also write them to {STATISTICS}/NAME.json")] = False,
) -> None:
    """Print what a zoo holds, and the digest of all of it."""
    statistics = describe(ZooStore(out / name))
    _print(statistics)
    if json:
        path = STATISTICS / f"{statistics.name}.json"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(TypeAdapter(ZooStatistics).dump_json(statistics, indent=1) + b"\n")
        typer.echo(f"wrote {path}")


@app.command()
def picture(
    name: Annotated[str, typer.Argument(help="A zoo in OUT")],
    file: Annotated[Path, typer.Argument(help="The SVG to write")],
    out: Out = Path("zoos"),
) -> None:
    """Draw the test accuracies of each family."""
    from models.zoo.picture import draw_accuracies  # noqa: PLC0415 - no other command needs matplotlib

    entries = ZooStore(out / name).entries()
    draw_accuracies(entries, f"{name}: {len(entries)} snapshots of CIFAR-10 classifiers", file)
    typer.echo(f"wrote {file}")


@app.command()
def export(
    name: Annotated[str, typer.Argument(help="A zoo in OUT")],
    job: int,
    stem: Annotated[Path, typer.Argument(help="Writes STEM.safetensors and STEM.onnx")],
    member: int = 0,
    out: Out = Path("zoos"),
) -> None:
    """Write one trained network, at the end of its training, as the files a user would send."""
    architecture, networks = ZooStore(out / name).networks(job)
    steps = [(step, tensors) for number, step, tensors in networks if number == member]
    step, tensors = max(steps, key=lambda each: each[0])
    write(architecture, tensors, stem)
    typer.echo(f"wrote {stem}.safetensors and {stem}.onnx, job {job}, member {member}, step {step}")


def _print(statistics: ZooStatistics) -> None:
    """Counts, and least, quartiles and most of the test accuracies, for each family."""
    for name, family in (*statistics.families.items(), ("all", statistics.everything)):
        accuracies = dict(zip(statistics.shares, family.everything.test_accuracy, strict=True))
        spread = " ".join(f"{accuracies[share]:.3f}" for share in (0.0, 0.25, 0.5, 0.75, 1.0))
        counts = (
            f"{family.everything.snapshots:6d} snapshots {family.runs:5d} runs {family.architectures:4d} architectures"
        )
        typer.echo(f"{name:10s} {counts}   accuracy {spread}")
    typer.echo(f"recipe {statistics.recipe_digest}, content {statistics.content_digest}")


if __name__ == "__main__":
    app()
