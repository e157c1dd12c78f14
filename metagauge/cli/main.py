"""The `metagauge` command."""

import sys
import traceback
from typing import NoReturn

import typer

from metagauge.cli.audit_command import audit
from metagauge.cli.exit_code import ExitCode
from metagauge.cli.inspect_command import inspect
from metagauge.cli.predict_command import predict
from metagauge.cli.predictors_command import predictors
from metagauge.cli.status_command import status
from metagauge.cli.terminal import complain
from metagauge.errors import MetagaugeError, RequestInvalidError

app = typer.Typer(
    name="metagauge",
    help="Judge neural networks from their weights.",
    epilog="Exit codes: 0 passed, 1 a requirement failed or networks differ, 2 could not be evaluated, 4 wrong usage.",
    add_completion=False,
    pretty_exceptions_enable=False,
)
for command in (predict, audit, inspect, status, predictors):
    app.command()(command)


def run() -> NoReturn:
    """Runs the command line and exits; the console script of the wheel."""
    sys.exit(outcome(sys.argv[1:]))


def outcome(arguments: list[str]) -> int:
    """Runs one command line and returns its exit code."""
    try:
        return app(arguments, standalone_mode=False, prog_name="metagauge") or ExitCode.PASSED
    except typer.TyperException as error:
        complain(f"{error.format_message()} (see metagauge --help)")
        return ExitCode.USAGE
    except RequestInvalidError as error:
        complain(str(error))
        return ExitCode.USAGE
    except MetagaugeError as error:
        complain(f"{error} ({error.code})")
        return ExitCode.NOT_EVALUATED
    except Exception:  # noqa: BLE001 - the process's main: python would exit with 1, which means a failed requirement
        traceback.print_exc()
        return ExitCode.NOT_EVALUATED
