"""The client against a real API server: what it sends, what it raises, what it leaves alone."""

from __future__ import annotations

import asyncio
import gc
import socket
import ssl
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, aclosing, asynccontextmanager, contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import trustme
import uvloop

from guildnet.errors import Conflict, Denied, Invalid, NotFound, Silent, Unreachable
from guildnet.kube.client import Client, connect
from guildnet.kube.resources import CAPABILITIES, CONFIGMAPS, DEPLOYMENTS, PODS, SERVICES, WORKSPACES, path
from support.apiserver import ApiServer, service_account_token, write_kubeconfig
from support.waiting import eventually


def configmap(name: str, **data: str) -> dict[str, Any]:
    return {"metadata": {"name": name}, "data": data}


async def test_a_missing_object_is_not_found_in_the_servers_words(kube: Client, namespace: str) -> None:
    with pytest.raises(NotFound, match='configmaps "nobody" not found'):
        await kube.get(CONFIGMAPS, namespace, "nobody")


async def test_an_unknown_kind_is_not_found(kube: Client) -> None:
    with pytest.raises(NotFound):
        await kube.request("GET", "/apis/nothing.example/v1/things")


async def test_a_taken_name_and_a_stale_version_are_told_apart(kube: Client, namespace: str) -> None:
    made = await kube.create(CONFIGMAPS, namespace, configmap("c", a="1"))
    with pytest.raises(Conflict) as taken:
        await kube.create(CONFIGMAPS, namespace, configmap("c"))
    assert taken.value.reason == "AlreadyExists"
    await kube.merge_patch(CONFIGMAPS, namespace, "c", {"data": {"a": "2"}})
    with pytest.raises(Conflict) as stale:
        await kube.replace(CONFIGMAPS, namespace, "c", made)
    assert stale.value.reason == "Conflict"


async def test_unknown_fields_are_refused_by_name_in_every_way_of_writing(kube: Client, namespace: str) -> None:
    await kube.create(CONFIGMAPS, namespace, configmap("c", a="1"))
    attempts = (
        kube.create(CONFIGMAPS, namespace, {"metadata": {"name": "d"}, "dota": {}}),
        kube.merge_patch(CONFIGMAPS, namespace, "c", {"dota": {}}),
        kube.replace(CONFIGMAPS, namespace, "c", {"metadata": {"name": "c"}, "dota": {}}),
    )
    for attempt in attempts:
        with pytest.raises(Invalid) as refused:
            await attempt
        assert [detail.field for detail in refused.value.details] == ["dota"]


async def test_apply_creates_and_then_writes_only_what_differs(kube: Client, namespace: str) -> None:
    first = await kube.apply(CONFIGMAPS, namespace, "c", configmap("c", a="1"), "guildnet-operator")
    again = await kube.apply(CONFIGMAPS, namespace, "c", configmap("c", a="1"), "guildnet-operator")
    assert again["metadata"]["resourceVersion"] == first["metadata"]["resourceVersion"]
    assert first["metadata"]["managedFields"][0]["manager"] == "guildnet-operator"


async def test_apply_with_a_uid_never_touches_another_object_of_that_name(kube: Client, namespace: str) -> None:
    await kube.create(CONFIGMAPS, namespace, configmap("c", a="foreign"))
    body = configmap("c", a="ours")
    body["metadata"]["uid"] = "11111111-2222-3333-4444-555555555555"
    with pytest.raises(Conflict):
        await kube.apply(CONFIGMAPS, namespace, "c", body, "guildnet-operator")
    with pytest.raises(Conflict):
        await kube.apply(
            CONFIGMAPS, namespace, "missing", body | {"metadata": {**body["metadata"], "name": "missing"}}, "x"
        )
    assert (await kube.get(CONFIGMAPS, namespace, "c"))["data"] == {"a": "foreign"}


async def test_an_apply_without_force_yields_to_another_manager(kube: Client, namespace: str) -> None:
    await kube.apply(CONFIGMAPS, namespace, "c", configmap("c", a="1"), "first")
    with pytest.raises(Conflict, match="first"):
        await kube.apply(CONFIGMAPS, namespace, "c", configmap("c", a="2"), "second", force=False)
    await kube.apply(CONFIGMAPS, namespace, "c", configmap("c", a="2"), "second")


async def test_delete_with_a_uid_deletes_that_object_only(kube: Client, namespace: str) -> None:
    made = await kube.create(CONFIGMAPS, namespace, configmap("c"))
    with pytest.raises(Conflict):
        await kube.delete(CONFIGMAPS, namespace, "c", uid="11111111-2222-3333-4444-555555555555")
    await kube.delete(CONFIGMAPS, namespace, "c", uid=made["metadata"]["uid"])
    with pytest.raises(NotFound):
        await kube.delete(CONFIGMAPS, namespace, "c")


async def test_an_invalid_service_names_its_fields(kube: Client, namespace: str) -> None:
    with pytest.raises(Invalid) as refused:
        await kube.create(SERVICES, namespace, {"metadata": {"name": "1bad"}, "spec": {"ports": [{"port": 0}]}})
    assert {"metadata.name", "spec.ports[0].port"} <= {detail.field for detail in refused.value.details}


async def test_an_account_without_rights_is_denied_in_the_servers_words(
    kube: Client, namespace: str, api_server: ApiServer
) -> None:
    token = await service_account_token(kube, namespace, "nobody")
    async with connect(str(api_server.kubeconfig_for(token, namespace))) as client:
        assert (await client.version())["major"] == "1"
        with pytest.raises(Denied, match="cannot list resource") as denied:
            await client.list(WORKSPACES, namespace)
        assert denied.value.reason == "Forbidden"


async def test_a_bad_token_is_denied_as_unauthorized(api_server: ApiServer) -> None:
    async with connect(str(api_server.kubeconfig_for("wrong", "wrong"))) as client:
        with pytest.raises(Denied) as denied:
            await client.version()
    assert denied.value.reason == "Unauthorized"


async def test_a_long_list_comes_in_pages(kube: Client, namespace: str) -> None:
    for index in range(5):
        await kube.create(CONFIGMAPS, namespace, configmap(f"c{index}"))
    first = await kube.list(CONFIGMAPS, namespace, limit=2)
    second = await kube.list(CONFIGMAPS, namespace, limit=2, continue_=first["metadata"]["continue"])
    assert [item["metadata"]["name"] for page in (first, second) for item in page["items"]] == ["c0", "c1", "c2", "c3"]


async def test_a_refused_patch_does_not_repeat_the_object(kube: Client, namespace: str) -> None:
    await kube.create(CONFIGMAPS, namespace, configmap("c", password="hunter2"))
    with pytest.raises(Invalid) as refused:
        await kube.merge_patch(CONFIGMAPS, namespace, "c", {"dota": {}})
    assert "hunter2" not in f"{refused.value} {refused.value.details}"


async def test_a_patch_with_the_version_seen_yields_to_whoever_was_faster(kube: Client, namespace: str) -> None:
    seen = await kube.create(CONFIGMAPS, namespace, configmap("c"))
    await kube.merge_patch(CONFIGMAPS, namespace, "c", {"data": {"a": "1"}})
    stale = {"metadata": {"resourceVersion": seen["metadata"]["resourceVersion"]}, "data": {"a": "2"}}
    with pytest.raises(Conflict):
        await kube.merge_patch(CONFIGMAPS, namespace, "c", stale)


async def test_a_watch_tells_of_a_change_at_once_and_gives_its_connection_back(kube: Client, namespace: str) -> None:
    version = (await kube.list(CONFIGMAPS, namespace))["metadata"]["resourceVersion"]
    stream = kube.stream(path(CONFIGMAPS, namespace), {"watch": True, "resourceVersion": version})
    async with aclosing(stream):
        await kube.create(CONFIGMAPS, namespace, configmap("seen"))
        line = await asyncio.wait_for(anext(stream), 5)
    assert b'"seen"' in line


async def test_a_silent_watch_is_given_up(kube: Client, namespace: str) -> None:
    version = (await kube.list(CAPABILITIES, namespace))["metadata"]["resourceVersion"]
    query = {"watch": True, "resourceVersion": version}
    with pytest.raises(Silent, match="nothing for"):
        await lines(kube, path(CAPABILITIES, namespace), query, idle=0.5)


async def test_two_hundred_streams_do_not_block_a_request(kube: Client, namespace: str) -> None:
    query = {"watch": True, "resourceVersion": (await kube.list(CONFIGMAPS, namespace))["metadata"]["resourceVersion"]}
    streams = [kube.stream(path(CONFIGMAPS, namespace), query) for _ in range(200)]
    first = [asyncio.ensure_future(anext(stream)) for stream in streams]
    await kube.create(CONFIGMAPS, namespace, configmap("for-all"))
    assert all(b"for-all" in line for line in await asyncio.gather(*first))
    await asyncio.wait_for(kube.version(), 5)
    for stream in streams:
        await stream.aclose()


async def lines(kube: Client, target: str, query: dict[str, Any], **limits: Any) -> list[bytes]:
    """Everything a stream says until it ends."""
    async with aclosing(kube.stream(target, query, **limits)) as stream:
        return [line async for line in stream]


async def test_the_log_of_a_pod_that_runs_nowhere_is_empty(kube: Client, namespace: str) -> None:
    pod = {"metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "image": "busybox"}]}}
    await kube.create(PODS, namespace, pod)
    assert await lines(kube, path(PODS, namespace, "p", "log"), {"follow": True, "timestamps": True}) == []
    with pytest.raises(Invalid, match="container x is not valid"):
        await lines(kube, path(PODS, namespace, "p", "log"), {"container": "x"})


@asynccontextmanager
async def silent_server() -> AsyncIterator[int]:
    """Accepts connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


def kubeconfig_to(port: int, tmp_path: Any) -> str:
    target = tmp_path / "kubeconfig"
    target.write_text(
        f"""
apiVersion: v1
kind: Config
current-context: x
clusters: [{{name: x, cluster: {{server: "http://127.0.0.1:{port}"}}}}]
users: [{{name: x, user: {{token: t}}}}]
contexts: [{{name: x, context: {{cluster: x, user: x}}}}]
"""
    )
    return str(target)


async def test_a_server_that_does_not_answer_is_unreachable_within_the_deadline(tmp_path: Any) -> None:
    async with silent_server() as port, connect(kubeconfig_to(port, tmp_path)) as client:
        with pytest.raises(Unreachable, match="no answer in time"):
            await client.request("GET", "/version", timeout=0.2)
        with pytest.raises(Unreachable, match="no answer in time"):
            await lines(client, "/api/v1/pods", {}, timeout=0.2)


async def test_a_server_that_is_not_there_is_unreachable(tmp_path: Any) -> None:
    async with silent_server() as port:
        pass
    async with connect(kubeconfig_to(port, tmp_path)) as client:
        with pytest.raises(Unreachable, match="cannot be reached"):
            await client.version()


@pytest.mark.parametrize(
    "content", [None, "", "not: [yaml", "kind: Config\n"], ids=["missing", "empty", "broken", "no context"]
)
async def test_an_unusable_kubeconfig_says_which_file(content: str | None, tmp_path: Any) -> None:
    target = tmp_path / "kubeconfig"
    if content is not None:
        target.write_text(content)
    with pytest.raises(Invalid, match=str(target)):
        async with connect(str(target)):
            pass


async def test_inside_a_cluster_the_pods_account_is_used_and_its_rotated_token_is_read_again(
    kube: Client, namespace: str, api_server: ApiServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from kubernetes.aio.config import incluster_config

    make: Any = incluster_config.InClusterConfigLoader

    def impatient(**options: Any) -> Any:
        """Takes a token for old at once instead of after a minute."""
        loader = make(**options)
        loader._token_refresh_period = timedelta(0)
        return loader

    token = tmp_path / "token"
    token.write_text(await service_account_token(kube, namespace, "pod"))
    host, port = api_server.url.removeprefix("https://").split(":")
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", host)
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", port)
    monkeypatch.setattr(incluster_config, "SERVICE_TOKEN_FILENAME", str(token))
    monkeypatch.setattr(incluster_config, "SERVICE_CERT_FILENAME", str(api_server.ca))
    monkeypatch.setattr(incluster_config, "InClusterConfigLoader", impatient)
    async with connect(None) as client:
        with pytest.raises(Denied, match=f"system:serviceaccount:{namespace}:pod"):
            await client.list(WORKSPACES, namespace)
        token.write_text(await service_account_token(kube, namespace, "rotated"))
        with pytest.raises(Denied, match=f"system:serviceaccount:{namespace}:rotated"):
            await client.list(WORKSPACES, namespace)


async def test_outside_a_cluster_the_pods_account_is_refused_with_the_way_out(monkeypatch: Any) -> None:
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    with pytest.raises(Invalid, match="set KUBECONFIG"):
        async with connect(None):
            pass


async def test_a_deployment_gets_its_replica_set_and_pod_where_controllers_run(
    kube_with_controllers: Client, namespace_with_controllers: str
) -> None:
    client, namespace = kube_with_controllers, namespace_with_controllers
    labels = {"app": "x"}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "c", "image": "busybox"}]}}
    spec = {"selector": {"matchLabels": labels}, "template": template}
    await client.apply(DEPLOYMENTS, namespace, "d", {"metadata": {"name": "d"}, "spec": spec}, "tests")

    async def pods() -> list[Any]:
        return list((await client.list(PODS, namespace, label_selector="app=x"))["items"])

    assert len(await eventually(pods, within=60)) == 1
    await client.delete(DEPLOYMENTS, namespace, "d")

    async def gone() -> bool:
        return not await pods()

    await eventually(gone, within=60)


async def test_a_proxy_of_the_environment_is_not_asked(kubeconfig: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("https_proxy", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    async with connect(kubeconfig) as client:
        assert (await client.version())["major"]


@contextmanager
def never_answering(authority: trustme.CA) -> Iterator[int]:
    """The port of an API server that takes TLS connections and then says nothing, nor that it ends."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    with ExitStack() as kept, socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            with suppress(OSError):
                while True:
                    kept.enter_context(context.wrap_socket(listener.accept()[0], server_side=True))

        serving = threading.Thread(target=serve, daemon=True)
        serving.start()
        try:
            yield int(listener.getsockname()[1])
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            serving.join(5)


@pytest.mark.timeout(60, method="thread")  # where a socket is left, uvloop may not end at all
@pytest.mark.parametrize("new_loop", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_no_socket_outlives_the_client_whose_request_was_cancelled(
    tmp_path: Path, new_loop: Callable[[], asyncio.AbstractEventLoop]
) -> None:
    """A socket that its loop has not closed is a warning, which fails a test, or an OSError of uvloop."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")

    async def leave() -> None:
        async with connect(str(tmp_path / "kubeconfig")) as client:
            asking = asyncio.create_task(client.version())
            await asyncio.sleep(0.1)
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)

    with never_answering(authority) as port:
        write_kubeconfig(tmp_path / "kubeconfig", f"https://127.0.0.1:{port}", tmp_path / "ca.pem", "any")
        with asyncio.Runner(loop_factory=new_loop) as runner:
            runner.run(leave())
        gc.collect()
