"""Host: exactly one, and a name of this install (RFC 9112, section 3.2; RFC 9110, section 7.2)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from proofs.vectors.vector import Vector, forwarded, refused

CLAUSE: Final = "RFC 9112, 3.2"
NAMES: Final = "RFC 9110, 7.4"
_BAD: Final = {
    "host-none": b"",
    "host-twice-equal": b"Host: %HOST%\r\nHost: %HOST%\r\n",
    "host-twice-other-second": b"Host: %HOST%\r\nHost: other.example\r\n",
    "host-twice-other-first": b"Host: other.example\r\nHost: %HOST%\r\n",
    "host-twice-in-two-cases": b"Host: %HOST%\r\nhOST: %HOST%\r\n",
    "host-twice-second-empty": b"Host: %HOST%\r\nHost:\r\n",
    "host-three": b"Host: %HOST%\r\nHost: %HOST%\r\nHost: %HOST%\r\n",
    "host-space-before-colon": b"Host : %HOST%\r\n",
    "host-tab-before-colon": b"Host\t: %HOST%\r\n",
    "host-second-with-space-before-colon": b"Host: %HOST%\r\nHost : other.example\r\n",
    "host-folded": b"Host:\r\n %HOST%\r\n",
    "host-folded-before": b" Host: %HOST%\r\n",
    "host-second-folded-away": b"Host: %HOST%\r\nX: a\r\n Host: other.example\r\n",
    "host-underscored": b"Ho_st: %HOST%\r\n",
    "host-of-another-name": b"X-Host: %HOST%\r\n",
    "host-control": b"Host: %HOST%\x01\r\n",
    "host-nul": b"Host: %HOST%\x00.other.example\r\n",
    "host-vertical-tab": b"Host:\x0b%HOST%\r\n",
}
_OTHERS: Final = {
    "host-empty": b"",
    "host-other": b"other.example",
    "host-list": b"%HOST%, other.example",
    "host-two-names": b"%HOST% other.example",
    "host-userinfo": b"a@%HOST%",
    "host-userinfo-before-other": b"%HOST%@other.example",
    "host-scheme": b"http://%HOST%",
    "host-path": b"%HOST%/v",
    "host-query": b"%HOST%?a",
    "host-fragment": b"%HOST%#a",
    "host-backslash": b"%HOST%\\a",
    "host-port-twice": b"%HOST%:80",
    "host-port-longer": b"%HOST%1",
    "host-port-not-a-number": b"guildnet.localhost:http",
    "host-port-too-large": b"guildnet.localhost:65536",
    "host-port-empty": b"guildnet.localhost:",
    "host-port-negative": b"guildnet.localhost:-1",
    "host-without-port": b"guildnet.localhost",
    "host-trailing-dot": b"x.guildnet.localhost.",
    "host-address": b"127.0.0.1",
    "host-ipv6": b"[::1]",
    "host-ipv6-open": b"[::1",
    "host-name-below": b"a.%HOST%",
    "host-not-ascii": "ünder.guildnet.localhost".encode(),
    "host-quoted": b'"%HOST%"',
    "host-percent": b"%2577.guildnet.localhost",
    "host-asterisk": b"*",
    "host-semicolon": b"%HOST%;a",
    "host-very-long": b"a" * 5000,
}


def vectors() -> Iterator[Vector]:
    rest = b"Cookie: %COOKIE%\r\n\r\n"
    for name, fields in _BAD.items():
        yield refused(name, CLAUSE, b"GET /v HTTP/1.1\r\n" + fields + rest)
    for name, host in _OTHERS.items():
        raw = b"GET /v HTTP/1.1\r\nHost: " + host + b"\r\n" + rest
        # The bytes are good, only the name is not ours: the connection goes on.
        yield forwarded(name, NAMES, raw, 421, closes=False)
    yield forwarded("host-tabs-around", "RFC 9110, 5.5", b"GET /v HTTP/1.1\r\nHost:\t%HOST% \t\r\n" + rest)
    yield forwarded("host-without-space", "RFC 9112, 5.1", b"GET /v HTTP/1.1\r\nHost:%HOST%\r\n" + rest)
    yield forwarded("host-behind-others", "RFC 9110, 7.2", b"GET /v HTTP/1.1\r\nX: a\r\nHost: %HOST%\r\n" + rest)
    yield forwarded("host-in-upper-case", "RFC 9110, 5.1", b"GET /v HTTP/1.1\r\nHOST: %HOST%\r\n" + rest)
    yield refused("host-none-on-1.0", CLAUSE, b"GET /v HTTP/1.0\r\n" + rest)
    absolute = b"GET http://%HOST%/v HTTP/1.1\r\n"
    yield refused("host-none-with-absolute", "RFC 9112, 3.2.2", absolute + rest)
    yield refused("host-other-than-absolute", "RFC 9112, 3.2.2", absolute + b"Host: other.example\r\n" + rest)
    yield refused("host-empty-with-absolute", "RFC 9112, 3.2.2", absolute + b"Host:\r\n" + rest)
