"""A DNS server (RFC 1035) for the C library's resolver: names whose answers change with every question."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections import Counter
from collections.abc import Mapping, Sequence
from ipaddress import ip_address
from typing import Final

Answers = Sequence[Sequence[str]]
"""The addresses of each question in turn, the last for all that follow; A and AAAA are questions of their own."""
_TYPES: Final = {4: 1, 6: 28}


class Names(asyncio.DatagramProtocol):
    """`answers` by name, without its last dot; any other name is not there."""

    def __init__(self, answers: Mapping[str, Answers]) -> None:
        self._answers = answers
        self.asked: Counter[tuple[str, int]] = Counter()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: asyncio.DatagramTransport = transport  # type: ignore[assignment]  # of UDP, which typeshed does not say

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        labels, at = [], 12
        while data[at]:
            labels.append(data[at + 1 : at + 1 + data[at]].decode("latin-1").lower())
            at += 1 + data[at]
        question = data[12 : at + 5]
        (kind,) = struct.unpack_from(">H", data, at + 1)
        name = ".".join(labels)
        turns = self._answers.get(name)
        turn = self.asked[name, kind]
        self.asked[name, kind] += 1
        found = [ip_address(text) for text in turns[min(turn, len(turns) - 1)]] if turns else []
        records = [
            b"\xc0\x0c" + struct.pack(">HHIH", kind, 1, 0, len(one.packed)) + one.packed
            for one in found
            if _TYPES[one.version] == kind
        ]
        flags = 0x8180 if turns else 0x8183
        head = data[:2] + struct.pack(">HHHHH", flags, 1, len(records), 0, 0)
        self._transport.sendto(head + question + b"".join(records), addr)


async def serve(answers: Mapping[str, Answers]) -> Names:
    """At 127.0.0.1:53, which /etc/resolv.conf has to name."""
    names = Names(answers)
    await asyncio.get_running_loop().create_datagram_endpoint(lambda: names, ("127.0.0.1", 53), family=socket.AF_INET)
    return names
