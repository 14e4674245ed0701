"""Metrics of a running api: their labels have few values, and none of them is a name."""

from __future__ import annotations

from typing import Any

from guildnet_api.metrics import Metrics
from guildnet_api.routes import ROWS

from .conftest import ALICE, BOB, Api
from .test_access import capability

LABELS = {
    "guildnet_api_requests": {"route", "method", "status"}, "guildnet_api_request_seconds": {"route"},
    "guildnet_api_viewers": {"stream"}, "guildnet_api_viewers_cut": {"reason"},
    "guildnet_api_log_follows": {"how"}, "guildnet_api_log_gaps": {"reason"},
}  # fmt: skip
"""Every family that has labels; one that is not here has none."""
TEMPLATES = {row.path for row in ROWS} | {"/api/openapi.json", "other"}
NAMES = ("secret-project", "absent-project", ALICE.login, BOB.login, "no-such-path")


def samples(metrics: Metrics) -> list[tuple[str, dict[str, str], float]]:
    families: list[Any] = [family for metric in vars(metrics).values() for family in metric.collect()]
    return [
        (family.name, {k: v for k, v in one.labels.items() if k != "le"}, one.value)
        for family in families
        for one in family.samples
        if not one.name.endswith("_created")
    ]


async def test_a_request_counts_under_its_route_method_and_status_and_no_name(api: Api):
    await api.workspace("secret-project", owner=ALICE.login)
    for caller, method, path, body in (
        (ALICE, "GET", "/api/servers/secret-project", None), (BOB, "GET", "/api/servers/absent-project", None),
        (ALICE, "PATCH", "/api/servers/secret-project", {"notes": "x"}), (ALICE, "POST", "/api/jobs", {"image": ""}),
        (ALICE, "GET", "/api/no-such-path", None), (ALICE, "PUT", "/api/servers/secret-project", {"a": 1}),
        (ALICE, "GET", "/sse/logs?target=secret-project&follow=false", None),
    ):  # fmt: skip
        await api.as_(caller).ask(method, path, **({} if body is None else {"json": body}))
    await capability(api, "only-bob", ["list"], subjects=[{"kind": "User", "name": BOB.login}])
    await api.ask("GET", "/api/servers/secret-project")
    found = samples(api.services.metrics)
    counted = {
        (labels["route"], labels["method"], labels["status"]): value
        for family, labels, value in found
        if family == "guildnet_api_requests" and labels and value >= 1
    }
    one = "/api/servers/{id}"
    assert {(one, "GET", "200"), (one, "GET", "404"), (one, "PATCH", "202"), (one, "PUT", "405")} <= counted.keys()
    assert {("/api/jobs", "POST", "400"), ("other", "GET", "404")} <= counted.keys()
    assert counted[one, "GET", "404"] == 2, "hidden and absent alike"
    assert {route for route, _, _ in counted} <= TEMPLATES
    for family, labels, _ in found:
        assert set(labels) in (LABELS.get(family, set()), set()), family
        assert not [value for value in labels.values() if any(name in value for name in NAMES)], (family, labels)
