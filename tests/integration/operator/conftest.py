"""A running operator against a real API server, and hands to do what people, kubelets and strangers do."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import pytest

from guildnet.kube.client import Client
from guildnet.kube.resources import NAMESPACES
from guildnet_operator.app import Operator, operator
from guildnet_operator.settings import Settings
from support.apiserver import ApiServer
from support.world import Start, World, Writes

TESTS_AGENT = "guildnet-tests"


@pytest.fixture
def writes(monkeypatch: pytest.MonkeyPatch) -> Writes:
    """Whatever this process writes over HTTP, kopf and its sessions included; not what the test itself does."""
    recorded = Writes()
    send = aiohttp.ClientSession._request

    async def recording(self: aiohttp.ClientSession, method: str, url: Any, **given: Any) -> Any:
        agent = {**self.headers, **(given.get("headers") or {})}.get("User-Agent")
        path = urlsplit(str(url)).path
        ours = agent != TESTS_AGENT and method.upper() != "GET" and "/leases/" not in f"{path}/"
        if ours:
            recorded.seen.append((method.upper(), path))
        answer = await send(self, method, url, **given)
        if ours and answer.status == 409:
            recorded.stale.append((method.upper(), path))
        return answer

    monkeypatch.setattr(aiohttp.ClientSession, "_request", recording)
    return recorded


@pytest.fixture
def namespace(namespace_with_controllers: str) -> str:
    return namespace_with_controllers


@pytest.fixture
def kube(kube_with_controllers: Client) -> Client:
    return kube_with_controllers


@pytest.fixture
async def release(kube: Client, namespace: str) -> str:
    """The namespace of the install itself."""
    name = f"{namespace}-release"
    await kube.create(NAMESPACES, None, {"metadata": {"name": name}})
    return name


@pytest.fixture
def start(api_server_with_controllers: ApiServer, namespace: str, release: str) -> Start:
    """Start an operator for this test's namespace; keywords are settings."""

    @contextlib.asynccontextmanager
    async def started(**settings: Any) -> AsyncIterator[Operator]:
        given = {
            "kubeconfig": str(api_server_with_controllers.kubeconfig),
            "k8s_namespace": namespace,
            "release_namespace": release,
            "ops_port": 0,
            "lease_identity": "the-pod",
            "local_origin": "http://guildnet.localhost:8080",
        }
        async with operator(Settings(**{**given, **settings})) as running:
            yield running

    return started


@pytest.fixture
def world(kube: Client, namespace: str, release: str) -> World:
    return World(kube, namespace, release)
