"""The selection for CI leaves out no kind of write, no single write and no kind of fault; requests are read right."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from proofs.crash.plans import Plan, Reference, every, selected
from support.apirequest import about
from support.faultproxy import Write
from support.faults import AtEvent, AtWrite, WatchFault, WriteFault


def _reference(scenario: str, *writes: str, events: tuple[tuple[str, str], ...] = (), starts: int = 1) -> Reference:
    seen: Counter[str] = Counter()
    made = []
    for text in writes:
        seen[text] += 1
        verb, resource, name = text.split()
        request = about(
            {"create": "POST", "delete": "DELETE"}.get(verb, "PATCH"),
            f"/apis/apps/v1/namespaces/n/{resource}" + ("" if verb == "create" else f"/{name}"),
            "",
            {"apply": "application/apply-patch+yaml"}.get(verb, "application/json"),
            f'{{"metadata": {{"name": "{name}"}}}}'.encode(),
        )
        assert str(request) == text
        made.append(Write(request, seen[text], 201))
    return Reference(scenario, tuple(made), frozenset(events), {}, Counter(), starts)


ONE = _reference("one", "create deployments a", "create services a", events=(("pods", "ADDED"),))
TWO = _reference("two", "create deployments a", "create deployments b", "apply deployments a", "apply deployments a")
DOWN = _reference("down", "create deployments a", events=(("pods", "ADDED"),), starts=2)


def test_all_plans_are_a_control_every_write_with_every_fault_and_every_event_with_every_fault():
    plans = every(ONE)
    assert plans[0] == Plan("one", None)
    assert len(plans) == 1 + 2 * len(WriteFault) + len(WatchFault)


def test_the_selection_meets_every_kind_of_write_with_every_fault_and_every_single_write():
    chosen = selected([ONE, TWO])
    kinds = {(fault.write.rpartition(" ")[0], fault.fault) for fault in _at_writes(chosen)}
    assert kinds == {
        (kind, fault) for kind in ("create deployments", "create services", "apply deployments") for fault in WriteFault
    }
    places = {(plan.scenario, plan.fault.write, plan.fault.nth) for plan in chosen if isinstance(plan.fault, AtWrite)}
    assert places == {(item.scenario, str(w.request), w.nth) for item in (ONE, TWO) for w in item.writes}
    events = {plan.fault.fault for plan in chosen if isinstance(plan.fault, AtEvent)}
    assert events == set(WatchFault)


def test_the_selection_is_the_same_each_time_and_part_of_all_plans():
    chosen = selected([ONE, TWO, DOWN])
    assert chosen == selected([ONE, TWO, DOWN])
    assert set(chosen) <= {plan for item in (ONE, TWO, DOWN) for plan in every(item)}


def test_events_are_left_alone_where_the_operator_was_away_meanwhile():
    assert not [plan for plan in every(DOWN) if isinstance(plan.fault, AtEvent)]


def _at_writes(plans: list[Plan]) -> list[AtWrite]:
    return [plan.fault for plan in plans if isinstance(plan.fault, AtWrite)]


@pytest.mark.parametrize(
    ("method", "target", "content_type", "text", "counts"),
    [
        ("GET", "/apis/guildnet.io/v1alpha1/namespaces/n/workspaces?watch=true", "", "watch workspaces", False),
        ("GET", "/api/v1/namespaces/n/services/a", "", "read services a", False),
        ("GET", "/api/v1/namespaces/n", "", "read namespaces n", False),
        ("POST", "/api/v1/namespaces/n/services", "application/json", "create services named", True),
        ("POST", "/api/v1/namespaces/n/events", "application/json", "create events named", False),
        (
            "PATCH", "/apis/guildnet.io/v1alpha1/namespaces/n/workspaces/a/status", "application/merge-patch+json",
            "merge workspaces/status a", True,
        ),
        ("PATCH", "/api/v1/namespaces/n/services/a", "application/json-patch+json", "json-patch services a", True),
        ("PUT", "/apis/coordination.k8s.io/v1/namespaces/n/leases/l", "application/json", "replace leases l", False),
        ("DELETE", "/apis/networking.k8s.io/v1/namespaces/n/ingresses/a", "", "delete ingresses a", True),
    ],
)  # fmt: skip
def test_a_request_is_read_for_what_it_does(method: str, target: str, content_type: str, text: str, counts: bool):
    path, _, query = target.partition("?")
    asked = about(method, path, query, content_type, b'{"metadata": {"name": "named"}}')
    assert (str(asked), asked.counts) == (text, counts)


def test_a_write_that_was_refused_and_made_again_counts_as_one():
    first, again = _reference("race", "apply deployments a", "apply deployments a").writes
    race = Reference("race", (replace(first, code=409), again), frozenset(), {}, Counter())
    places = {(plan.fault.write, plan.fault.nth) for plan in every(race) if isinstance(plan.fault, AtWrite)}
    assert places == {("apply deployments a", 1)}
    assert {plan.fault.nth for plan in selected([race]) if isinstance(plan.fault, AtWrite)} == {1}
