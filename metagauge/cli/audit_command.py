"""`metagauge audit`: checkpoints against requirements, for continuous integration."""

from pathlib import Path
from typing import Annotated, assert_never

import typer

from metagauge.cli.audit.assess import assess
from metagauge.cli.audit.judgement import Demands
from metagauge.cli.audit.judgement import audit as judge_all
from metagauge.cli.audit.output import OutputFormat, write
from metagauge.cli.audit.requirement import parse_requirement
from metagauge.cli.audit.verdict import Outcome
from metagauge.cli.exit_code import ExitCode
from metagauge.cli.follow import Asked
from metagauge.cli.options import (
    DEFAULT_DEADLINE_S,
    DEFAULT_URL,
    ClassOrder,
    DeadlineS,
    InputMean,
    InputStd,
    PredictorName,
    Url,
    connect,
    declarations,
)
from metagauge.errors import RequestInvalidError


def audit(
    files: Annotated[
        list[Path],
        typer.Argument(metavar="FILE...", exists=True, readable=True, help="Checkpoints, or folders of one."),
    ],
    require: Annotated[
        list[str] | None,
        typer.Option(metavar="REQUIREMENT", help="Such as 'test_accuracy>=0.5' or 'test_accuracy.low>=0.5'."),
    ] = None,
    max_regression: Annotated[
        float | None, typer.Option(metavar="DROP", min=0.0, help="Allowed drop of test accuracy below --baseline.")
    ] = None,
    baseline: Annotated[
        Path | None,
        typer.Option(metavar="FILE", exists=True, dir_okay=False, readable=True, help="What to compare with."),
    ] = None,
    output_format: Annotated[OutputFormat, typer.Option("--format", help="How to print it.")] = OutputFormat.TEXT,
    allow_abstain: Annotated[
        bool, typer.Option("--allow-abstain", help="A checkpoint outside what the predictor knows is no failure.")
    ] = False,
    predictor: PredictorName = None,
    input_mean: InputMean = "",
    input_std: InputStd = "",
    class_order: ClassOrder = "",
    url: Url = DEFAULT_URL,
    deadline_s: DeadlineS = DEFAULT_DEADLINE_S,
) -> None:
    """Check what is predicted of checkpoints against requirements; exit 0, 1 (failed) or 2 (not evaluated)."""
    if (max_regression is None) is not (baseline is None):
        raise RequestInvalidError("--max-regression and --baseline need each other")
    requirements = tuple(parse_requirement(text) for text in require or ())
    if not requirements and max_regression is None:
        raise RequestInvalidError("nothing is demanded: give --require, or --max-regression with --baseline")
    demands = Demands(requirements=requirements, max_regression=max_regression, allow_abstain=allow_abstain)
    asked = Asked(predictor=predictor, declared=declarations(input_mean, input_std, class_order))
    with connect(url) as client:
        before = None if baseline is None else assess(client, baseline, asked=asked, deadline_s=deadline_s)
        found = tuple(assess(client, path, asked=asked, deadline_s=deadline_s) for path in files)
    verdict = judge_all(found, demands, before)
    write(verdict, output_format)
    raise typer.Exit(_exit_code(verdict.outcome))


def _exit_code(outcome: Outcome) -> ExitCode:
    match outcome:
        case Outcome.PASSED | Outcome.ABSTAINED:
            return ExitCode.PASSED
        case Outcome.FAILED:
            return ExitCode.REQUIREMENT_FAILED
        case Outcome.NOT_EVALUATED:
            return ExitCode.NOT_EVALUATED
        case _:
            assert_never(outcome)
