"""Addresses that are never a target: the install's own pods and Services, its Redis, the API server, the nodes.

A plain store; `own_watches.py` feeds it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Final

from guildnet_proxy.rules import Rule

Address = IPv4Address | IPv6Address

SETTINGS: Final = "settings"
NODES: Final = "nodes"


def addresses_of(texts: Iterable[str]) -> frozenset[Address]:
    """What is no address (a name, nothing, `None` of a headless Service) is left out."""
    found = set()
    for text in texts:
        try:
            found.add(ip_address(text))
        except ValueError:
            continue
    return frozenset(found)


class OwnAddresses:
    """`put` says which addresses an object of a kind has, `rule` by which rule an address is never a target."""

    def __init__(self, *texts: str) -> None:
        """`texts` are those that settings name."""
        self._told: dict[tuple[str, str], frozenset[Address]] = {}
        self._own: frozenset[Address] = frozenset()
        self._nodes: frozenset[Address] = frozenset()
        self._joined = False
        self.version = 0
        """Grows with every change of what `rule` would answer."""
        self.listed = False
        """Has each kind been read once? Until then nobody knows what is missing here."""
        self.on_change: list[Callable[[], None]] = []
        self.put(SETTINGS, "", texts)

    def put(self, kind: str, key: str, texts: Iterable[str]) -> None:
        found = addresses_of(texts)
        if self._told.get((kind, key), frozenset()) != found:
            self._told[kind, key] = found
            self._change()

    def remove(self, kind: str, key: str) -> None:
        if self._told.pop((kind, key), None):
            self._change()

    def rule(self, address: Address) -> Rule | None:
        if not self._joined:
            self._join()
        if address in self._own:
            return Rule.NEVER_OWN
        return Rule.NEVER_NODE if address in self._nodes else None

    def _change(self) -> None:
        self._joined = False
        self.version += 1
        for listener in self.on_change:
            listener()

    def _join(self) -> None:
        told = self._told.items()
        self._own = frozenset(one for (kind, _), found in told if kind != NODES for one in found)
        self._nodes = frozenset(one for (kind, _), found in told if kind == NODES for one in found)
        self._joined = True
