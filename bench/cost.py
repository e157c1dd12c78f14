"""`python -m bench.cost`: what reading costs, from the file to the parameter graph, in seconds and memory.

Two generated files: the tensors of GPT-2's smallest size with its config.json (124 million parameters, float32), and
10^5 tensors of one element, with the limit on tensors raised to let them in and as the service refuses them. Each is
measured in a fresh process with the readers imported; memory is the peak above the process and the mapped file.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from time import perf_counter
from typing import Annotated, Literal, get_args

import numpy as np
import typer
from safetensors.numpy import save_file

from bench.machine import load, machine
from bench.memory import forget_peak, mapped_mib, peak_mib, resident_mib
from bench.results import record
from bench.revision import now_and_commit
from metagauge.architecture.infer import infer
from metagauge.checkpoint.checkpoint import Checkpoint
from metagauge.checkpoint.limits import Limits
from metagauge.checkpoint.read import read
from metagauge.errors import LimitExceededError
from metagauge.graph.build import build

TITLE = "From file to graph"
COLUMNS = (
    "date",
    "commit",
    "file",
    "MB",
    "tensors",
    "read s",
    "infer s",
    "build s",
    "all s",
    "peak MiB above",
    "machine",
)
LAYERS, WIDTH, WORDS, PLACES = 12, 768, 50257, 1024
TINY = 10**5

File = Literal["gpt2", "tiny", "tiny, refused"]
FILES: tuple[File, ...] = get_args(File)
_NAMED: Mapping[str, File] = {file: file for file in FILES}


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """Of one file. `above_mib` is the most memory that was resident beside the mapped file and the process before."""

    file: File
    size_bytes: int
    tensors: int
    read_s: float
    infer_s: float
    build_s: float
    above_mib: float

    @property
    def total_s(self) -> float:
        """From the file to the graph."""
        return self.read_s + self.infer_s + self.build_s


def bench(
    write: Annotated[Path | None, typer.Option(help="Markdown file that gets rows, such as docs/results.md")] = None,
    only: Annotated[str | None, typer.Option(help="Measure this file in this process and print JSON")] = None,
    folder: Annotated[Path | None, typer.Option(help="Where the files are, for --only")] = None,
) -> None:
    """Print seconds and megabytes of each step, for each file."""
    if only is not None and folder is not None:
        typer.echo(json.dumps(asdict(measure(_NAMED[only], folder))))
        return
    typer.echo(f"{machine()}, {load()}")
    with tempfile.TemporaryDirectory(prefix="metagauge-cost-") as made:
        generate(Path(made))
        for file in FILES:
            cost = _in_fresh_process(file, Path(made))
            parts = f"read {cost.read_s:.3f} s, infer {cost.infer_s:.3f} s, build {cost.build_s:.3f} s"
            typer.echo(f"{file:14s} {cost.total_s:.3f} s ({parts}), {cost.above_mib:.0f} MiB above the mapped file")
            if write is not None:
                record(write, TITLE, COLUMNS, _row(cost))


def generate(folder: Path, *, width: int = WIDTH, words: int = WORDS, tiny: int = TINY) -> None:
    """Writes the files, with random weights; smaller ones on demand."""
    rng = np.random.default_rng(0)
    tensors = {name: rng.standard_normal(shape, dtype=np.float32) for name, shape in gpt2_shapes(width, words).items()}
    save_file({name: array * np.float32(0.02) for name, array in tensors.items()}, folder / "gpt2.safetensors")
    (folder / "gpt2.json").write_text(json.dumps(gpt2_config(width, words)), encoding="utf-8")
    save_file({f"tensor.{number}": np.zeros(1, np.float32) for number in range(tiny)}, folder / "tiny.safetensors")


def gpt2_config(width: int = WIDTH, words: int = WORDS) -> dict[str, object]:
    """Its config.json."""
    sizes = {"n_layer": LAYERS, "n_head": 12, "n_embd": width, "n_positions": PLACES, "vocab_size": words}
    kind = {"model_type": "gpt2", "architectures": ["GPT2Model"], "activation_function": "gelu_new"}
    return {**kind, **sizes, "layer_norm_epsilon": 1e-5}


def gpt2_shapes(width: int = WIDTH, words: int = WORDS) -> dict[str, tuple[int, ...]]:
    """The shapes of its tensors, by name."""
    products = (("attn.c_attn", 1, 3), ("attn.c_proj", 1, 1), ("mlp.c_fc", 1, 4), ("mlp.c_proj", 4, 1))
    found: dict[str, tuple[int, ...]] = {"wte.weight": (words, width), "wpe.weight": (PLACES, width)}
    for number in range(LAYERS):
        for name, inputs, outputs in products:
            found[f"h.{number}.{name}.weight"] = (inputs * width, outputs * width)
            found[f"h.{number}.{name}.bias"] = (outputs * width,)
        for norm in ("ln_1", "ln_2"):
            found |= {f"h.{number}.{norm}.{part}": (width,) for part in ("weight", "bias")}
    return found | {f"ln_f.{part}": (width,) for part in ("weight", "bias")}


def measure(file: File, folder: Path) -> Cost:
    """Times the steps in this process."""
    path = folder / ("gpt2.safetensors" if file == "gpt2" else "tiny.safetensors")
    forget_peak()
    before, mapped = resident_mib(), mapped_mib()
    limits = Limits() if file == "tiny, refused" else Limits(tensors=2 * TINY)
    moments = [perf_counter()]
    checkpoint = _read(path, limits)
    moments.append(perf_counter())
    if checkpoint is not None and file == "gpt2":
        network = infer(checkpoint, (folder / "gpt2.json").read_text(encoding="utf-8"))
        moments.append(perf_counter())
        graph = build(network, checkpoint)
        moments.append(perf_counter())
        assert graph.coverage > 0.99, graph.coverage  # noqa: S101 - the figures would be those of another thing
    read_s, infer_s, build_s = (*np.diff(moments), 0.0, 0.0)[:3]
    return Cost(
        file=file,
        size_bytes=path.stat().st_size,
        tensors=0 if checkpoint is None else len(checkpoint.tensors),
        read_s=float(read_s),
        infer_s=float(infer_s),
        build_s=float(build_s),
        above_mib=peak_mib() - before - (mapped_mib() - mapped),
    )


def _read(path: Path, limits: Limits) -> Checkpoint | None:
    try:
        return read(path, limits)
    except LimitExceededError:
        return None


def _in_fresh_process(file: File, folder: Path) -> Cost:
    command = [sys.executable, "-m", "bench.cost", "--only", file, "--folder", str(folder)]
    done = subprocess.run(
        command, env={**os.environ, "OMP_NUM_THREADS": "1"}, stdout=subprocess.PIPE, text=True, check=True
    )
    return Cost(**json.loads(done.stdout))


def _row(cost: Cost) -> tuple[str, ...]:
    seconds = (f"{value:.3f}" for value in (cost.read_s, cost.infer_s, cost.build_s, cost.total_s))
    size = f"{cost.size_bytes / 1e6:.0f}"
    return (*now_and_commit(), cost.file, size, str(cost.tensors), *seconds, f"{cost.above_mib:.0f}", machine())


if __name__ == "__main__":
    typer.run(bench)
