"""Traces: a launch is one of them from the proxy over the api to the operator, as a real collector gets it."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from guildnet import tracing
from guildnet.kube.client import Client
from guildnet.kube.resources import NAMESPACES, WORKSPACES
from guildnet_operator.app import operator
from guildnet_operator.settings import Settings
from proofs.forged.install import install
from proofs.forged.requests import Asked
from support.apiserver import ApiServer
from support.otlp import Collector, Span, collector
from support.waiting import eventually

TRACE = "0af7651916cd43dd8448eb211c80319c"
CLIENT = f"00-{TRACE}-b7ad6b7169203331-01"


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Spans are sent after 0.1 s instead of 5."""
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "100")


async def test_a_span_names_its_parent_its_times_and_what_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    with collector() as got:
        async with tracing.tracer("api", "1.2", f"{got.url}/") as tracer:
            assert tracer is not None
            began = time.time_ns() - 5_000_000
            child = tracer.begin(CLIENT, kind="server", start_ns=began)
            assert tracing.accepts(child.traceparent)
            child.end("GET /x", {"a": 1, "b": "", "c": "text"}, failed=True, end_ns=began + 2_000_000)
            tracer.begin("no traceparent").end("alone", {})
    child_span, alone = sorted(got.spans, key=lambda span: span.name)
    assert child_span == Span(
        "guildnet-api", "GET /x", TRACE, child.traceparent[36:52], "b7ad6b7169203331", {"a": 1, "c": "text"}, True,
        began, began + 2_000_000,
    )  # fmt: skip
    assert alone.parent == ""
    assert alone.trace != TRACE
    assert not alone.failed
    assert got.paths == {"/v1/traces"}


async def test_a_launch_is_one_trace_from_the_proxy_over_the_api_to_the_operator(
    api_server: ApiServer, kube: Client, tmp_path: Path
) -> None:
    with collector() as got:
        async with install(api_server, kube, tmp_path, endpoint=got.url) as made:
            release = f"{made.namespace}-release"
            await kube.create(NAMESPACES, None, {"metadata": {"name": release}})
            settings = Settings(
                kubeconfig=str(api_server.kubeconfig), k8s_namespace=made.namespace, release_namespace=release,
                ops_port=0, lease_identity="the-pod", local_origin=made.control, otel_exporter_otlp_endpoint=got.url,
            )  # fmt: skip
            async with operator(settings) as running:
                await eventually(lambda: running.lease.held, within=30)
                headers = ("Content-Type: application/json", f"Origin: {made.control}", f"traceparent: {CLIENT}")
                body = json.dumps({"image": "example.com/app:1", "name": "traced"}).encode()
                lengths = (*headers, f"Content-Length: {len(body)}")
                answer = await made.ask(Asked("launch", "POST", "/api/jobs", headers=lengths, body=body))
                assert answer.status == 202, answer
                proxy, api, *reconciles = await eventually(lambda: _chain(got), within=20)
            name = json.loads(answer.begun)["id"]
            stored = await kube.get(WORKSPACES, made.namespace, name)
    assert proxy.name == "POST api"
    assert proxy.parent == "b7ad6b7169203331"
    assert proxy.attributes["http.response.status_code"] == 202
    assert api.name == "POST /api/jobs"
    assert api.parent == proxy.id
    assert api.attributes["guildnet.request_id"] == proxy.attributes["guildnet.request_id"]
    assert stored["metadata"]["annotations"]["guildnet.io/traceparent"] == f"00-{TRACE}-{api.id}-01"
    assert {span.parent for span in reconciles} == {api.id}
    assert {span.attributes["guildnet.workspace"] for span in reconciles} == {name}
    assert proxy.began <= api.began <= reconciles[0].began


async def test_what_the_proxy_refuses_is_a_span_with_the_rule(
    api_server: ApiServer, kube: Client, tmp_path: Path
) -> None:
    with collector() as got:
        async with install(api_server, kube, tmp_path, endpoint=got.url) as made:
            there = Asked(
                "foreign", "POST", "/api/jobs", headers=("Origin: https://evil.example", f"traceparent: {CLIENT}")
            )
            assert (await made.ask(there)).status == 403
            gone = Asked("gone", "GET", "/proxy/server/nobody/", headers=(f"traceparent: {CLIENT}",))
            assert (await made.ask(gone)).status == 404
            refused, missing = await eventually(
                lambda: spans if len(spans := got.of_trace(TRACE)) == 2 else None, within=20
            )
    assert refused.attributes["guildnet.rule"] == "origin"
    assert refused.attributes["http.response.status_code"] == 403
    assert missing.attributes["guildnet.kind"] == "workspace"
    assert missing.attributes["http.response.status_code"] == 404


def _chain(got: Collector) -> list[Span] | None:
    """The spans of the trace, the operator's last, once all three have told theirs."""
    spans = {service: [span for span in got.of_trace(TRACE) if span.service == service] for service in SERVICES}
    return [span for service in SERVICES for span in spans[service]] if all(spans.values()) else None


SERVICES = ("guildnet-proxy", "guildnet-api", "guildnet-operator")
