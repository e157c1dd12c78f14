"""`metagauge status`: one job as it stands."""

from typing import Annotated

import typer

from metagauge.cli.exit_code import ExitCode
from metagauge.cli.options import DEFAULT_URL, AsJson, Url, connect
from metagauge.cli.predict_command import show
from metagauge.contract import JobStatus


def status(
    job_id: Annotated[str, typer.Argument(metavar="ID", help="The id that POST /predict answered.")],
    as_json: AsJson = False,
    url: Url = DEFAULT_URL,
) -> None:
    """Print one job as it stands."""
    with connect(url) as client:
        job = client.job(job_id)
    show(job, as_json=as_json)
    if job.status.is_final and job.status is not JobStatus.SUCCEEDED:
        raise typer.Exit(ExitCode.NOT_EVALUATED)
