"""How many workspaces an owner may run: which limit a Workspace counts against, and whose turn it is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from guildnet.capability import Capability, Constraints, Selector, Subject
from guildnet.workspace import Workspace, WorkspaceSpec
from guildnet.workspace.admission import Limit, has_place, limit_of, wants_to_run

ADA = "ada@example.com"
BEGAN = datetime(2026, 1, 1, tzinfo=UTC)


def ws(name: str = "a", *, owner: str = ADA, rule: str = "", age: int = 0, **given: Any) -> Workspace:
    """A Workspace that was made `age` seconds after the first."""
    annotations = {"guildnet.io/owner": owner, **({"guildnet.io/launch-rule": rule} if rule else {})}
    spec = WorkspaceSpec(given.pop("image", "acme/tool"), running=given.pop("running", True))
    created = BEGAN + timedelta(seconds=age)
    return Workspace(name, "n", f"uid-{name}", spec, annotations=annotations, created_at=created, **given)


def cap(name: str, count: int | None, *subjects: tuple[str, str], actions: str = "launch", **given: Any) -> Capability:
    constraints = Constraints(given.pop("images", None), given.pop("ports", None), count)
    named = tuple(Subject(*subject) for subject in subjects) if subjects else None
    return Capability(name, frozenset({actions}), given.pop("selector", Selector()), named, constraints)


ADAS = ("User", ADA)
BOBS = ("User", "bob@example.com")


@pytest.mark.parametrize(
    ("workspace", "capabilities", "limit"),
    [
        (ws(), [], None),
        (ws(), [cap("few", 3)], Limit(3, "capability/few")),
        (ws(), [cap("few", 3, actions="start")], None),
        (ws(), [cap("few", 3), cap("free", None)], None),
        (ws(), [cap("few", 3), cap("more", 5), cap("some", 4)], Limit(5, "capability/more")),
        (ws(), [cap("few", 3, BOBS)], None),
        (ws(), [cap("few", 3, BOBS), cap("own", 2, ADAS)], Limit(2, "capability/own")),
        (ws(owner="token:bot"), [cap("few", 3, ("User", "bot"))], Limit(3, "capability/few")),
        (ws(owner="node:box"), [cap("few", 3, ("User", "box"))], None),
        (ws(), [cap("few", 3, ("Role", "dev"))], None),
        (ws(rule="capability/few"), [cap("few", 3, ("Role", "dev"))], Limit(3, "capability/few")),
        (ws(rule="capability/gone"), [cap("few", 3, ("Role", "dev"))], None),
        (ws(rule="capability/gone"), [cap("few", 3)], Limit(3, "capability/few")),
        (ws(rule="admin-role"), [cap("few", 3)], None),
        (ws(rule="default-open"), [cap("few", 3)], Limit(3, "capability/few")),
        (ws(owner=""), [cap("few", 3)], Limit(3, "capability/few")),
        (ws(owner=""), [cap("few", 3, ("Any", ""))], Limit(3, "capability/few")),
        (ws(owner=""), [cap("few", 3, ("User", ""))], None),
        (ws(labels={"team": "a"}), [cap("few", 3, selector=Selector({"team": "b"}))], None),
        (ws(), [cap("few", 3), cap("other", 9, images=("evil/",))], Limit(3, "capability/few")),
        (ws(image="evil/miner"), [cap("few", 3, images=("acme/",))], Limit(3, "capability/few")),
        (ws(), [cap("few", 3, ports=(22,)), cap("free", None, images=())], None),
    ],
)
def test_the_limit_is_that_of_the_most_generous_capability_that_launches_it(
    workspace: Workspace, capabilities: list[Capability], limit: Limit | None
) -> None:
    assert limit_of(workspace, capabilities) == limit


def test_what_is_stopped_or_being_deleted_takes_no_place() -> None:
    assert wants_to_run(ws())
    assert not wants_to_run(ws(running=False))
    assert not wants_to_run(ws(deleting=True))


def turn(mine: Workspace, taken: int, *waiting: tuple[Workspace, int | None]) -> bool:
    def limit(count: int | None) -> Limit | None:
        return None if count is None else Limit(count, "r")

    return has_place(mine, Limit(3, "r"), taken, [(other, limit(count)) for other, count in waiting])


def test_the_oldest_goes_first() -> None:
    mine = ws("m", age=5)
    assert turn(mine, 2)
    assert not turn(mine, 3)
    assert not turn(mine, 2, (ws("b", age=4), 3))
    assert turn(mine, 2, (ws("b", age=6), 3))
    assert not turn(mine, 2, (ws("a", age=5), 3)), "made in the same second: by name"
    assert turn(mine, 2, (ws("z", age=5), 3))
    assert turn(mine, 1, (ws("b", age=4), 3))
    assert not turn(mine, 1, (ws("b", age=4), 3), (ws("c", age=3), 3))


def test_one_that_cannot_run_itself_is_not_waited_for() -> None:
    assert turn(ws("m", age=5), 2, (ws("b", age=4), 2))
    assert not turn(ws("m", age=5), 2, (ws("b", age=4), None))


def test_a_limit_says_what_to_do() -> None:
    three = "the 3 workspaces that Capability few allows at once are in use: stop or delete one"
    assert Limit(3, "capability/few").words == three
    assert Limit(1, "capability/few").words.endswith("is in use: stop or delete it")
