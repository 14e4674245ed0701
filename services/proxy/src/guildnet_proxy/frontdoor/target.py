"""Target: what a path of the control origin names, parsed with every check. Pure.

Our part of the path (`/proxy/server/{id}`, `/~{port}`, `/proxy/{host:port}`) is decoded once and has to match a strict
grammar, so an encoded slash, backslash, NUL or dot segment, once or twice encoded, never gets through; what follows it
goes on byte for byte.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

from guildnet.workspace.ports import base_path, scheme_of
from guildnet_proxy.http.errors import Refusal
from guildnet_proxy.rules import Rule

_ID = re.compile(rb"[A-Za-z0-9](?:[A-Za-z0-9_-]|\.(?=[A-Za-z0-9])){0,252}")
_TILDE_PORT = re.compile(rb"~([1-9][0-9]{0,4})")
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_QUAD = re.compile(r"(?:(?:0|[1-9][0-9]{0,2})\.){3}(?:0|[1-9][0-9]{0,2})")
_NUMBER_LIKE = re.compile(r"[0-9]+|0x[0-9a-f]*")
_UNSAFE = re.compile(rb"[^\x21-\x7e]|#")
_FORMS = "Use /proxy/server/{id}/, /proxy/{host:port}/ or /proxy?to=host:port&path=/."


@dataclass(frozen=True, slots=True)
class WorkspaceTarget:
    """A workspace by id; `port` None is its first; `rest` is empty or starts with a slash; `query` keeps its `?`."""

    id: str
    port: int | None
    rest: bytes
    query: bytes

    @property
    def base(self) -> str:
        """Where every port of the workspace is below; without a slash at its end."""
        return base_path(self.id)


@dataclass(frozen=True, slots=True)
class HostTarget:
    """An explicit host and port, which the egress guard has to permit."""

    host: str
    port: int
    scheme: str
    rest: bytes
    query: bytes

    @property
    def base(self) -> str:
        return f"/proxy/{self.authority}"

    @property
    def authority(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def bad_target(message: str, rule: Rule) -> Refusal:
    return Refusal(400, "bad_target", message, rule=rule)


def is_proxy_path(path: bytes) -> bool:
    return path == b"/proxy" or path.startswith(b"/proxy/")


def parse(target: bytes) -> WorkspaceTarget | HostTarget:
    """The target of an origin-form request target whose path is_proxy_path; raises Refusal 400."""
    path, mark, query = target.partition(b"?")
    if path == b"/proxy":
        return _query_form(query)
    first, slash, rest = path[len(b"/proxy/") :].partition(b"/")
    if first == b"server":
        return _server_form(rest, mark + query)
    host, port = host_port(_decoded(first))
    return HostTarget(host, port, scheme_of(port), slash + rest, mark + query)


def _decoded(segment: bytes) -> str:
    try:
        return unquote_to_bytes(segment).decode("ascii")
    except UnicodeDecodeError:
        raise bad_target(f"The target is not ASCII. {_FORMS}", Rule.NOT_ASCII) from None


def _server_form(after: bytes, query: bytes) -> WorkspaceTarget:
    raw, slash, rest = after.partition(b"/")
    name = unquote_to_bytes(raw)
    if not _ID.fullmatch(name):
        raise bad_target(f"That is not the id of a workspace. {_FORMS}", Rule.ID)
    rest = slash + rest
    port = None
    if slash:
        segment, slash, beyond = rest[1:].partition(b"/")
        decoded = unquote_to_bytes(segment)
        if decoded.startswith(b"~") and decoded[1:2].isdigit():
            match = _TILDE_PORT.fullmatch(decoded)
            if match is None or int(match[1]) > 65535:
                raise bad_target("A port is a number from 1 to 65535.", Rule.PORT)
            port, rest = int(match[1]), slash + beyond
    return WorkspaceTarget(name.decode(), port, rest, query)


def _query_form(query: bytes) -> HostTarget:
    ours: dict[bytes, bytes] = {}
    others: list[bytes] = []
    for pair in query.split(b"&") if query else ():
        name, _, value = pair.partition(b"=")
        if name not in {b"to", b"path", b"scheme"}:
            others.append(pair)
        elif name in ours:
            raise bad_target(f"`{name.decode()}` is given twice.", Rule.DUPLICATE)
        else:
            ours[name] = unquote_to_bytes(value.replace(b"+", b" "))
    if not ours.get(b"to"):
        raise bad_target(f"`to` is missing. {_FORMS}", Rule.MISSING_TO)
    host, port = host_port(ours[b"to"].decode("latin-1"))
    scheme = ours.get(b"scheme", b"").decode("latin-1") or scheme_of(port)
    if scheme not in {"http", "https"}:
        raise bad_target("`scheme` is http or https.", Rule.SCHEME)
    path, mark, own_query = ours.get(b"path", b"/").partition(b"?")
    if any(byte < 0x20 or byte == 0x7F for byte in path + own_query):
        raise bad_target("`path` holds control bytes.", Rule.PATH)
    joined = b"&".join(part for part in (_encoded(own_query), *others) if part)
    rest = _encoded(path if path.startswith(b"/") else b"/" + path)
    return HostTarget(host, port, scheme, rest, b"?" + joined if joined or mark else b"")


def _encoded(text: bytes) -> bytes:
    """A decoded `path` value back on the request line: only what cannot stand there is encoded."""
    return _UNSAFE.sub(lambda match: b"%%%02X" % match[0][0], text)


def host_port(text: str, default_port: int | None = None) -> tuple[str, int]:
    """One strict grammar: a DNS name, a dotted quad or a bracketed IPv6 address, and a port. Raises Refusal 400.

    No userinfo, no zone id, no trailing dot, and no name whose last label looks like a number: what one resolver calls
    a name another reads as an address (`0x7f.1`, `017700000001`).
    """
    if text.startswith("["):
        host, found, port = text[1:].partition("]")
        host, port = _ipv6(host if found else ""), port[1:] if port.startswith(":") else "" if not port else "x"
    else:
        host, _, port = text.partition(":")
        host = _name_or_quad(host.lower())
    if not port and default_port is not None and text.lower().endswith(("]", host)):
        return host, default_port
    if not (port.isascii() and port.isdigit() and not port.startswith("0") and int(port[:6]) <= 65535):
        raise bad_target("A target is host:port with a port from 1 to 65535.", Rule.HOST_PORT)
    return host, int(port)


def _ipv6(text: str) -> str:
    try:
        if "%" in text:
            raise ValueError
        return str(ipaddress.IPv6Address(text))
    except ValueError:
        raise bad_target("That is not an IPv6 address in brackets.", Rule.HOST_PORT) from None


def _name_or_quad(text: str) -> str:
    if _QUAD.fullmatch(text) and all(int(part) < 256 for part in text.split(".")):
        return text
    labels = text.split(".")
    if len(text) > 253 or not all(_LABEL.fullmatch(label) for label in labels) or _NUMBER_LIKE.fullmatch(labels[-1]):
        raise bad_target("That is not a host name or an address.", Rule.HOST_PORT)
    return text
