"""Which workspaces a caller may list, asked of thousands of them in a moment.

The rules look at a workspace's owner and at the labels that some selector names, and at nothing else: workspaces that
are alike in those are decided once, and the answers are kept until the rules change. Callers whom the same Capabilities
cover share them, and with them their lists.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

from guildnet.access import Action, Target, grants
from guildnet.capability import Capability, Selector
from guildnet.identity import Identity
from guildnet.workspace import Workspace
from guildnet_api.access.authorize import Authorizer
from guildnet_api.cluster.index import Allowed, Rights

MAX_CALLERS: Final = 256
"""Callers whose answers are kept."""
MAX_ANSWERS: Final = 20_000
"""Answers kept for one caller: of owners and labels, which have no bound of their own."""


class Visibility:
    """The rights to list, for one install."""

    def __init__(self, authorizer: Authorizer) -> None:
        self._authorizer = authorizer
        self._rules: Sequence[Capability] | None = None
        self._rules_key = ""
        self._known: OrderedDict[str, Rights] = OrderedDict()

    def rights(self, who: Identity) -> Rights:
        """The rights of a caller now. Equal keys mean equal rights, on every replica."""
        rules = self._authorizer.watches.capabilities()
        if rules != self._rules or not self._rules_key:
            self._rules = rules
            ordered = None if rules is None else sorted(rules, key=lambda rule: rule.name)
            self._rules_key = _digest(self._authorizer.default, ordered)
            self._known.clear()
        key = _digest(self._rules_key, who.is_admin, *_standing(who, rules))
        found = self._known.get(key)
        if found is None:
            allowed = self._authorizer.list_filter(who)
            found = Rights(key, None if allowed is None else _remembered(allowed, _keys(rules or ())))
            self._known[key] = found
            if len(self._known) > MAX_CALLERS:
                self._known.popitem(last=False)
        self._known.move_to_end(key)
        return found


def _standing(who: Identity, rules: Sequence[Capability] | None) -> tuple[object, ...]:
    """What the rules see of a caller: its subject while there is no Capability, else which of them cover it."""
    if not rules:
        return (who.kind == "anonymous", who.subject)
    anywhere = [replace(rule, selector=Selector()) for rule in rules]
    return tuple(sorted(rule.name for rule in grants(who, Action.LIST, Target(), anywhere)))


def _keys(rules: Sequence[Capability]) -> tuple[str, ...]:
    """The labels that selectors look at."""
    selectors = [rule.selector for rule in rules]
    named = {key for selector in selectors for key in selector.match_labels}
    return tuple(sorted(named | {line.key for selector in selectors for line in selector.match_expressions}))


def _remembered(allowed: Allowed, keys: Sequence[str]) -> Callable[[Workspace], bool]:
    answers: dict[tuple[str | None, ...], bool] = {}

    def answer(ws: Workspace) -> bool:
        labels = ws.labels
        facts = (ws.owner, *[labels.get(key) for key in keys])
        found = answers.get(facts)
        if found is None:
            if len(answers) >= MAX_ANSWERS:
                answers.clear()
            found = answers[facts] = allowed(ws)
        return found

    return answer


def _digest(*facts: object) -> str:
    return hashlib.blake2b(repr(facts).encode(), digest_size=8).hexdigest()
