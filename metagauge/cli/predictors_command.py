"""`metagauge predictors`: what the service can predict, and how well."""

from typing import Annotated

import typer
from pydantic import TypeAdapter
from rich.console import Group, RenderableType
from rich.text import Text

from metagauge.cli.options import DEFAULT_URL, AsJson, Url, connect
from metagauge.cli.terminal import out, plain, write_line
from metagauge.contract import PredictorSummary

_ADAPTER = TypeAdapter(tuple[PredictorSummary, ...])

CardOf = Annotated[str | None, typer.Option("--card", metavar="NAME", help="Print the model card of one, in Markdown.")]


def predictors(card: CardOf = None, as_json: AsJson = False, url: Url = DEFAULT_URL) -> None:
    """List the predictors the service has, with their scores on unseen architectures; or print the card of one."""
    with connect(url) as client:
        if card is not None:
            write_line("\n".join(plain(line).plain for line in client.card(card).splitlines()))
            return
        found = client.predictors()
    if as_json:
        write_line(_ADAPTER.dump_json(found, indent=2).decode())
    else:
        out().print(Group(*(_view(predictor) for predictor in found)))


def _view(predictor: PredictorSummary) -> RenderableType:
    scores = "  ".join(f"{name} {score:.3g}" for name, score in predictor.scores.items())
    return Group(
        Text.assemble(plain(predictor.name, "bold"), f" v{predictor.version}  ", plain(predictor.title)),
        Text.assemble("  ", plain(predictor.domain)),
        Text.assemble("  ", plain(scores or "no scores are known", "cyan")),
    )
