"""The command `doctor`: every check, each with what it found and what to do."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Final

from guildnet_cli import output
from guildnet_cli.call import Call
from guildnet_cli.doctor import cluster, install
from guildnet_cli.doctor.finding import FAULT, Finding, fault
from guildnet_cli.errors import FAILED, OK, CliError
from guildnet_cli.output import note, paint, plain, say
from guildnet_cli.reach.kubectl import RealKubectl

_WIDTH: Final = 20


def run(call: Call) -> int:
    """Exit code FAILED where there is a fault; what could not be told is none."""
    if call.format != "table":
        found = list(findings(call))
        output.emit([one._asdict() for one in found], (), call.format, name="check")
    else:
        found = []
        for one in findings(call):
            found.append(one)
            show(one)
    faults = sum(one.state == FAULT for one in found)
    note(f"{len(found)} checks, {faults} faults")
    return FAILED if faults else OK


def findings(call: Call) -> Iterator[Finding]:
    """Of the install, and of its cluster where a kubeconfig is given."""
    try:
        client = call.client_within(install.SECONDS)
    except CliError as error:
        yield fault("install", error.message, error.hint)
    else:
        yield from install.checks(client)
    kubeconfig = call.asked.kubeconfig or call.environ.get("KUBECONFIG", "")
    if kubeconfig:
        yield from cluster.checks(RealKubectl(call.asked.kubeconfig or ""), call.asked.namespace)
    else:
        note("note:  without KUBECONFIG or --kubeconfig the cluster itself is not asked")


def show(found: Finding) -> None:
    word = paint(f"{found.state:<8}", found.state, on=output.coloured(sys.stdout))
    say(f"{word}{found.check:<{_WIDTH}} {plain(found.says)}")
    if found.fix and found.state != "ok":
        say(f"{'':8}{'':{_WIDTH}} fix: {found.fix}")
