"""What the command line tells the shell."""

from enum import IntEnum


class ExitCode(IntEnum):
    """Exit codes, the same for every command."""

    PASSED = 0
    REQUIREMENT_FAILED = 1
    DIFFERENT = 1
    NOT_EVALUATED = 2
    USAGE = 4
