"""forward: ports of a workspace as ports of this machine."""

from __future__ import annotations

import selectors
import socket
import threading
from contextlib import ExitStack
from typing import Final, NamedTuple

from guildnet_cli import output
from guildnet_cli.call import Call
from guildnet_cli.client import Client, told
from guildnet_cli.errors import CONFLICT, FAILED, NOT_FOUND, USAGE, CliError
from guildnet_cli.output import note, say
from guildnet_cli.reach.tunnel import BrokenTunnelError, Pump
from guildnet_cli.verbs.why import explain

_BACKLOG: Final = 64
_MAX_PORT: Final = 65535


class Ports(NamedTuple):
    """A port of a workspace, and the one here; 0 for a free one."""

    here: int
    there: int


def run(call: Call) -> int:
    """Until Ctrl-C, which ends every command."""
    asked, client = call.asked, call.client
    wanted = [ports_of(text) for text in asked.ports]
    server = client.server(asked.workspace)
    name = server["id"]
    declared = [one["port"] for one in server.get("ports", ())]
    for one in wanted:
        if one.there not in declared:
            known = ", ".join(map(str, declared)) or "none"
            raise CliError(NOT_FOUND, f"{name} has no port {one.there} (it has {known})", f"guildnet edit {name}")
    if server["status"] != "running":
        why = explain(server)
        raise CliError(CONFLICT, f"{name} is {server['status']}: {output.plain(why.message)}", why.do)
    with ExitStack() as stack, selectors.DefaultSelector() as selector:
        for one in wanted:
            listener = stack.enter_context(listen(asked.address, one.here))
            selector.register(listener, selectors.EVENT_READ, one.there)
            host, port = listener.getsockname()[:2]
            say(f"{f'[{host}]' if ':' in host else host}:{port} -> {name}:{one.there}")
        note("Ctrl-C ends it")
        while True:
            for key, _ in selector.select():
                accept(key.fileobj, client, name, key.data)  # type: ignore[arg-type]  # it was registered with its socket


def ports_of(text: str) -> Ports:
    """Ports of `[HERE:]PORT`. Raises CliError for anything else."""
    here, colon, there = text.rpartition(":")
    numbers = [here or "0", there] if colon else [there, there]
    if not all(one.isascii() and one.isdecimal() and int(one[:6]) <= _MAX_PORT for one in numbers) or int(there) == 0:
        raise CliError(USAGE, f"{text!r} is not [HERE:]PORT", "a port like 5432, or 8080:80")
    return Ports(int(numbers[0]), int(numbers[1]))


def listen(address: str, port: int) -> socket.socket:
    """A listener. Raises CliError where there can be none."""
    try:
        family = socket.getaddrinfo(address, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)[0][0]
        return socket.create_server((address, port), family=family, backlog=_BACKLOG)
    except OSError as error:
        hint = f"another port here, like {port + 10000 if port < 50000 else 0}:PORT"
        raise CliError(FAILED, f"cannot listen on {address} port {port}: {told(error)}", hint) from None


def accept(listener: socket.socket, client: Client, name: str, port: int) -> None:
    """A thread for each connection: none waits for another."""
    try:
        local, _ = listener.accept()
        # Small messages go on at once: else the second of two waits until the first was acknowledged, 40 ms.
        local.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except OSError:
        return
    threading.Thread(target=carry, args=(local, client, name, port), daemon=True).start()


def carry(local: socket.socket, client: Client, name: str, port: int) -> None:
    """One connection from its first byte to its last; what ends it otherwise than well is told on standard error."""
    with local:
        try:
            connection, early = client.tunnel(name, port)
        except CliError as error:
            note(f"{name}:{port}: {output.plain(error.message)}" + (f"   ({error.hint})" if error.hint else ""))
            return
        try:
            Pump(local, connection.sock, early).run()
        except BrokenTunnelError as error:
            note(f"{name}:{port}: {error}")
        except OSError as error:
            note(f"{name}:{port}: {told(error)}")
        finally:
            connection.close()
