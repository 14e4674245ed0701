"""Admission: how much one workspace and one caller have open at once.

Whoever nobody vouched for is no caller here: strangers are bounded by their addresses.
"""

from __future__ import annotations

from guildnet_proxy.http.errors import Refusal
from guildnet_proxy.rules import Rule


class InFlight:
    """What one caller has open. While that is anything, it is the one of its subject."""

    __slots__ = ("requests", "subject", "upgrades")

    def __init__(self, subject: str) -> None:
        self.subject = subject
        self.requests = 0
        self.upgrades = 0


class Admission:
    """Bounds the requests of one workspace (`streams`), and the requests and upgraded connections of one caller.

    `active` counts by workspace; `refused` counts what was too much, by rule.
    """

    def __init__(self, *, streams: int, requests: int, upgrades: int) -> None:
        self.streams = streams
        self.requests = requests
        self.upgrades = upgrades
        self.counts = True
        """Are refusals counted? Not those of requests that are only explained."""
        self.active: dict[str, int] = {}
        self.callers: dict[str, InFlight] = {}
        self.refused: dict[str, int] = {
            rule.value: 0 for rule in (Rule.STREAMS, Rule.REQUESTS_PER_IDENTITY, Rule.UPGRADES_PER_IDENTITY)
        }

    # ---- workspaces -------------------------------------------------------------------------------------------------

    def admit(self, name: str) -> None:
        """Counts one more request of what is called `name`; raises Refusal 503 for one too many."""
        active = self.active.get(name, 0)
        if active >= self.streams:
            self.refused["streams"] += self.counts
            raise Refusal(503, "too_many_requests", "This workspace has too many open requests.", rule=Rule.STREAMS)
        self.active[name] = active + 1

    def release(self, name: str) -> None:
        """A request that was admitted is over."""
        left = self.active[name] - 1
        if left:
            self.active[name] = left
        else:
            del self.active[name]

    # ---- callers ----------------------------------------------------------------------------------------------------

    def of(self, subject: str) -> InFlight:
        """What this caller has open, for `admit_caller`; where that is nothing it is not kept here."""
        busy = self.callers.get(subject)
        return InFlight(subject) if busy is None else busy

    def admit_caller(self, mine: InFlight, *, upgrade: bool) -> InFlight:
        """Counts one more and gives what it was counted in; raises Refusal 429 for one too many."""
        if not (mine.requests or mine.upgrades):
            mine = self.callers.setdefault(mine.subject, mine)
        if upgrade:
            if mine.upgrades >= self.upgrades:
                self.refused["upgrades-per-identity"] += self.counts
                message = "You have too many WebSockets open; close some pages."
                raise Refusal(429, "identity_limit", message, rule=Rule.UPGRADES_PER_IDENTITY)
            mine.upgrades += 1
        else:
            if mine.requests >= self.requests:
                self.refused["requests-per-identity"] += self.counts
                message = "You have too many requests open; wait for some of them to end."
                raise Refusal(429, "identity_limit", message, rule=Rule.REQUESTS_PER_IDENTITY)
            mine.requests += 1
        return mine

    def release_caller(self, mine: InFlight, *, upgrade: bool) -> None:
        """What was admitted is over."""
        if upgrade:
            mine.upgrades -= 1
        else:
            mine.requests -= 1
        if not (mine.requests or mine.upgrades):
            del self.callers[mine.subject]
