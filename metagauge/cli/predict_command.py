"""`metagauge predict`: what the service says about one checkpoint."""

import typer

from metagauge.cli.exit_code import ExitCode
from metagauge.cli.follow import Asked, Upload, judge
from metagauge.cli.options import (
    DEFAULT_DEADLINE_S,
    DEFAULT_URL,
    ArchitectureFile,
    AsJson,
    ClassOrder,
    DeadlineS,
    InputMean,
    InputStd,
    NetworkPaths,
    PredictorName,
    Url,
    connect,
    declarations,
)
from metagauge.cli.report_view import job_view
from metagauge.cli.terminal import out, write_line
from metagauge.contract import Job, JobStatus


def predict(
    files: NetworkPaths,
    architecture: ArchitectureFile = None,
    predictor: PredictorName = None,
    input_mean: InputMean = "",
    input_std: InputStd = "",
    class_order: ClassOrder = "",
    as_json: AsJson = False,
    url: Url = DEFAULT_URL,
    deadline_s: DeadlineS = DEFAULT_DEADLINE_S,
) -> None:
    """Upload a checkpoint, with the files that belong to it, and print what the service predicts."""
    asked = Asked(predictor=predictor, declared=declarations(input_mean, input_std, class_order))
    with connect(url) as client:
        upload = Upload.of_all(files, architecture=architecture, asked=asked)
        job = judge(client, upload, deadline_s=deadline_s)
    show(job, as_json=as_json)
    if job.status is not JobStatus.SUCCEEDED:
        raise typer.Exit(ExitCode.NOT_EVALUATED)


def show(job: Job, *, as_json: bool) -> None:
    """Prints `job` for a program or for a person."""
    if as_json:
        write_line(job.model_dump_json(indent=2))
    else:
        out().print(job_view(job))
