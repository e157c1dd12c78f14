"""Options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

from metagauge.client.client import Client
from metagauge.contract import Declarations
from metagauge.declarations import MEAN, ORDER, STD, parse

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
InputMean = Annotated[
    str,
    typer.Option(
        "--input-mean",
        metavar="R,G,B",
        help="Mean that the network's inputs were normalised by, for pixels from 0 to 1, such as 0.4914,0.4822,0.4465."
        " Needs --input-std; without them those of the predictor's own networks are assumed.",
    ),
]
InputStd = Annotated[
    str, typer.Option("--input-std", metavar="R,G,B", help="Standard deviation likewise, such as 0.247,0.2435,0.2616.")
]
ClassOrder = Annotated[
    str,
    typer.Option(
        "--class-order",
        metavar="CLASSES",
        help="CIFAR-10's ten classes, by name or number, in the order of the network's outputs, with commas between"
        " them. Without it CIFAR-10's own order is assumed.",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON and nothing else on stdout.")]
DeadlineS = Annotated[
    float, typer.Option("--timeout", metavar="SECONDS", min=0.0, help="How long to wait for each job to finish.")
]
DEFAULT_DEADLINE_S = 900.0


def declarations(input_mean: str, input_std: str, class_order: str) -> Declarations:
    """What the options of these names declare; an empty one declares nothing.

    Raises:
        DeclarationInvalidError: what one of them says cannot be so.
    """
    return parse({MEAN: input_mean, STD: input_std, ORDER: class_order})


def connect(url: str) -> Client:
    """The client of the service at `url`."""
    return Client(url)
