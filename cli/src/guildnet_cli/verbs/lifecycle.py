"""stop, start, restart, delete: one or several workspaces, each by itself."""

from __future__ import annotations

import sys
from typing import Final

from guildnet_cli.call import Call
from guildnet_cli.errors import FAILED, OK, USAGE, CliError
from guildnet_cli.main import complain
from guildnet_cli.output import note, say

_DONE: Final = {"stop": "stopped", "start": "starting", "restart": "restarting", "delete": "deleted"}


def run(call: Call) -> int:
    """The exit code is that of the first that failed; the others are done all the same."""
    names, verb = list(dict.fromkeys(call.asked.workspaces)), call.verb
    if verb == "delete" and not call.asked.yes and not _confirmed(names):
        note("nothing was deleted")
        return FAILED
    status = OK
    for name in names:
        try:
            call.client.act(name, verb)
            say(f"{_DONE[verb]} {name}")
        except CliError as problem:
            complain(problem)
            status = status or problem.code
    if verb in ("start", "restart") and status == OK:
        note(f"next:  guildnet why {names[0]}, or guildnet open {names[0]}")
    return status


def _confirmed(names: list[str]) -> bool:
    if not sys.stdin.isatty():
        raise CliError(USAGE, "delete has nobody to ask here", f"guildnet delete {' '.join(names)} --yes")
    print(f"delete {', '.join(names)}, volumes included? [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")
