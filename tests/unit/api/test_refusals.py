"""No request makes the api answer 500, and what the cluster refuses us is not told as if it were about the caller."""

from __future__ import annotations

import asyncio
from pathlib import Path
from urllib.parse import quote, urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from support.played_api import PlayedApi, played_api

MANY_DIGITS = "9" * 4301


@pytest.fixture
def api(tmp_path: Path) -> PlayedApi:
    played = played_api(tmp_path)
    played.workspace("w")
    played.pod("w")
    played.cluster.lines = [b"2026-11-23T10:00:00.000000001Z hello"]
    played.services.supervisor.closed = True  # streams end after what there is to tell
    return played


@pytest.mark.parametrize(
    ("target", "statuses"),
    [
        (f"/sse/servers?lastEventId={MANY_DIGITS}.1", {200}),
        (f"/sse/servers?lastEventId={quote('٣.٣')}", {200}),
        (f"/sse/logs?target=w&follow=0&container=*&lastEventId=abc.{MANY_DIGITS}.main.5-0", {200}),
        (f"/sse/logs?target=w&follow=0&lastEventId=abc.{MANY_DIGITS}.main.5-0", {200}),
        (f"/sse/logs?target=w&follow=0&lastEventId=w-pod.0.main.{MANY_DIGITS}-0", {200}),
        (f"/sse/logs?target=w&follow=0&events=1&lastEventId=w-pod.0.main.{'9' * 20}-0", {200}),
        (f"/sse/logs?target=w&follow=0&lastEventId=w-pod.{quote('²')}.main.5-0", {200}),
        ("/api/servers/w/logs?since=999999d", {200}),
        ("/api/servers/w/logs?since=0001-01-01T00:00:00%2B23:59", {200}),
        ("/api/servers/w/logs?since=9999-12-31T23:59:59-23:59", {200}),
        ("/api/servers/w/logs?since=9999-12-31T23:59:59-23:59&format=text", {200}),
        ("/api/servers/w/logs?since=0001-01-01", {200}),
        ("/api/servers/w/logs?until=0001-01-01", {200}),
        (f"/api/servers/w/logs?since={quote('٣')}d", {400}),
        (f"/api/servers/w/logs?format=text&container={quote('日')}", {400}),
        ("/api/servers/w/logs?format=text&container=x%22%0d%0aSet-Cookie:%20a=b", {400}),
        (f"/sse/logs?target=w&container={quote('日')}", {400}),
        ("/api/servers/w/logs?limit=" + MANY_DIGITS, {200}),
        ("/api/servers/w/logs?limit=%C2%B2", {400}),
    ],
)
async def test_no_parameter_makes_an_error_of_ours(api: PlayedApi, target: str, statuses: set[int]):
    answer = await api.ask("GET", target)
    assert answer.status_code in statuses, answer.text
    assert b"Traceback" not in answer.content


async def test_the_log_of_a_workspace_without_a_pod_has_no_name_of_the_clients_making(api: PlayedApi):
    api.workspace("nopod")
    answer = await api.ask("GET", f"/api/servers/nopod/logs?format=text&container={quote('日')}")
    assert answer.status_code == 400
    assert answer.json()["details"][0]["field"] == "container"


async def test_a_time_before_the_epoch_is_asked_of_the_cluster_as_one_it_knows(api: PlayedApi):
    answer = await api.ask("GET", "/api/servers/w/logs?since=0001-01-01")
    assert [line["msg"] for line in answer.json()] == ["hello"]
    assert api.cluster.streamed[-1]["sinceTime"] == "1970-01-01T00:00:00Z"


async def test_zeros_before_a_count_count_for_nothing(api: PlayedApi):
    assert len((await api.ask("GET", "/api/servers/w/logs?limit=0000000005")).json()) == 1


async def test_a_patch_reads_what_was_stored_without_a_name(api: PlayedApi):
    api.workspace("odd", env=[{}])
    answer = await api.ask("PATCH", "/api/servers/odd", json={"env": {"A": "1"}})
    assert answer.status_code == 202, answer.text


PARAMETERS = {
    "/api/servers": ("q", "status", "owner"),
    "/api/servers/w/logs": ("level", "container", "q", "limit", "previous", "since", "until", "format"),
    "/sse/logs": ("target", "level", "container", "q", "tail", "previous", "events", "lastEventId"),
    "/sse/servers": ("lastEventId",),
    "/api/image-defaults": ("image",),
    "/api/servers/w": (),
    "/api/servers/w/events": (),
}
SEEDS = st.sampled_from(["w", "info", "*", "main", "1", "5-0", "w-pod.0.main.5-0", "text", "/a/i", "10m", "2026-01-01"])
VALUES = st.one_of(SEEDS, st.text(max_size=40), st.builds("{}{}".format, SEEDS, st.text(max_size=5)))


@st.composite
def targets(draw: st.DrawFn) -> str:
    path = draw(st.sampled_from(sorted(PARAMETERS)))
    names = st.sampled_from([*PARAMETERS[path], "unknown"])
    query = draw(st.lists(st.tuples(names, VALUES), max_size=4))
    given = dict(query)
    if path == "/sse/logs":
        query.append(("follow", "0"))
        query += [] if "target" in given else [("target", "w")]
    return f"{path}?{urlencode(query, errors='surrogatepass')}"


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(targets(), st.sampled_from(["GET", "HEAD", "POST", "DELETE", "OPTIONS"]))
def test_whatever_is_asked_is_answered_in_one_of_our_shapes(api: PlayedApi, target: str, method: str):
    method = "GET" if "/api/servers/w?" in target else method  # it has to stay
    answer = asyncio.run(api.ask(method, target))
    assert answer.status_code < 500, answer.text
    if answer.status_code >= 400 and method != "HEAD":
        assert {"code", "message", "request_id"} <= set(answer.json())
