"""An authenticating proxy in front: its connections are told by address or certificate, and nobody else's are taken."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import trustme
from prometheus_client import CollectorRegistry

from guildnet_proxy.app import running
from guildnet_proxy.settings import Settings
from integration.proxy.room import KEY, Answer, api_app, echo_app, read_answer, serve_app
from proofs.bench.cluster import NAMESPACE, Placed, hosting
from support.process import free_port
from support.waiting import eventually

NAMED = ("X-Forwarded-Email: ann@example.com", "X-Forwarded-Groups: dev,ops")
HOST = "guildnet.example"
CLOSED = (asyncio.IncompleteReadError, ConnectionError, ssl.SSLError)


class Install:
    """`plain` and `vouched` are the ports of the two listeners; `tls` is the client's side of the latter."""

    def __init__(self, plain: int, vouched: int, label: str, tls: ssl.SSLContext | None) -> None:
        self.plain, self.vouched, self.label, self.tls = plain, vouched, label, tls

    async def ask(self, path: str, *lines: str, port: int = 0, host: str = HOST, source: str = "127.0.0.1") -> Answer:
        port = port or self.vouched
        tls = self.tls if port == self.vouched else None
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", port, ssl=tls, server_hostname=HOST if tls else None, local_addr=(source, 0)
        )
        writer.write(
            "\r\n".join((f"GET {path} HTTP/1.1", f"Host: {host}", "Connection: close", *lines, "", "")).encode()
        )
        try:
            async with asyncio.timeout(15):
                return await read_answer(reader)
        finally:
            writer.close()


@asynccontextmanager
async def install(tmp_path: Path, tls: ssl.SSLContext | None = None, **more: Any) -> AsyncIterator[Install]:
    upstream, upstream_port = await serve_app(echo_app())
    api, api_port = await serve_app(api_app([]))
    (tmp_path / "key").write_bytes(KEY)
    vouched = free_port()
    async with AsyncExitStack() as stack:
        for one in (upstream, api):
            stack.push_async_callback(one.cleanup)
        kubeconfig = await stack.enter_async_context(hosting(tmp_path, [Placed("ws1", upstream_port, 1)]))
        settings = Settings(
            kubeconfig=str(kubeconfig), k8s_namespace=NAMESPACE, identity_key_file=str(tmp_path / "key"),
            listen_local="127.0.0.1:0", domain_origin=f"https://{HOST}", api_url=f"http://127.0.0.1:{api_port}",
            ops_port=0, ops_host="127.0.0.1", pod_networks=("127.0.0.0/8",),
            identity_proxy_listen=f"127.0.0.1:{vouched}", identity_proxy_admin_groups=("ops",), **more,
        )  # fmt: skip
        proxy = await stack.enter_async_context(running(settings, registry=CollectorRegistry()))
        await eventually(lambda: proxy.watches.check() is None, within=20)
        found = proxy.index.find("ws1")
        assert found is not None
        assert found.status.origin is not None
        yield Install(proxy.port, vouched, str(found.status.origin.host), tls)


async def who(found: Install, *lines: str, **where: Any) -> tuple[str, str]:
    me = json.loads((await found.ask("/api/me", *lines, **where)).body)
    return me["kind"], me["login"]


async def test_it_is_believed_at_its_address_and_nobody_elsewhere(tmp_path: Path) -> None:
    async with install(tmp_path, identity_proxy_from=("127.0.0.1/32",)) as found:
        assert await who(found, *NAMED) == ("user", "ann@example.com")
        assert await who(found) == ("anonymous", "")
        assert await who(found, *NAMED, port=found.plain) == ("anonymous", "")
        with pytest.raises(CLOSED):
            await found.ask("/api/me", *NAMED, source="127.0.0.2")


async def test_a_workspace_is_open_to_whom_it_names_and_sees_none_of_its_fields(tmp_path: Path) -> None:
    async with install(tmp_path, identity_proxy_from=("127.0.0.1/32",)) as found:
        own = f"{found.label}.{HOST}"
        answer = await found.ask("/x", *NAMED, "X-Auth-Request-User: ann", host=own)
        assert answer.status == 200
        seen = {key.lower() for key, _ in json.loads(answer.body)["headers"]}
        assert not seen & {"x-forwarded-email", "x-forwarded-groups", "x-auth-request-user"}
        assert (await found.ask("/x", *NAMED, host=own, port=found.plain)).status == 401


async def test_a_field_that_comes_twice_is_refused(tmp_path: Path) -> None:
    async with install(tmp_path, identity_proxy_from=("127.0.0.1/32",)) as found:
        for _ in range(3):  # what was decided before for these very fields is no way around it
            answer = await found.ask("/api/me", "X-Forwarded-Email: root@example.com", *NAMED)
            assert answer.status == 403
            assert json.loads(answer.body)["code"] == "identity_mismatch"


async def test_by_certificate_it_is_the_named_client_of_the_authority_alone(tmp_path: Path) -> None:
    ours, other = trustme.CA(), trustme.CA()
    folder = tmp_path / "tls"
    folder.mkdir()
    served = ours.issue_cert(HOST)
    served.cert_chain_pems[0].write_to_path(str(folder / "tls.crt"))
    served.private_key_pem.write_to_path(str(folder / "tls.key"))
    ours.cert_pem.write_to_path(str(folder / "ca.crt"))
    names = ("oauth2-proxy.auth",)
    async with install(tmp_path, identity_proxy_tls=str(folder), identity_proxy_names=names) as found:
        found.tls = client_of(ours, ours.issue_cert("oauth2-proxy.auth"))
        assert await who(found, *NAMED) == ("user", "ann@example.com")
        for shown in (None, other.issue_cert("oauth2-proxy.auth"), ours.issue_cert("somebody.else")):
            found.tls = client_of(ours, shown)
            with pytest.raises(CLOSED):
                await found.ask("/api/me", *NAMED)
        found.tls = None
        with pytest.raises(CLOSED):
            await found.ask("/api/me", *NAMED)


def client_of(authority: trustme.CA, shown: trustme.LeafCert | None) -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    if shown is not None:
        shown.configure_cert(context)
    return context
