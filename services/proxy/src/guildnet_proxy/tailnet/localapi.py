"""The Tailscale sidecar's LocalAPI on its unix socket: who a peer is, and what this node is called.

Only reads. The socket can also dial as the node, so nothing but the proxy holds it and nothing here takes an address
from a request other than the peer's own.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import aiohttp

from guildnet.errors import NotFound, Unreachable

ROLE_CAPABILITY = "guildnet.io/cap/role"
_BASE = "http://local-tailscaled.sock/localapi/v0"
_TIMEOUT = aiohttp.ClientTimeout(total=5)


@dataclass(frozen=True, slots=True)
class Peer:
    """A device on the tailnet: tags first, because a tagged node may still show a login."""

    node: str
    login: str
    display_name: str
    tags: tuple[str, ...]
    roles: tuple[str, ...]
    address: str = ""
    """Its first address on the tailnet."""


def roles_of(values: Any) -> tuple[str, ...]:
    """Roles granted through the app capability: its values are `"admin"`, `{"role": …}` or `{"roles": […]}`."""
    roles: list[str] = []
    for value in values if isinstance(values, list) else ():
        if isinstance(value, str):
            roles.append(value)
        elif isinstance(value, Mapping):
            roles += [value["role"]] if isinstance(value.get("role"), str) else []
            roles += [role for role in value.get("roles") or () if isinstance(role, str)]
    return tuple(dict.fromkeys(roles))


def parse_whois(answer: Mapping[str, Any]) -> Peer:
    """A whois answer as a Peer; raises Unreachable when it has not the shape it should have."""
    try:
        node = answer["Node"]
        user = answer.get("UserProfile") or {}
        granted = (answer.get("CapMap") or {}).get(ROLE_CAPABILITY) or []
        decoded = [json.loads(item) if isinstance(item, str) and item[:1] in '{["' else item for item in granted]
        return Peer(
            node=str(node["Name"]).rstrip("."),
            login=str(user.get("LoginName") or ""),
            display_name=str(user.get("DisplayName") or ""),
            tags=tuple(str(tag) for tag in node.get("Tags") or ()),
            roles=roles_of(decoded),
            address=str((node.get("Addresses") or [""])[0]).partition("/")[0],
        )
    except (AttributeError, KeyError, TypeError, ValueError):
        raise Unreachable("the Tailscale sidecar answered whois in a shape this version does not know") from None


class LocalApi:
    """A client of the socket at `path`; its session lives until `aclose`."""

    def __init__(self, path: str) -> None:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.UnixConnector(path=path, limit=8), timeout=_TIMEOUT, cookie_jar=aiohttp.DummyCookieJar()
        )

    async def aclose(self) -> None:
        await self._session.close()

    async def whois(self, address: str) -> Peer:
        """The device at a tailnet address. Raises NotFound for an address no peer has, Unreachable for no answer."""
        return parse_whois(await self._get(f"/whois?addr={quote(address, safe='')}"))

    async def device_at(self, where: str) -> str:
        """The tailnet address of the device whose connection comes from `address:port` of this pod's loopback. Raises
        Unreachable, also for one that no device has opened."""
        peer = parse_whois(await self._get(f"/whois?proto=tcp&addr={quote(where, safe='')}"))
        if not peer.address:
            raise Unreachable("the Tailscale sidecar named a device without an address")
        return peer.address

    async def name(self) -> str:
        """This node's DNS name without trailing dot, empty while it is not logged in. Raises Unreachable."""
        status = await self._get("/status?peers=false")
        running = status.get("BackendState") == "Running"
        return str((status.get("Self") or {}).get("DNSName") or "").rstrip(".") if running else ""

    async def _get(self, path: str) -> dict[str, Any]:
        try:
            async with self._session.get(_BASE + path) as response:
                text = await response.text()
                if response.status == 404:
                    raise NotFound("the Tailscale sidecar knows of no such device")
                if response.status != 200:
                    raise Unreachable(f"the Tailscale sidecar answered {response.status}")
                answer = json.loads(text)
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
            raise Unreachable(f"the Tailscale sidecar did not answer: {type(error).__name__}") from error
        if not isinstance(answer, dict):
            raise Unreachable("the Tailscale sidecar answered something else than an object")
        return answer
