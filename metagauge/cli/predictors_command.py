"""`metagauge predictors`: what the service can predict, and how well."""

from pydantic import TypeAdapter
from rich.table import Table

from metagauge.cli.options import DEFAULT_URL, AsJson, Url, connect
from metagauge.cli.terminal import out, plain, write_line
from metagauge.contract import PredictorSummary

_ADAPTER = TypeAdapter(tuple[PredictorSummary, ...])


def predictors(as_json: AsJson = False, url: Url = DEFAULT_URL) -> None:
    """List the predictors the service has."""
    with connect(url) as client:
        found = client.predictors()
    if as_json:
        write_line(_ADAPTER.dump_json(found, indent=2).decode())
        return
    table = Table(box=None, padding=(0, 2, 0, 0))
    for column in ("name", "version", "what it knows", "scores"):
        table.add_column(column, overflow="fold")
    for predictor in found:
        scores = ", ".join(f"{name} {score:.3g}" for name, score in predictor.scores.items())
        knows = f"{predictor.title}: {predictor.domain}"
        table.add_row(plain(predictor.name), str(predictor.version), plain(knows), plain(scores))
    out().print(table)
