"""Exit codes, and the one exception that ends a command. Each says what failed and what to do next."""

from __future__ import annotations

from typing import Final, NamedTuple

OK: Final = 0
FAILED: Final = 1
USAGE: Final = 2
NOT_FOUND: Final = 3
NOT_LOGGED_IN: Final = 4
FORBIDDEN: Final = 5
CONFLICT: Final = 6
UNREACHABLE: Final = 7
TIMED_OUT: Final = 8
INTERRUPTED: Final = 130


class ExitCode(NamedTuple):
    """A row of the documented table."""

    code: int
    meaning: str


EXIT_CODES: Final = (
    ExitCode(OK, "Done."),
    ExitCode(FAILED, "Failed: the workspace failed, the server refused the request, or `doctor` found a fault."),
    ExitCode(USAGE, "The command line is wrong; nothing was done."),
    ExitCode(NOT_FOUND, "There is no such workspace, preset, container or install."),
    ExitCode(NOT_LOGGED_IN, "Not logged in, or the token is not valid any more."),
    ExitCode(FORBIDDEN, "Logged in, but not allowed to."),
    ExitCode(CONFLICT, "The workspace is not in a state for this, or somebody else changed it first."),
    ExitCode(UNREACHABLE, "The install does not answer, or is not ready."),
    ExitCode(TIMED_OUT, "Waited as long as `--timeout` says."),
    ExitCode(INTERRUPTED, "Interrupted (Ctrl-C)."),
)
"""Stable: scripts compare them. The reference page is made of this table."""


class CliError(Exception):
    """Ends a command with `code`. `message` says what failed, `hint` the next step.

    `api_code` is the server's own stable code where the server refused.
    """

    def __init__(self, code: int, message: str, hint: str = "", *, api_code: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint
        self.api_code = api_code
