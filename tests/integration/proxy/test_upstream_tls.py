"""TLS to an upstream is verified where the operator of the install listed it, and not on a workspace's own port."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import trustme
from aiohttp import web

from guildnet_proxy.http.limits import Limits
from integration.proxy.room import echo_app, make_room

NAME = "localhost"


class Upstream:
    """A server whose certificate an authority of the test's own signed."""

    def __init__(self, authority: trustme.CA, port: int) -> None:
        self.authority, self.port = authority, port


@pytest.fixture
async def upstream() -> AsyncIterator[Upstream]:
    authority = trustme.CA()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert(NAME).configure_cert(context)
    runner = web.AppRunner(echo_app(), access_log=None, handle_signals=False, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
    yield Upstream(authority, int(runner.addresses[0][1]))
    await runner.cleanup()


async def asked(
    tmp_path: Path, upstream: Upstream, monkeypatch: pytest.MonkeyPatch, *paths: str, own: bool = False, **more: str
) -> list[int]:
    """The statuses of these paths; the upstream is a listed target or else, if `own`, a workspace's own pod."""
    monkeypatch.setattr("guildnet_proxy.frontdoor.resolve.scheme_of", lambda *_: "https")
    listed = (f"127.0.0.0/8:{upstream.port}",)
    room = await make_room(
        tmp_path, upstream.port, upstream.port, Limits(), allowed_targets=listed, path_trusted=True, **more
    )
    spec = {"env": [{"name": "AGENT_HOST", "value": f"{NAME}:{upstream.port}"}]}
    room.add("elsewhere", spec=spec, ready=False, status={"serviceUID": "none"})
    if own:
        room.add("own", number=2)
    cookie = f"Cookie: {room.cookie()}"
    found = [(await room.ask("GET", path, cookie)).status for path in paths]
    await room.server.close()
    await room.sources.aclose()
    return found


def ways(upstream: Upstream) -> tuple[str, str]:
    return "/proxy/server/elsewhere/", f"/proxy?to={NAME}:{upstream.port}&path=/&scheme=https"


async def test_a_listed_target_is_verified_however_it_is_reached(
    tmp_path: Path, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    """AGENT_HOST leads out of the cluster to what was listed: whoever is in between must not read along."""
    assert await asked(tmp_path, upstream, monkeypatch, *ways(upstream)) == [502, 502]


async def test_a_listed_target_of_the_configured_authority_is_reached(
    tmp_path: Path, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = tmp_path / "ca.crt"
    upstream.authority.cert_pem.write_to_path(str(bundle))
    more: dict[str, Any] = {"upstream_ca_file": str(bundle)}
    assert await asked(tmp_path, upstream, monkeypatch, *ways(upstream), **more) == [200, 200]


async def test_a_workspaces_own_port_needs_no_authority(
    tmp_path: Path, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = "/proxy/server/own/", *ways(upstream)
    assert await asked(tmp_path, upstream, monkeypatch, *paths, own=True) == [200, 200, 200]
