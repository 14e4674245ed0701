"""Who a device of the tailnet stands for, by the sidecar's headers and its whois. Pure."""

from __future__ import annotations

import json
from email.errors import HeaderParseError
from email.header import decode_header, make_header

from guildnet.identity import Identity
from guildnet.web.entries import Entry
from guildnet_proxy.http.errors import Refusal
from guildnet_proxy.http.message.head import RequestHead
from guildnet_proxy.rules import Rule
from guildnet_proxy.tailnet.localapi import ROLE_CAPABILITY, Peer, roles_of


def tailnet_identity(head: RequestHead, peer: Peer, entry: Entry) -> Identity:
    """The caller by headers and whois, which have to agree; raises Refusal 403. Pure.

    The sidecar sets no user headers for a tagged device: such a one is a node with tags, whatever login whois shows.
    """
    claimed = _decoded(head.claims.get(b"tailscale-user-login", b""))
    granted = head.claims.get(b"tailscale-app-capabilities")
    roles = peer.roles if granted is None else _granted(granted)
    if peer.tags:
        if claimed:
            raise _mismatch()
        return Identity("node", peer.node, peer.node, peer.tags, roles, "tailnet", entry)
    if not claimed or claimed != peer.login:
        raise _mismatch()
    return Identity("user", claimed, peer.display_name or claimed, (), roles, "tailnet", entry)


def device_identity(peer: Peer, entry: Entry) -> Identity:
    """The caller by whois alone; raises Refusal 403 for a device of nobody. Pure."""
    if peer.tags:
        return Identity("node", peer.node, peer.node, peer.tags, peer.roles, "tailnet", entry)
    if not peer.login:
        raise _mismatch()
    return Identity("user", peer.login, peer.display_name or peer.login, (), peer.roles, "tailnet", entry)


def _mismatch() -> Refusal:
    message = "The tailnet's headers and the sidecar do not agree on who this is."
    return Refusal(403, "identity_mismatch", message, rule=Rule.WHOIS)


def _granted(header: bytes) -> tuple[str, ...]:
    try:
        capabilities = json.loads(_decoded(header))
    except (ValueError, RecursionError):
        return ()
    return roles_of(capabilities.get(ROLE_CAPABILITY)) if isinstance(capabilities, dict) else ()


def _decoded(value: bytes) -> str:
    """Serve writes what is not ASCII as RFC 2047 words."""
    text = value.decode("latin-1")
    if "=?" not in text:
        return text
    try:
        return str(make_header(decode_header(text)))
    except (HeaderParseError, LookupError, UnicodeError, ValueError):
        return text
