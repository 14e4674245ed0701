"""Who may do what: the rules in their order, subjects, selectors, constraints."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from guildnet import access, capability
from guildnet.access import Action, Decision, Launch, Rules, Target, authorize
from guildnet.capability import Capability, Constraints, Expression, Selector, Subject
from guildnet.errors import FieldError
from guildnet.identity import ANONYMOUS, Identity

ADA = Identity(kind="user", login="ada@example.com", source="tailnet")
BOB = Identity(kind="user", login="bob@example.com", source="tailnet")
ADMIN = replace(ADA, roles=("admin",))
NODE = Identity(kind="node", login="ada@example.com", display_name="ci-1", tags=("tag:ci",), source="tailnet")
TOKEN = Identity(
    kind="token", login="system:serviceaccount:apps:bot", groups=("system:serviceaccounts",), source="bearer"
)
EVERY_DEFAULT: tuple[access.Default, ...] = ("open", "owner", "closed")
BLUE = Target(labels={"team": "blue"}, owner="ada@example.com")
ALL = Capability("all", actions=frozenset(action.value for action in Action))


def decide(
    who: Identity, action: Action, target: Target, caps: Sequence[Capability] | None, default: access.Default
) -> tuple[bool, str]:
    """Whether it is allowed and by which rule; a refusal says why."""
    found = authorize(who, action, target, Rules(caps, default))
    assert bool(found.reason) is not found.allowed
    assert (found.problems, found.used_up) == ((), False)
    return found.allowed, found.rule


def launched(caps: Sequence[Capability], launch: Launch) -> Decision:
    """What a launch is told that is granted by these."""
    return authorize(ADA, Action.LAUNCH, Target(), Rules(caps, "closed"), launch)


def allows(subjects: list[tuple[str, str]] | None, identity: Identity) -> bool:
    named = None if subjects is None else tuple(Subject(*subject) for subject in subjects)
    return decide(identity, Action.PROXY, BLUE, [replace(ALL, subjects=named)], "open")[0]


def test_the_actions_are_those_of_the_contract() -> None:
    names = {action.value for action in Action}
    assert names == {"launch", "delete", "stopAll", "readLogs", "proxy", "start", "stop", "update", "list"}


def test_anonymous_is_denied_whatever_else_holds() -> None:
    for default, caps in itertools.product(EVERY_DEFAULT, (None, [], [ALL])):
        for identity in (ANONYMOUS, replace(ANONYMOUS, roles=("admin",), login="ada@example.com")):
            for action in Action:
                assert decide(identity, action, BLUE, caps, default) == (False, "anonymous")


def test_the_admin_role_is_allowed_before_any_capability_is_looked_at() -> None:
    for default, caps in itertools.product(EVERY_DEFAULT, (None, [], [Capability("closes")])):
        assert decide(ADMIN, Action.DELETE, BLUE, caps, default) == (True, "admin-role")


def test_an_unreadable_list_denies() -> None:
    assert decide(ADA, Action.PROXY, BLUE, None, "open") == (False, "capabilities-unreadable")


DEFAULTS = [
    ("open", BOB, Action.DELETE, BLUE, True),
    ("owner", ADA, Action.DELETE, BLUE, True),
    ("owner", BOB, Action.DELETE, BLUE, False),
    ("owner", BOB, Action.LAUNCH, Target(), True),
    ("owner", BOB, Action.STOP_ALL, Target(), False),
    ("owner", Identity(kind="user"), Action.DELETE, Target(), False),
    ("owner", NODE, Action.DELETE, BLUE, False),
    ("closed", ADA, Action.LIST, BLUE, False),
]


@pytest.mark.parametrize(("default", "who", "action", "target", "allowed"), DEFAULTS)
def test_without_any_capability_the_installs_default_decides(
    default: Any, who: Identity, action: Action, target: Target, allowed: bool
) -> None:
    assert decide(who, action, target, [], default) == (allowed, f"default-{default}")


def test_the_first_capability_closes_the_install_for_everybody_it_does_not_cover() -> None:
    only_bob = Capability("bobs", frozenset({"proxy"}), subjects=(Subject("User", "bob@example.com"),))
    assert decide(ADA, Action.PROXY, BLUE, [only_bob], "open") == (False, "no-capability")
    assert decide(BOB, Action.PROXY, BLUE, [only_bob], "closed") == (True, "capability/bobs")
    assert decide(BOB, Action.DELETE, BLUE, [only_bob], "open") == (False, "no-capability")


def test_one_granting_capability_among_many_is_enough_and_is_named() -> None:
    none = Capability("none")
    assert decide(ADA, Action.PROXY, BLUE, [none, ALL], "closed") == (True, "capability/all")


SUBJECTS = [
    (None, ADA, True),
    ([], ADA, False),
    ([("Any", "")], NODE, True),
    ([("User", "ada@example.com")], ADA, True),
    ([("User", "Ada@example.com")], ADA, False),
    ([("User", "ada@example.com")], NODE, False),
    ([("User", "")], Identity(kind="user"), False),
    ([("User", "system:serviceaccount:apps:bot")], TOKEN, True),
    ([("Tag", "tag:ci")], NODE, True),
    ([("Tag", "ci")], NODE, True),
    ([("Tag", "c")], NODE, False),
    ([("Tag", "tag:ci")], ADA, False),
    ([("Role", "builder")], replace(ADA, roles=("builder",)), True),
    ([("Role", "builder")], ADA, False),
    ([("Group", "system:serviceaccounts")], TOKEN, True),
    ([("Group", "system:serviceaccounts")], replace(ADA, roles=("system:serviceaccounts",)), False),
    ([("Robot", "x")], ADA, False),
    ([("Robot", "x"), ("User", "ada@example.com")], ADA, True),
]


@pytest.mark.parametrize(("subjects", "who", "allowed"), SUBJECTS)
def test_a_capability_covers_its_subjects_only(subjects: Any, who: Identity, allowed: bool) -> None:
    assert allows(subjects, who) is allowed


def test_no_subject_covers_anonymous() -> None:
    for subjects in (None, (Subject("Any"),), (Subject("User", ""),)):
        assert not access.covers(subjects, ANONYMOUS)


LABELS = {"team": "blue", "tier": "a"}
SELECTORS = [
    (Selector(), True),
    (Selector({"team": "blue"}), True),
    (Selector({"team": "red"}), False),
    (Selector({"missing": ""}), False),
    (Selector(match_expressions=(Expression("tier", "In", ("a", "b")),)), True),
    (Selector(match_expressions=(Expression("tier", "In", ("b",)),)), False),
    (Selector(match_expressions=(Expression("missing", "In", ("a",)),)), False),
    (Selector(match_expressions=(Expression("tier", "NotIn", ("a",)),)), False),
    (Selector(match_expressions=(Expression("missing", "NotIn", ("a",)),)), True),
    (Selector(match_expressions=(Expression("tier", "Exists"),)), True),
    (Selector(match_expressions=(Expression("missing", "Exists"),)), False),
    (Selector(match_expressions=(Expression("missing", "DoesNotExist"),)), True),
    (Selector(match_expressions=(Expression("tier", "DoesNotExist"),)), False),
    (Selector(match_expressions=(Expression("tier", "Like", ("a",)),)), False),
    (Selector({"team": "blue"}, (Expression("tier", "In", ("b",)),)), False),
    (Selector({"team": "red"}, (Expression("tier", "In", ("a",)),)), False),
    (Selector({"team": "blue"}, (Expression("tier", "In", ("a",)), Expression("x", "DoesNotExist"))), True),
]


@pytest.mark.parametrize(("selector", "matches"), SELECTORS)
def test_both_halves_of_a_selector_must_hold(selector: Selector, matches: bool) -> None:
    assert selector.matches(LABELS) is matches
    assert decide(ADA, Action.PROXY, Target(LABELS), [replace(ALL, selector=selector)], "open")[0] is matches


def constrained(name: str = "c", **limits: Any) -> Capability:
    return replace(ALL, name=name, constraints=Constraints(**limits))


CONSTRAINTS = [
    ({}, Launch("nginx", (80,), 99), []),
    ({"allowed_images": ("ghcr.io/acme",)}, Launch("ghcr.io/acme/x"), []),
    ({"allowed_images": ("ghcr.io/acme",)}, Launch("nginx"), ["image"]),
    ({"allowed_images": ()}, Launch("nginx"), ["image"]),
    ({"allowed_ports": (8080, 8888)}, Launch("nginx", (8888,)), []),
    ({"allowed_ports": (8080,)}, Launch("nginx", (8080, 22, 23)), ["ports", "ports"]),
    ({"allowed_ports": ()}, Launch("nginx", (22,)), ["ports"]),
    ({"max_concurrent": 2}, Launch("nginx", running=1), []),
    ({"max_concurrent": 2}, Launch("nginx", running=2), ["maxConcurrent"]),
    ({"max_concurrent": 2}, Launch("nginx", running=3), ["maxConcurrent"]),
]


@pytest.mark.parametrize(("limits", "launch", "fields"), CONSTRAINTS)
def test_a_launch_keeps_to_the_constraints(limits: dict[str, Any], launch: Launch, fields: list[str]) -> None:
    found = launched([constrained(**limits)], launch)
    assert [problem.field for problem in found.problems] == fields
    assert found.allowed is (not fields)
    assert found.used_up is (fields == ["maxConcurrent"])
    assert found.rule == "capability/c"
    assert all(problem.reason in found.reason for problem in found.problems)


def test_a_rule_without_capability_has_no_constraints() -> None:
    launch = Launch("anything", (1,), 1000)
    assert authorize(ADA, Action.LAUNCH, Target(), Rules([], "open"), launch) == Decision(True, "default-open")
    strict = Rules([constrained(allowed_images=(), max_concurrent=0)], "open")
    assert authorize(ADMIN, Action.LAUNCH, Target(), strict, launch) == Decision(True, "admin-role")


def test_the_rule_of_a_launch_is_the_one_that_lets_it_through() -> None:
    strict, loose = constrained("strict", allowed_images=()), constrained("loose")
    assert launched([strict, loose], Launch("nginx")) == Decision(True, "capability/loose")


def test_a_launch_that_nothing_grants_has_no_problem_with_a_field() -> None:
    found = launched([Capability("other", frozenset({"list"}))], Launch("nginx"))
    assert (found.allowed, found.rule, found.problems) == (False, "no-capability", ())


@pytest.mark.parametrize(
    ("selector", "labels", "lacks"),
    [
        (Selector({"team": "blue"}), {}, "team=blue"),
        (Selector({"team": "blue", "env": "dev"}), {"env": "dev"}, "env=dev, team=blue"),
        (Selector({"team": "blue"}), {"team": "red"}, "team=blue"),
        (Selector({"team": "blue"}, (Expression("env", "Exists"),)), {}, None),
    ],
    ids=["none", "another one", "another value", "more than a label"],
)
def test_a_launch_that_lacks_a_capabilitys_label_is_told_which(
    selector: Selector, labels: dict[str, str], lacks: str | None
) -> None:
    teams = Capability("teams", frozenset({"launch"}), selector, subjects=(Subject("User", "ada@example.com"),))
    found = authorize(ADA, Action.LAUNCH, Target(labels), Rules([teams], "open"), Launch("nginx"))
    said = f"Capability teams allows it to you with the labels {lacks}: give it those"
    expected = (FieldError("labels", said),) if lacks else ()
    assert (found.allowed, found.rule, found.problems) == (False, "no-capability", expected)
    assert not lacks or found.reason == said
    others = authorize(BOB, Action.LAUNCH, Target(labels), Rules([teams], "open"), Launch("nginx"))
    assert others.problems == (), "whom it does not cover learns nothing of it"


def test_of_several_refusals_the_one_that_came_closest_is_told() -> None:
    image, full = constrained("image", allowed_images=()), constrained("full", max_concurrent=1)
    found = launched([image, full], Launch("nginx", running=1))
    assert found.used_up
    assert "Capability full" in found.problems[0].reason
    assert "stop or delete it" in found.problems[0].reason


@pytest.mark.parametrize("action", Action)
def test_any_right_on_a_workspace_makes_it_known(action: Action) -> None:
    """A right to launch is about workspaces that are not there yet."""
    only = [Capability("only", frozenset({action.value}), Selector({"team": "blue"}))]
    known = action is not Action.LAUNCH
    rule = "capability/only" if known else "no-capability"
    assert decide(ADA, Action.LIST, BLUE, only, "open") == (known, rule)
    assert decide(ADA, Action.LIST, Target({"team": "red"}), only, "open") == (False, "no-capability")
    assert [other for other in Action if decide(ADA, other, BLUE, only, "open")[0]] == (
        [action, Action.LIST] if known and action is not Action.LIST else [action]
    )


BROKEN: list[Any] = [
    None,
    {},
    {"actions": None},
    {"actions": "proxy"},
    {"actions": [1]},
    {"actions": ["proxy"], "selector": []},
    {"actions": ["proxy"], "selector": {"matchLabels": {"a": 1}}},
    {"actions": ["proxy"], "selector": {"matchExpressions": [{}]}},
    {"actions": ["proxy"], "selector": {"matchExpressions": [{"key": "a", "operator": "Like"}]}},
    {"actions": ["proxy"], "selector": {"matchLabels": []}},
    {"actions": ["proxy"], "selector": {"matchExpressions": {}}},
    {"actions": ["proxy"], "selector": {"matchExpressions": [{"key": "a", "operator": "NotIn", "values": ""}]}},
    {"actions": ["proxy"], "constraints": []},
    {"actions": ["proxy"], "subjects": ["x"]},
    {"actions": ["proxy"], "subjects": [{"kind": "Robot"}]},
    {"actions": ["proxy"], "constraints": {"allowedPorts": ["x"]}},
    {"actions": ["proxy"], "constraints": {"allowedImages": "nginx"}},
]


@pytest.mark.parametrize("spec", BROKEN)
def test_a_capability_nobody_can_read_still_closes_the_install(spec: Any) -> None:
    read = capability.parse({"metadata": {"name": "broken"}, "spec": spec})
    assert decide(ADA, Action.PROXY, BLUE, [read], "open") == (False, "no-capability")


def test_a_capability_without_a_name_is_refused() -> None:
    with pytest.raises(Exception, match="no name"):
        capability.parse({"metadata": {}, "spec": {"actions": ["proxy"]}})


def test_unknown_actions_of_a_later_version_grant_nothing_we_know() -> None:
    read = capability.parse({"metadata": {"name": "later"}, "spec": {"actions": ["fly", "proxy"]}})
    assert decide(ADA, Action.PROXY, BLUE, [read], "closed")[0]
    assert not decide(ADA, Action.DELETE, BLUE, [read], "open")[0]


@pytest.mark.parametrize(
    ("who", "subject"),
    [
        (ADA, "ada@example.com"),
        (NODE, "node:ada@example.com"),
        (TOKEN, "token:system:serviceaccount:apps:bot"),
        (ANONYMOUS, ""),
    ],
)
def test_no_other_kind_can_be_named_like_a_user(who: Identity, subject: str) -> None:
    assert who.subject == subject
