"""logs: the newest lines, and every new one."""

from __future__ import annotations

import json
import re
import sys
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from guildnet_cli import client, output
from guildnet_cli.call import Call, seconds_of
from guildnet_cli.errors import OK, USAGE, CliError
from guildnet_cli.output import note, say
from guildnet_cli.verbs.listing import resumed
from guildnet_cli.wire import LogLine

_FRACTION: Final = re.compile(r"\.(\d{1,6})\d*")


class Printer:
    """Prints lines in one form; on a terminal without what it would obey."""

    def __init__(self, form: str, *, timestamps: bool, containers: bool) -> None:
        self._json = form == "json"
        self._timestamps = timestamps
        self._containers = containers
        self._safe = sys.stdout.isatty()
        self._colour = output.coloured(sys.stdout)

    def line(self, line: LogLine) -> None:
        if self._json:
            say(json.dumps(line, ensure_ascii=False))
            return
        text = line.get("msg", "")
        parts = [output.safe_line(text) if self._safe else text]
        if self._containers:
            parts.insert(0, f"[{line.get('container', '')}]")
        if self._timestamps:
            parts.insert(0, line.get("t", "-"))
        say(output.paint(" ".join(parts), line.get("lvl", ""), on=self._colour))


def run(call: Call) -> int:
    asked = call.asked
    printer = Printer(asked.output, timestamps=asked.timestamps, containers=asked.container == "*")
    if asked.lines < 0:
        raise CliError(USAGE, f"--lines {asked.lines} is no number of lines", "--lines 200")
    if asked.follow:
        return follow(call, printer)
    lines = call.client.log(
        asked.workspace, limit=str(asked.lines), since=asked.since, q=asked.grep, level=asked.level,
        container=asked.container, previous="true" if asked.previous else "",
    )  # fmt: skip
    for line in lines:
        printer.line(line)
    if not lines:
        note("no lines" + ("" if asked.previous else f"   (guildnet logs {asked.workspace} -f waits for some)"))
    return OK


def follow(call: Call, printer: Printer) -> int:
    """Until the stream says that it ends, or Ctrl-C. The stream has no `since`, so older lines are dropped here."""
    asked = call.asked
    since = moment(asked.since) if asked.since else None
    where = client.target(
        "/sse/logs", target=asked.workspace, tail=str(asked.lines), q=asked.grep, level=asked.level,
        container=asked.container, previous="true" if asked.previous else "",
    )  # fmt: skip
    for event in resumed(call.client, where):
        if event.name == "end":
            break
        if event.name:
            tell(event.name, event.data)
        elif since is None or _at(event.data) >= since:
            printer.line(event.data)
    return OK


def tell(name: str, data: Any) -> None:
    """What is no line of the log, on standard error."""
    if name == "source":
        restarts = f", restart {data['restart']}" if data.get("restart") else ""
        note(f"-- {data['container']} of {data['pod']}{restarts} --")
    elif name in ("status", "gap", "cut") and data.get("message"):
        note(f"-- {name}: {output.plain(data['message'])} --")


def moment(text: str) -> datetime:
    """The time of RFC 3339 or of an age like `10m`. Raises CliError for anything else."""
    if text[:1].isdigit() and "-" not in text:
        return datetime.now(UTC) - timedelta(seconds=seconds_of(text, "--since"))
    try:
        found = datetime.fromisoformat(_FRACTION.sub(r".\1", text))
    except ValueError:
        raise CliError(USAGE, f"--since {text!r} is no time", "--since 10m, or --since 2026-01-31T12:00:00Z") from None
    return found.replace(tzinfo=found.tzinfo or UTC)


def _at(line: LogLine) -> datetime:
    """A line without a time is new."""
    return moment(line["t"]) if line.get("t") else datetime.now(UTC)
