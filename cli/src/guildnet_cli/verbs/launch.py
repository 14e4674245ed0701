"""launch and open: from a preset or an image to a page in a browser."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from typing import Any, Final

from guildnet_cli import output
from guildnet_cli.call import Call, only, pair, seconds_of
from guildnet_cli.client import Client
from guildnet_cli.errors import CONFLICT, FAILED, NOT_FOUND, OK, TIMED_OUT, UNREACHABLE, USAGE, CliError
from guildnet_cli.output import Column, note, say
from guildnet_cli.verbs.why import explain
from guildnet_cli.wire import Server

POLL_SECONDS: Final = 0.5
_COLUMNS: Final = (Column("NAME", "id"), Column("STATUS", "status"), Column("URL", "url"))


def run(call: Call) -> int:
    asked, client = call.asked, call.client
    seconds = seconds_of(asked.timeout, "--timeout")
    spec = job(asked, lambda: {one["name"]: one["image"] for one in client.images()})
    started = time.monotonic()
    name = client.launch(spec)
    note(f"launched {name}")
    if asked.wait or asked.open:
        wait_ready(client, name, seconds, started)
    server = client.server(name)
    if call.format == "table":
        say(name)
    else:
        output.emit([server], _COLUMNS, call.format, one=True)
    if asked.open:
        return _open(url_of(client, server, None), browser=sys.stderr.isatty())
    ready = server["status"] == "running"
    note(f"next:  guildnet open {name}" if ready else f"next:  guildnet why {name}, or guildnet open {name}")
    return OK


def job(asked: Any, presets: Callable[[], dict[str, str]]) -> dict[str, Any]:
    """The body of POST /api/jobs. `presets` gives the image of each preset by name; raises CliError for an argument
    that cannot be read."""
    image, preset = _image(asked.what, presets())
    resources = only({"cpu": asked.cpu, "memory": asked.memory})
    spec = only(
        {
            "image": image,
            "presetsRef": preset,
            "name": asked.name,
            "command": _split(asked.command) if asked.command else None,
            "args": asked.arg or None,
            "env": dict(pair(one, "--env") for one in asked.env) or None,
            "labels": dict(pair(one, "--label") for one in asked.label) or None,
            "expose": [_port(one) for one in asked.port] or None,
            "resources": resources or None,
            "exposure": _exposure(asked.exposure) if asked.exposure else None,
            "notes": asked.notes,
        }
    )
    if asked.storage:
        spec["storage"] = None if asked.storage == "none" else {"size": asked.storage}
    return spec


def _image(what: str, presets: dict[str, str]) -> tuple[str, str | None]:
    """A word that is no preset and has neither `/` nor `:` is more likely a slip than an image."""
    if what in presets:
        return presets[what], what
    if "/" in what or ":" in what:
        return what, None
    known = ", ".join(sorted(presets)) or "none"
    raise CliError(
        NOT_FOUND, f"there is no preset {what!r} (this install has: {known})", f"for the image: {what}:latest"
    )


def _exposure(text: str) -> dict[str, str]:
    kind, _, domain = text.partition(":")
    return {"type": kind} | ({"domain": domain} if domain else {})


def _split(command: str) -> list[str]:
    import shlex

    try:
        return shlex.split(command)
    except ValueError as error:
        raise CliError(USAGE, f"--command {command!r} is no command line: {error}", "close the quotes") from None


def _port(text: str) -> dict[str, Any]:
    number, _, name = text.partition(":")
    if not number.isascii() or not number.isdecimal():
        raise CliError(USAGE, f"--port {text!r} is no port", "--port 3000, or --port 3000:admin")
    return {"port": int(number), **({"name": name} if name else {})}


def wait_ready(client: Client, name: str, seconds: float, started: float) -> None:
    """Show conditions as they change, until the workspace is ready.

    Raises CliError: FAILED when it has failed or is stopped, TIMED_OUT after `seconds`.
    """
    shown: dict[str, tuple[str, str]] = {}
    while True:
        server = _asked(client, name)
        elapsed = time.monotonic() - started
        if server is not None:
            for line in changes(server, shown):
                note(f"{elapsed:6.1f} s  {line}")
            if server["status"] == "running":
                note(f"{elapsed:6.1f} s  ready")
                return
            if server["status"] in ("failed", "stopped"):
                told = server.get("message") or server["status"]
                raise CliError(FAILED, f"{name}: {output.plain(told)}", explain(server).do)
        if elapsed > seconds:
            raise CliError(TIMED_OUT, f"{name} is not ready after {seconds:.0f} s", f"guildnet why {name}")
        time.sleep(POLL_SECONDS)


def _asked(client: Client, name: str) -> Server | None:
    """None while the install does not answer: it may be restarted while somebody waits."""
    try:
        return client.server(name)
    except CliError as error:
        if error.code != UNREACHABLE:
            raise
        return None


def changes(server: Server, shown: dict[str, tuple[str, str]]) -> Iterator[str]:
    """A line for each condition that says something else than before; `shown` is brought up to date."""
    for condition in server.get("conditions", ()):
        now = (condition["status"], condition.get("message", ""))
        if shown.get(condition["type"]) != now and condition["type"] not in ("Stopped", "Progressing"):
            shown[condition["type"]] = now
            reason = condition.get("reason", condition["status"])
            yield f"{condition['type']:<13} {reason:<16} {output.plain(condition.get('message', ''))}"


def open_(call: Call) -> int:
    server = call.client.server(call.asked.workspace)
    if server["status"] != "running":
        told = explain(server)
        raise CliError(CONFLICT, f"{server['id']} is {server['status']}: {output.plain(told.message)}", told.do)
    url = url_of(call.client, server, call.asked.port)
    done = _open(url, browser=not call.asked.print and sys.stdout.isatty(), printed=True)
    if sys.stderr.isatty() and (password := call.client.password(server["id"])):
        note(f"note:  if it asks for a password: {password}")
    return done


def url_of(client: Client, server: Server, port: int | None) -> str:
    """Where it is opened: its own origin, else its path. Raises CliError for a port that it does not declare."""
    ports = [one["port"] for one in server.get("ports", ())]
    if port is not None and port not in ports:
        known = ", ".join(map(str, ports)) or "none"
        raise CliError(
            NOT_FOUND, f"{server['id']} has no port {port} (it has {known})", f"guildnet edit {server['id']}"
        )
    if port is not None and port != ports[0]:
        return f"{client.url}{server['proxy_url']}~{port}/"
    return server.get("url") or f"{client.url}{server['proxy_url']}"


def _open(url: str, *, browser: bool, printed: bool = False) -> int:
    (say if printed else note)(url)
    if browser:
        import webbrowser

        if not webbrowser.open(url):
            note("note:  no browser was found; open the address yourself")
    return OK
