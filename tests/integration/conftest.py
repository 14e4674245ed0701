"""Real parts for the integration ring: a Kubernetes API server with our CRDs, a client of it, Redis."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from guildnet.kube.client import Client, connect
from support.apiserver import ApiServer, make_namespace
from support.redis import RedisServer
from support.shared import shared_apiserver


def _run_directory(factory: pytest.TempPathFactory) -> Path:
    """A directory that all workers of this run share (each has a base of its own below it)."""
    base = factory.getbasetemp()
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base


@pytest.fixture(scope="session")
def api_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    """etcd and kube-apiserver with RBAC and our CRDs. No controllers: nothing happens that a test does not do."""
    with shared_apiserver(_run_directory(tmp_path_factory) / "apiserver") as server:
        yield server


@pytest.fixture(scope="session")
def api_server_with_controllers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    """Another one, on which a real kube-controller-manager works."""
    with shared_apiserver(_run_directory(tmp_path_factory) / "apiserver-controllers", controllers=True) as server:
        yield server


@pytest.fixture
def kubeconfig(api_server: ApiServer) -> str:
    """Path of a kubeconfig with every right."""
    return str(api_server.kubeconfig)


@pytest.fixture
async def kube(kubeconfig: str) -> AsyncIterator[Client]:
    """A client with every right."""
    async with connect(kubeconfig, user_agent="guildnet-tests") as client:
        yield client


@pytest.fixture
async def kube_with_controllers(api_server_with_controllers: ApiServer) -> AsyncIterator[Client]:
    """A client with every right, of the API server that has controllers."""
    async with connect(str(api_server_with_controllers.kubeconfig), user_agent="guildnet-tests") as client:
        yield client


@pytest.fixture
async def namespace(kube: Client) -> str:
    """A fresh namespace."""
    return await make_namespace(kube)


@pytest.fixture
async def namespace_with_controllers(kube_with_controllers: Client) -> str:
    """A fresh namespace of the API server that has controllers."""
    return await make_namespace(kube_with_controllers)


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """A real Redis for this worker; a test that stops it starts it again."""
    server = RedisServer(tmp_path_factory.mktemp("redis"))
    server.start()
    yield server
    server.stop()


@pytest.fixture
def redis_url(redis_server: RedisServer) -> str:
    """The address of an empty Redis."""
    assert redis_server.command("FLUSHALL") == b"+OK\r\n"
    return redis_server.url
