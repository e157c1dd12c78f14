"""Options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

from metagauge.client.client import Client

Url = Annotated[str, typer.Option("--url", envvar="METAGAUGE_URL", help="Address of the service.")]
DEFAULT_URL = "http://127.0.0.1:8000"
NetworkPath = Annotated[
    Path,
    typer.Argument(
        metavar="FILE", exists=True, readable=True, help="A safetensors or ONNX file, an index of shards, or a folder."
    ),
]
NetworkPaths = Annotated[
    list[Path],
    typer.Argument(
        metavar="FILE...",
        exists=True,
        readable=True,
        help="A safetensors or ONNX file, an index of shards, or a folder; or all files of one network.",
    ),
]
ArchitectureFile = Annotated[
    Path | None,
    typer.Option(
        "--architecture",
        metavar="FILE",
        exists=True,
        dir_okay=False,
        readable=True,
        help="JSON: its specification, a Hugging Face config.json, or hints on what tensors leave open, such as"
        ' {"num_heads": 12}.',
    ),
]
PredictorName = Annotated[str | None, typer.Option("--predictor", metavar="NAME", help="Which predictor to ask.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON and nothing else on stdout.")]
DeadlineS = Annotated[
    float, typer.Option("--timeout", metavar="SECONDS", min=0.0, help="How long to wait for each job to finish.")
]
DEFAULT_DEADLINE_S = 900.0


def connect(url: str) -> Client:
    """The client of the service at `url`."""
    return Client(url)
