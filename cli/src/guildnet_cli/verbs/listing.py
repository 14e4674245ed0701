"""list: the workspaces there are, once or with every change."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from guildnet_cli import output
from guildnet_cli.call import Call
from guildnet_cli.client import Client
from guildnet_cli.errors import OK, UNREACHABLE, CliError
from guildnet_cli.output import Column, say
from guildnet_cli.sse import Event
from guildnet_cli.wire import Server

COLUMNS: Final = (
    Column("NAME", "id"), Column("STATUS", "status"), Column("OWNER", "owner"), Column("AGE", "age"),
    Column("IMAGE", "image"), Column("REASON", "reason"),
)  # fmt: skip
RETRY_SECONDS: Final = 1.0
MAX_RETRY_SECONDS: Final = 15.0


def run(call: Call) -> int:
    asked = call.asked
    if asked.watch:
        return watch(call)
    found = call.client.servers(q=asked.query, status=asked.status, owner=asked.owner)
    if call.format == "table":
        if not found:
            output.note("no workspaces   (guildnet launch PRESET --open makes one)")
            return OK
        output.emit([row(one) for one in found], COLUMNS, "table")
    else:
        output.emit(found, COLUMNS, call.format)
    return OK


def row(server: Server) -> dict[str, Any]:
    """A line of the table: the server with its age."""
    return {**server, "age": age_of(server.get("created_at", ""))}


def age_of(created: str) -> str:
    """The age of an RFC 3339 time; "" where there is none."""
    if not created:
        return ""
    return output.age((datetime.now(UTC) - datetime.fromisoformat(created)).total_seconds())


def watch(call: Call) -> int:
    """A line for each workspace and each change: never the whole list again for one of them."""
    asked, form = call.asked, call.format
    known: set[str] = set()
    if form == "table":
        say(_line({column.key: column.title for column in COLUMNS}, colour=False))
    for event in resumed(call.client, "/sse/servers"):
        if event.name == "server" and (
            matches(event.data, asked.query, asked.status, asked.owner) or event.data["id"] in known
        ):
            known.add(event.data["id"])
            _show(event.data, form)
        elif event.name == "gone" and event.data["id"] in known:
            known.discard(event.data["id"])
            _show({"id": event.data["id"], "status": "gone"}, form)
        elif event.name == "synced" and event.data.get("full"):
            for name in sorted(known.difference(event.data.get("ids", ()))):
                known.discard(name)
                _show({"id": name, "status": "gone"}, form)
    return OK


def matches(server: Server, query: str, status: str, owner: str) -> bool:
    """The filters of the list, which the stream does not have."""
    wanted = [part for part in status.split(",") if part]
    if (wanted and server["status"] not in wanted) or (owner and server.get("owner") != owner):
        return False
    texts = (server["id"], server["image"], server.get("owner", ""), server.get("notes", ""))
    return any(query.casefold() in text.casefold() for text in texts)


def _show(server: Server, form: str) -> None:
    if form == "json":
        say(json.dumps(server, ensure_ascii=False))
    elif form == "yaml":
        import yaml

        say("---\n" + yaml.safe_dump(dict(server), sort_keys=False, allow_unicode=True).rstrip("\n"))
    elif form == "name":
        say(output.plain(server["id"]))
    else:
        say(_line(row(server), colour=output.coloured(sys.stdout)))


_WIDTHS: Final = (30, 9, 24, 5, 40, 0)


def _line(values: Mapping[str, Any], *, colour: bool) -> str:
    """A line of fixed widths: what is still to come is not known."""
    cells = [output.plain(values.get(column.key)) or "-" for column in COLUMNS]
    padded = [output.paint(cell.ljust(width), cell, on=colour) for cell, width in zip(cells, _WIDTHS, strict=True)]
    return "  ".join(padded).rstrip()


def resumed(client: Client, target: str) -> Iterator[Event]:
    """Events of a stream that is opened again, after the last id, whenever it ends. The first failure is raised, a
    later one waited out while the server may be there again."""
    last, failures = "", 0
    opened = False
    while True:
        try:
            for event in client.stream(target, last):
                opened, failures = True, 0
                last = event.id
                if event.name == "cut":
                    last = event.data.get("lastEventId") or last
                yield event
        except CliError as error:
            if not opened or error.code != UNREACHABLE:
                raise
        failures += 1
        time.sleep(min(RETRY_SECONDS * failures, MAX_RETRY_SECONDS))
