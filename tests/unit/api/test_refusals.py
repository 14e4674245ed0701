"""No request makes the api answer 500, and what the cluster refuses us is not told as if it were about the caller."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from urllib.parse import quote, urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from support.played_api import PlayedApi, played_api, status

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


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("/sse/logs?target=w&folow=0", "there is no such parameter; do you mean follow?"),
        ("/api/servers?stauts=running", "there is no such parameter; do you mean status?"),
        ("/api/stop-all?dry_run=1", "there is no such parameter; do you mean dryRun?"),
        ("/sse/logs?target=w&limit=5", "there is no such parameter here; it takes"),
        ("/api/servers/w/logs?tail=5", "there is no such parameter here; it takes container, format, level, limit,"),
    ],
)
async def test_a_slip_in_the_name_of_a_parameter_is_refused(api: PlayedApi, target: str, said: str):
    answer = await api.ask("POST" if "stop-all" in target else "GET", target)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_query")
    assert answer.json()["details"][0]["reason"].startswith(said)


async def test_a_parameter_that_means_nothing_to_us_is_left_alone(api: PlayedApi):
    assert (await api.ask("GET", "/api/servers?_=1764241&utm_source=x")).status_code == 200


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


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(targets(), st.sampled_from(["GET", "HEAD", "POST", "DELETE", "OPTIONS"]))
def test_whatever_is_asked_is_answered_in_one_of_our_shapes(api: PlayedApi, target: str, method: str):
    method = "GET" if "/api/servers/w?" in target else method  # it has to stay
    answer = asyncio.run(api.ask(method, target))
    assert answer.status_code < 500, answer.text
    if answer.status_code >= 400 and method != "HEAD":
        assert {"code", "message", "request_id"} <= set(answer.json())


def rbac(verb: str) -> bytes:
    account = "system:serviceaccount:guildnet:guildnet-api"
    return status(403, "Forbidden", f'x is forbidden: User "{account}" cannot {verb} resource "workspaces"')


QUOTA = status(
    403, "Forbidden", 'secrets "a" is forbidden: exceeded quota: small, limited: 3', kind="secrets", name="a"
)
WEBHOOK = status(403, "", 'admission webhook "policy" denied the request: images come from acme/')
NO_NAMESPACE = status(404, "NotFound", 'namespaces "workspaces" not found', kind="namespaces", name="workspaces")
LOST = status(404, "NotFound", 'workspaces.guildnet.io "w" not found', kind="workspaces", name="w")

CLUSTER_REFUSALS = {
    "no right of ours": ((403, rbac("create")), 502, "cluster_refused"),
    "a token of ours that is not valid": ((401, status(401, "Unauthorized", "Unauthorized")), 502, "cluster_refused"),
    "a quota": ((403, QUOTA), 409, "admission_denied"),
    "a webhook": ((403, WEBHOOK), 409, "admission_denied"),
    "no custom resource": ((404, b"404 page not found"), 502, "cluster_refused"),
    "the object is gone": ((404, LOST), 404, "not_found"),
    "a time-out": ((0, b""), 503, "unavailable"),
    "a broken API server": ((500, b"etcd: dial 10.0.0.1:2379"), 503, "unavailable"),
    "too many requests of ours": ((429, status(429, "TooManyRequests", "slow down 10.0.0.1:6443")), 503, "unavailable"),
    "a version that is gone": ((410, status(410, "Expired", "too old")), 503, "unavailable"),
    "a media type it does not know": ((415, b"unsupported"), 502, "cluster_refused"),
}


ASKED = (
    ("POST", "/api/jobs"), ("PATCH", "/api/servers/w"), ("POST", "/api/servers/w/stop"), ("GET", "/api/servers/w/logs"),
)  # fmt: skip
NEVER = {("admission_denied", "/api/servers/w/logs"), ("not_found", "/api/jobs")}
"""Nothing judges what is only read, and what is made cannot be missing."""


@pytest.mark.parametrize(
    ("method", "target", "refused", "expected", "code"),
    [
        pytest.param(method, target, *case, id=f"{method} {target}, {name}")
        for method, target in ASKED
        for name, case in CLUSTER_REFUSALS.items()
        if (case[2], target) not in NEVER
    ],
)
async def test_what_the_cluster_refuses_us_is_not_the_callers_fault(
    api: PlayedApi, method: str, target: str, refused: tuple[int, bytes], expected: int, code: str
):
    api.cluster.refuse = lambda *_: refused
    body = {"json": {"image": "acme/tool"}} if method in ("POST", "PATCH") else {}
    answer = await api.ask(method, target, **body)
    assert (answer.status_code, answer.json()["code"]) == (expected, code), answer.text
    assert "serviceaccount" not in answer.text
    assert not re.search(r"\d+\.\d+\.\d+\.\d+", answer.text)
    assert ("Retry-After" in answer.headers) == (expected == 503)


async def test_a_missing_namespace_is_no_missing_workspace(api: PlayedApi):
    api.cluster.refuse = lambda *_: (404, NO_NAMESPACE)
    answer = await api.ask("POST", "/api/jobs", json={"image": "acme/tool"})
    assert (answer.status_code, answer.json()["code"]) == (502, "cluster_refused")


async def test_readiness_says_nothing_to_strangers_but_names_and_asks_the_cluster_once_a_second(api: PlayedApi):
    api.cluster.refuse = lambda *_: (0, b"")
    answers = await asyncio.gather(*(api.ask("GET", "/readyz") for _ in range(20)))
    assert answers[0].json()["checks"]["kubernetes"] == {"ok": False}
    assert (answers[0].status_code, answers[0].headers["Retry-After"]) == (503, "2")
    assert api.cluster.requests == [("GET", "/version")]
    assert "10.96.0.1" in ((await api.services.health.report()).checks["kubernetes"] or "")


@pytest.mark.parametrize(
    ("level", "shown"),
    [
        ("", ["ERROR a", "WARNING b", "INFO c", "DEBUG d"]),
        ("all", ["ERROR a", "WARNING b", "INFO c", "DEBUG d"]),
        ("error", ["ERROR a"]),
        ("info", ["WARNING b", "INFO c"]),
        ("warn", ["WARNING b", "INFO c"]),
        ("debug", ["DEBUG d"]),
    ],
)
async def test_a_level_is_that_level_alone_and_a_warning_is_information(api: PlayedApi, level: str, shown: list[str]):
    """As the first generation has it, whose levels are these three."""
    texts = ("ERROR a", "WARNING b", "INFO c", "DEBUG d")
    api.cluster.lines = [f"2026-11-23T10:00:0{n}Z {text}".encode() for n, text in enumerate(texts)]
    answer = await api.ask("GET", f"/api/servers/w/logs?level={level}")
    assert [line["msg"] for line in answer.json()] == shown


async def test_a_level_that_there_is_not_is_refused(api: PlayedApi):
    answer = await api.ask("GET", "/api/servers/w/logs?level=fatal")
    assert (answer.status_code, answer.json()["details"][0]["field"]) == (400, "level")
