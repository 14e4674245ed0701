"""Listeners that answer for every address there is: in a network namespace whose only interface is loopback, and whose
every address is local. They note at which address and port each connection arrived."""

from __future__ import annotations

import asyncio
import socket
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from ipaddress import IPv6Address, ip_address
from typing import Final

Place = tuple[str, int]

_REDIRECT: Final = b"/redirect-to/"


def make_every_address_local() -> None:
    """Needs root, in a network namespace of its own."""
    for command in (
        "link set lo up", "route add local 0.0.0.0/0 dev lo", "-6 route add local ::/0 dev lo",
    ):  # fmt: skip
        subprocess.run(["ip", *command.split()], check=True)


class Canaries:
    """`seen` are the places at which connections arrived, in order."""

    def __init__(self) -> None:
        self.seen: list[Place] = []

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        address, port = writer.get_extra_info("sockname")[:2]
        self.seen.append((plain(address), port))
        try:
            async with asyncio.timeout(10):
                head = await reader.readuntil(b"\r\n\r\n")
            target = head.split(b" ")[1]
            location = b""
            if _REDIRECT in target:
                location = b"Location: http://%b/\r\n" % target.partition(_REDIRECT)[2]
            writer.write(
                b"HTTP/1.1 %b\r\n%bContent-Length: 3\r\nConnection: close\r\n\r\nhi\n"
                % (b"302 Found" if location else b"200 OK", location)
            )
            await writer.drain()
        except (OSError, EOFError, TimeoutError, IndexError):
            pass
        finally:
            writer.close()


def plain(address: str) -> str:
    """One spelling of an address; an IPv4 one that came as IPv6 is that."""
    found = ip_address(address.partition("%")[0])
    mapped = found.ipv4_mapped if isinstance(found, IPv6Address) else None
    return str(mapped or found)


@asynccontextmanager
async def listening(ports: tuple[int, ...]) -> AsyncIterator[Canaries]:
    """Canaries at these ports of every address while the block runs."""
    canaries = Canaries()
    servers = []
    for port in ports:
        for family, everywhere in ((socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::")):
            servers.append(await asyncio.start_server(canaries.answer, everywhere, port, family=family, limit=2**16))
    try:
        yield canaries
    finally:
        for server in servers:
            server.close()


async def dial(place: Place) -> bool:
    """Does a connection to the very place come about?"""
    try:
        async with asyncio.timeout(3):
            _, writer = await asyncio.open_connection(*place)
    except (OSError, TimeoutError):
        return False
    writer.close()
    return True
