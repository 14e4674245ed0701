"""Which workspaces a caller may list: the remembered answers are those of the rules."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from guildnet.access import Action, Default, Rules, authorize
from guildnet.capability import Capability, Expression, Selector, Subject
from guildnet.identity import Identity
from guildnet.workspace import Workspace, WorkspaceSpec
from guildnet_api.access.audit import AuditTrail
from guildnet_api.access.authorize import Authorizer, target_of
from guildnet_api.access.visibility import Visibility

KEYS, VALUES, NAMES = ["env", "team"], ["a", "b"], ["alice", "bob"]
labels = st.dictionaries(st.sampled_from([*KEYS, "other"]), st.sampled_from(VALUES))
expressions = st.builds(
    Expression,
    st.sampled_from(KEYS),
    st.sampled_from(["In", "NotIn", "Exists", "DoesNotExist"]),
    st.lists(st.sampled_from(VALUES)).map(tuple),
)
selectors = st.builds(Selector, labels, st.lists(expressions, max_size=2).map(tuple))
subjects = st.none() | st.lists(st.builds(Subject, st.just("User"), st.sampled_from(NAMES)), max_size=2).map(tuple)
capabilities = st.lists(
    st.builds(
        Capability,
        st.sampled_from(["x", "y", "z"]),
        st.frozensets(st.sampled_from(["list", "readLogs", "launch"])),
        selectors,
        subjects,
    ),
    max_size=4,
)
workspaces = st.lists(st.tuples(labels, st.sampled_from([*NAMES, ""])), max_size=12)


def made(number: int, of: dict[str, str], owner: str) -> Workspace:
    annotations = {"guildnet.io/owner": owner} if owner else {}
    return Workspace(f"w{number}", "n", "u", WorkspaceSpec("a"), labels=of, annotations=annotations)


def visibility(rules: list[Capability] | None, default: Default) -> tuple[Visibility, Any]:
    watches: Any = SimpleNamespace(rules=None if rules is None else tuple(rules))
    watches.capabilities = lambda: watches.rules
    return Visibility(Authorizer(watches, default, AuditTrail())), watches


@given(capabilities, workspaces, st.sampled_from(["open", "owner", "closed"]), st.sampled_from([(), ("admin",)]))
def test_the_remembered_answers_are_those_of_the_rules(
    rules: list[Capability], given_workspaces: Any, default: Default, roles: tuple[str, ...]
):
    who = Identity("user", "alice", roles=roles)
    rights = visibility(rules, default)[0].rights(who)
    for number, (of, owner) in enumerate([*given_workspaces, *given_workspaces]):
        ws = made(number, of, owner)
        expected = authorize(who, Action.LIST, target_of(ws), Rules(rules, default)).allowed
        assert (rights.allowed is None or rights.allowed(ws)) is expected


@given(capabilities, workspaces, st.sampled_from(["open", "owner", "closed"]))
def test_callers_of_equal_keys_have_equal_rights(rules: list[Capability], given_workspaces: Any, default: Default):
    callers = [
        *(Identity("user", name) for name in (*NAMES, "carol")),
        Identity("user", "alice", roles=("admin",)),
        Identity("token", "alice"),
        Identity("anonymous"),
    ]
    seen, _ = visibility([replace(rule, name=f"c{n}") for n, rule in enumerate(rules)], default)
    rules = list(seen._authorizer.watches.capabilities() or ())
    shown: dict[str, list[bool]] = {}
    for who in callers:
        targets = [target_of(made(number, *each)) for number, each in enumerate(given_workspaces)]
        expected = [authorize(who, Action.LIST, target, Rules(rules, default)).allowed for target in targets]
        assert shown.setdefault(seen.rights(who).key, expected) == expected


def test_the_key_is_that_of_the_rules_and_the_caller():
    rule = Capability("x", frozenset({"list"}), Selector({"env": "a"}), (Subject("User", "alice"),))
    other = Capability("y", frozenset({"list"}))
    seen, watches = visibility([rule, other], "open")
    alice = seen.rights(Identity("user", "alice"))
    assert seen.rights(Identity("user", "alice")) is alice
    assert seen.rights(Identity("user", "bob")).key != alice.key
    assert seen.rights(Identity("user", "bob")) is seen.rights(Identity("user", "carol"))
    replica, _ = visibility([other, rule], "open")
    assert replica.rights(Identity("user", "alice")).key == alice.key
    watches.rules = (rule,)
    assert seen.rights(Identity("user", "alice")).key != alice.key
    allowed = visibility(None, "open")[0].rights(Identity("user", "alice")).allowed
    assert allowed is not None
    assert not allowed(made(1, {}, "alice"))
