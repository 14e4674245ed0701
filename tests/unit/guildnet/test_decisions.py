"""The words and the edges of who may do what: what a refused launch is told, how odd objects are read."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from guildnet import access, capability, names
from guildnet.access import Action, Decision, Launch, Rules, Target, authorize
from guildnet.capability import Capability, Constraints, Expression, Selector, Subject
from guildnet.errors import Denied, FieldError, Invalid
from guildnet.identity import ANONYMOUS, HEADER, Identity, claims_of, identity_of, sign, verify
from guildnet.signed import seal
from guildnet.workspace.ports import base_path, scheme_of

ADA = Identity("user", "ada@example.com", source="tailnet")
KEY = b"k" * 32
NOW = 1_790_000_000.0

# ---- constraints ----------------------------------------------------------------------------------------------------


def launched(granting: list[Capability], launch: Launch) -> Decision:
    return authorize(ADA, Action.LAUNCH, Target(), Rules(granting, "closed"), launch)


def constrained(**limits: Any) -> Capability:
    return Capability("few", frozenset({"launch"}), constraints=Constraints(**limits))


IMAGE = FieldError("image", "nginx is not among the images allowed by Capability few: a/x, b/y")
NO_IMAGE = FieldError("image", "nginx is not among the images allowed by Capability few: none")
PORT = FieldError("ports", "22 is not among the ports allowed by Capability few: 80, 443")
NO_PORT = FieldError("ports", "22 is not among the ports allowed by Capability few: none")
ONE = FieldError(
    "maxConcurrent", "the one workspace that Capability few allows at once is in use: stop or delete it"
)  # fmt: skip
TWO = FieldError(
    "maxConcurrent", "the 2 workspaces that Capability few allows at once are in use: stop or delete one"
)  # fmt: skip


@pytest.mark.parametrize(
    ("limits", "problems", "used_up"),
    [
        ({}, (), False),
        ({"allowed_images": ("a/x", "b/y")}, (IMAGE,), False),
        ({"allowed_images": ()}, (NO_IMAGE,), False),
        ({"allowed_ports": (80, 443)}, (PORT,), False),
        ({"allowed_ports": ()}, (NO_PORT,), False),
        ({"allowed_ports": (22,)}, (), False),
        ({"max_concurrent": 1}, (ONE,), True),
        ({"max_concurrent": 2}, (TWO,), True),
        ({"max_concurrent": 3}, (), False),
        ({"max_concurrent": 0}, (FieldError("maxConcurrent", TWO.reason.replace("the 2", "the 0")),), True),
        ({"allowed_images": (), "allowed_ports": (), "max_concurrent": 1}, (NO_IMAGE, NO_PORT), False),
    ],
)
def test_a_refused_launch_is_told_what_is_allowed(
    limits: dict[str, Any], problems: tuple[FieldError, ...], used_up: bool
) -> None:
    reason = "; ".join(problem.reason for problem in problems)
    assert launched([constrained(**limits)], Launch("nginx", (22,), 2)) == Decision(
        not problems, "capability/few", reason, problems, used_up
    )


def test_a_change_of_what_is_counted_already_needs_no_place() -> None:
    assert launched([constrained(max_concurrent=0)], Launch("nginx", (22,))).allowed


def test_what_a_launch_and_a_target_are_when_nothing_is_said() -> None:
    assert (Launch("x").ports, Launch("x").running) == ((), None)
    assert (Target().labels, Target().owner) == ({}, "")
    assert Decision(allowed=True, rule="r") == Decision(True, "r", "", (), False)


def test_the_refusal_that_came_closest_is_told() -> None:
    """One that is only full before one that forbids, and one problem before two."""
    launch = Launch("nginx", (22,), 2)
    forbids = replace(constrained(allowed_images=()), name="forbids")
    both = replace(constrained(allowed_images=(), allowed_ports=()), name="both")
    full = replace(constrained(max_concurrent=1), name="full")
    free = replace(constrained(), name="free")
    for granting, chosen in (
        ([both, forbids], "forbids"), ([forbids, both], "forbids"), ([forbids, full], "full"), ([full, both], "full"),
        ([full, forbids, free], "free"),
    ):  # fmt: skip
        assert launched(granting, launch).rule == f"capability/{chosen}"


# ---- rules ----------------------------------------------------------------------------------------------------------


def decided(who: Identity, action: Action, target: Target, rules: Rules) -> tuple[bool, str, str]:
    found = authorize(who, action, target, rules)
    return found.allowed, found.rule, found.reason


def test_the_first_capability_that_grants_it_is_named() -> None:
    first = Capability("first", frozenset({"launch", "proxy"}))
    second = Capability("second", frozenset({"proxy"}), subjects=(Subject("User", "ada@example.com"),))
    other = Capability("other", frozenset({"proxy"}), subjects=(Subject("User", "bob@example.com"),))
    elsewhere = Capability("elsewhere", frozenset({"proxy"}), Selector({"team": "red"}))
    rules = Rules([other, elsewhere, second, first], "closed")
    assert decided(ADA, Action.PROXY, Target({"team": "blue"}), rules) == (True, "capability/second", "")
    assert decided(ADA, Action.LAUNCH, Target(), rules) == (True, "capability/first", "")


def test_why_not_is_said() -> None:
    unreadable = "the rules of this install cannot be read right now; try again"
    for rules, rule, reason in (
        (Rules(None, "open"), "capabilities-unreadable", unreadable),
        (Rules([], "owner"), "default-owner", "it belongs to somebody else"),
        (Rules([], "closed"), "default-closed", "this install allows only what a Capability allows"),
        (Rules([constrained()], "open"), "no-capability", "no Capability allows it to you"),
    ):  # fmt: skip
        assert decided(ADA, Action.STOP, Target(owner="bob@example.com"), rules) == (False, rule, reason)
    assert decided(ANONYMOUS, Action.STOP, Target(), Rules([], "open")) == (False, "anonymous", "log in first")


def test_nobody_owns_what_has_no_owner() -> None:
    rules = Rules([], "owner")
    for who, owner, own in ((Identity("user"), "", False), (ADA, "", False), (ADA, "ada@example.com", True)):
        assert authorize(who, Action.STOP, Target(owner=owner), rules).allowed is own


@pytest.mark.parametrize(
    ("kind", "covered"),
    [("user", True), ("token", True), ("node", False), ("anonymous", False)],
)
def test_a_user_is_a_person_or_an_account(kind: Any, covered: bool) -> None:
    assert access.covers((Subject("User", "x"),), Identity(kind, "x")) is covered


def test_a_device_is_covered_by_its_tag_with_and_without_the_prefix() -> None:
    node = Identity("node", "n", tags=("tag:ci", "plain"))
    for name, covered in (("ci", True), ("tag:ci", True), ("plain", True), ("tag:plain", False), ("other", False)):
        assert access.covers((Subject("Tag", name),), node) is covered


# ---- reading a Capability -------------------------------------------------------------------------------------------


def read(spec: Any) -> Capability:
    return capability.parse({"metadata": {"name": "c"}, "spec": spec})


def test_everything_a_capability_can_say() -> None:
    assert read({
        "actions": ["launch", "list"],
        "selector": {
            "matchLabels": {"team": "a"},
            "matchExpressions": [
                {"key": "tier", "operator": "In", "values": ["x", "y"]},
                {"key": "old", "operator": "DoesNotExist"},
                {"key": "new", "operator": "Exists", "values": None},
                {"key": "size", "operator": "NotIn", "values": ["xl"]},
            ],
        },
        "subjects": [
            {"kind": "User", "name": "ada"}, {"kind": "Any"}, {"kind": "Tag", "name": "t"},
            {"kind": "Role", "name": "r"}, {"kind": "Group", "name": None},
        ],
        "constraints": {"allowedImages": ["a/b"], "allowedPorts": [80, "443"], "maxConcurrent": 2},
    }) == Capability(
        "c",
        frozenset({"launch", "list"}),
        Selector({"team": "a"}, (
            Expression("tier", "In", ("x", "y")), Expression("old", "DoesNotExist"), Expression("new", "Exists"),
            Expression("size", "NotIn", ("xl",)),
        )),
        (Subject("User", "ada"), Subject("Any"), Subject("Tag", "t"), Subject("Role", "r"), Subject("Group")),
        Constraints(("a/b",), (80, 443), 2),
    )  # fmt: skip


def test_what_is_not_said_limits_nothing() -> None:
    for spec in ({"actions": ["list"]}, {"actions": ["list"], "selector": None, "subjects": None, "constraints": None}):
        assert read(spec) == Capability("c", frozenset({"list"}))
    assert read({"actions": ["list"], "subjects": []}).subjects == ()
    assert read(
        {"actions": ["list"], "constraints": {"allowedImages": [], "allowedPorts": [], "maxConcurrent": 0}}
    ) == (Capability("c", frozenset({"list"}), constraints=Constraints((), (), 0)))


@pytest.mark.parametrize(
    "spec",
    [
        {}, {"actions": None}, {"actions": "list"}, {"actions": [1]}, {"actions": {"list": 1}},
        {"actions": ["list"], "selector": "x"}, {"actions": ["list"], "selector": 0},
        {"actions": ["list"], "selector": {"matchLabels": {"a": None}}},
        {"actions": ["list"], "selector": {"matchExpressions": {"key": "a"}}},
        {"actions": ["list"], "selector": {"matchExpressions": [{"operator": "Exists"}]}},
        {"actions": ["list"], "selector": {"matchExpressions": [{"key": "a", "operator": "Like"}]}},
        {"actions": ["list"], "selector": {"matchExpressions": [{"key": "a", "operator": "In", "values": [1]}]}},
        {"actions": ["list"], "subjects": [{"name": "x"}]}, {"actions": ["list"], "subjects": [{"kind": "Robot"}]},
        {"actions": ["list"], "subjects": [{"kind": "Any"}, {"kind": "Robot"}]},
        {"actions": ["list"], "constraints": {"allowedImages": "a"}},
        {"actions": ["list"], "constraints": {"maxConcurrent": "many"}},
        None, "x",
    ],
)  # fmt: skip
def test_what_cannot_be_understood_grants_nothing_and_exists(spec: Any) -> None:
    assert read(spec) == Capability("c")


@pytest.mark.parametrize("obj", [{}, {"metadata": None}, {"metadata": {"name": ""}}, {"metadata": {"name": 7}}])
def test_a_capability_without_a_name(obj: Any) -> None:
    with pytest.raises(Invalid, match=r"^the Capability has no name$") as error:
        capability.parse(obj)
    assert list(error.value.details) == [FieldError("metadata.name", "must not be empty")]


@pytest.mark.parametrize(
    ("operator", "values", "labels", "matches"),
    [
        ("In", ("a",), {"k": "a"}, True), ("In", ("a",), {"k": "b"}, False), ("In", ("a",), {}, False),
        ("NotIn", ("a",), {"k": "a"}, False), ("NotIn", ("a",), {"k": "b"}, True), ("NotIn", ("a",), {}, True),
        ("Exists", (), {"k": ""}, True), ("Exists", (), {}, False),
        ("DoesNotExist", (), {"k": ""}, False), ("DoesNotExist", (), {}, True),
        ("Like", ("a",), {"k": "a"}, False),
    ],
)  # fmt: skip
def test_an_expression(operator: str, values: tuple[str, ...], labels: dict[str, str], matches: bool) -> None:
    assert Expression("k", operator, values).matches(labels) is matches


# ---- identities -----------------------------------------------------------------------------------------------------


def refused(header: str, **changed: Any) -> str:
    with pytest.raises(Denied) as error:
        verify(header, KEY, **{"method": "GET", "path": "/x", "now": NOW, **changed})
    assert error.value.code == "bad_identity"
    message = str(error.value)
    start = "the signed identity of this request was refused: "
    assert message.startswith(start)
    return message.removeprefix(start)


def test_what_is_wrong_with_a_signed_identity_is_said() -> None:
    good = sign(ADA, KEY, method="get", path="/x", now=NOW)
    assert verify(good, KEY, method="GET", path="/x", now=NOW) == ADA
    assert refused("") == "it is missing"
    assert refused("v1.x.y").endswith(": proxy and api must mount the same key")
    assert refused(good, path="/y") == "it was issued for another request"
    assert refused(good, method="PUT") == "it was issued for another request"
    assert refused(good, now=NOW + 61) == "it is expired or from the future: check the clocks"
    assert refused(good, now=NOW - 6) == "it is expired or from the future: check the clocks"
    claims = {**claims_of(ADA), "iat": NOW, "method": "GET", "path": "/x"}
    assert refused(seal({**claims, "kind": "root"}, KEY)) == "it is malformed"
    assert (
        refused(
            seal(
                {**claims, "iat": True},
                KEY,
            ),
            now=1.0,
        )
        == "it is expired or from the future: check the clocks"
    )


def test_a_header_may_have_sixteen_kibibytes() -> None:
    def of_size(size: int) -> str:
        empty = len(sign(replace(ADA, display_name=""), KEY, method="GET", path="/x", now=NOW))
        return sign(replace(ADA, display_name="x" * ((size - empty) * 3 // 4)), KEY, method="GET", path="/x", now=NOW)

    assert verify(of_size(16 * 1024), KEY, method="GET", path="/x", now=NOW).login == ADA.login
    assert refused(of_size(16 * 1024 + 8)).endswith("same key")
    assert HEADER == "X-Guildnet-Identity"


def test_claims_come_back_and_what_an_older_one_did_not_say_is_empty() -> None:
    claims = claims_of(ADA)
    assert identity_of(claims) == ADA
    assert identity_of({key: value for key, value in claims.items() if key != "groups"}) == ADA
    assert identity_of({**claims, "groups": None}).groups == ()
    for broken in ({**claims, "kind": "root"}, {**claims, "entry": {"name": "x", "origin": "y", "mode": "z"}}, {},
                   {**claims, "tags": 1}, {**claims, "entry": 1}):  # fmt: skip
        with pytest.raises(ValueError, match=r"^it is malformed$"):
            identity_of(broken)


def test_names_of_callers() -> None:
    assert Identity("user", "", "Ada").subject == "Ada"
    assert Identity("node", "", "box").subject == "node:box"
    assert Identity("node").subject == ""
    assert Identity("anonymous", "ada").subject == ""
    assert (ANONYMOUS.kind, ANONYMOUS.source, ANONYMOUS.login, ANONYMOUS.display_name) == ("anonymous", "none", "", "")
    assert Identity("user", roles=("admin",)).is_admin
    assert not Identity("user", roles=("admins",)).is_admin
    assert not Identity("anonymous", roles=("admin",)).is_admin


# ---- names ----------------------------------------------------------------------------------------------------------


def test_the_words_that_others_rely_on() -> None:
    """A change of one of these orphans what an earlier release made."""
    words = {name: value for name, value in vars(names).items() if name.isupper() and isinstance(value, str | int)}
    assert words == {
        "GROUP": "guildnet.io", "VERSION": "v1alpha1", "API_VERSION": "guildnet.io/v1alpha1",
        "WORKSPACES": "workspaces", "CAPABILITIES": "capabilities",
        "LABEL_MANAGED": "guildnet.io/managed", "LABEL_ID": "guildnet.io/id",
        "LABEL_WORKSPACE": "guildnet.io/workspace", "LABEL_WORKSPACE_UID": "guildnet.io/workspace-uid",
        "LABEL_LAUNCH": "guildnet.io/launch", "ANNOTATION_LAUNCH": "guildnet.io/launch-fingerprint",
        "ANNOTATION_OWNER": "guildnet.io/owner", "ANNOTATION_LAUNCH_RULE": "guildnet.io/launch-rule",
        "ANNOTATION_LAST_CHANGED_BY": "guildnet.io/last-changed-by",
        "ANNOTATION_TRACEPARENT": "guildnet.io/traceparent",
        "ANNOTATION_RESTARTED_AT": "guildnet.io/restarted-at",
        "ANNOTATION_HASH": "guildnet.io/desired-hash", "ANNOTATION_SETTINGS": "guildnet.io/pod-settings",
        "ANNOTATION_TEMPLATE": "guildnet.io/template-hash", "EXPOSURE_SUFFIX": "-exposure",
        "RESERVED_PREFIX": "guildnet.io/",
        "FIELD_MANAGER_OPERATOR": "guildnet-operator", "FIELD_MANAGER_API": "guildnet-api",
        "MAX_NAME": 63, "SUFFIX_HEX": 5, "CLAIM_SUFFIX": "-storage", "ATTEMPTS": 10, "FALLBACK": "workload",
        "_LABEL_NAME": 54, "_LABEL_UID": 8, "_PORT_LABEL_NAME": 48,
    }  # fmt: skip


def test_a_policy_of_exposure_and_its_workspace() -> None:
    assert names.exposure_policy_name("lab") == "lab-exposure"
    assert names.workspace_of_exposure_policy("lab-exposure") == "lab"
    for other in ("lab", "-exposure", "guildnet-default-deny", ""):
        assert names.workspace_of_exposure_policy(other) is None


def test_a_claim_and_its_workspace() -> None:
    assert names.claim_name("lab") == "lab-storage"
    assert names.workspace_of_claim("lab-storage") == "lab"
    assert names.workspace_of_claim("a-storage-storage") == "a-storage"
    for other in ("lab", "-storage", "lab-storage-2", ""):
        assert names.workspace_of_claim(other) is None


def test_a_suffix_takes_as_many_random_digits_as_it_needs() -> None:
    asked: list[int] = []

    def rng(count: int) -> str:
        asked.append(count)
        return "0123456789"

    assert names.with_suffix("lab", rng) == "lab-01234"
    assert asked == [3]
    assert names.with_suffix("a" * 57, rng) == "a" * 57 + "-01234"
    assert names.with_suffix("a" * 58, rng) == "a" * 57 + "-01234"


def test_a_dns_label_of_a_service() -> None:
    for good in ("a", "a1", "a-b", "a" * 63):
        assert names.DNS_1035_LABEL.fullmatch(good)
    for bad in ("", "1a", "a-", "-a", "A", "a" * 64, "a.b"):
        assert not names.DNS_1035_LABEL.fullmatch(bad)


def test_ports_and_paths() -> None:
    assert [scheme_of(number) for number in (80, 443, 444, 8080, 8443)] == ["http", "https", "http", "http", "https"]
    assert (scheme_of(9000, "https-api"), scheme_of(9000, "http"), scheme_of(9000, "")) == ("https", "http", "http")
    assert (base_path("ws"), base_path("ws", 80)) == ("/proxy/server/ws", "/proxy/server/ws/~80")
