"""`python -m models.zoo make RECIPE`: trains a zoo; stop it and start it again as you like."""

from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from tqdm import tqdm

from models.zoo.export import export as write
from models.zoo.images import load_images
from models.zoo.job import make_job, use_one_thread
from models.zoo.recipe import load_recipe
from models.zoo.store import ZooStore

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
) -> None:
    """Train the networks of RECIPE. Complete jobs are kept, so an interrupted run goes on where it was."""
    plan = load_recipe(recipe)
    folder = out / plan.name
    store = ZooStore(folder)
    store.prepare(plan)
    load_images(data, out / "images")  # decoded once, before the processes start
    todo = [job for job in range(plan.jobs) if not store.has(job)][:only]
    pool = ProcessPoolExecutor(processes, mp_context=get_context("spawn"), initializer=use_one_thread)
    with pool, tqdm(total=len(todo), unit="job", desc=plan.name, smoothing=0.05) as bar:
        running = [pool.submit(make_job, plan, job, folder, data, out / "images") for job in todo]
        for done in as_completed(running):
            bar.set_postfix_str(done.result())
            bar.update()
    describe(store)


@app.command()
def show(name: str, out: Out = Path("zoos")) -> None:
    """Print what a zoo holds."""
    describe(ZooStore(out / name))


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


def describe(store: ZooStore) -> None:
    """Prints counts and the spread of test accuracies for each family."""
    entries = store.entries()
    for family in (*sorted({entry.family for entry in entries}), "all"):
        mine = [entry for entry in entries if family in (entry.family, "all")]
        shares = np.quantile([entry.test_accuracy for entry in mine], (0, 0.25, 0.5, 0.75, 1))
        jobs, runs = len({entry.job for entry in mine}), len({entry.run for entry in mine})
        spread = " ".join(f"{share:.3f}" for share in shares)
        typer.echo(f"{family:10s} {len(mine):6d} snapshots {runs:5d} runs {jobs:4d} architectures   accuracy {spread}")


if __name__ == "__main__":
    app()
