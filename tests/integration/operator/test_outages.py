"""An API server that is out of order in one way or another: the operator asks seldom, and afterwards does its work."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from aiohttp import web

from crash.stage import stage
from guildnet.kube.client import Client
from support.apiserver import ApiServer
from support.waiting import eventually

OUTAGE_SECONDS = 20.0
MOST_PER_SECOND = 5.0
CONVERGED_WITHIN = 30.0

Refusal = Callable[[web.BaseRequest], web.StreamResponse | None]


def _status(code: int, reason: str) -> web.Response:
    body = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code, "reason": reason}
    return web.json_response(body, status=code)


def refused(request: web.BaseRequest) -> web.StreamResponse | None:
    """The connection is cut without an answer, as by a server that is not there."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=500)


def unavailable(_: web.BaseRequest) -> web.StreamResponse | None:
    return _status(503, "ServiceUnavailable")


def too_many(_: web.BaseRequest) -> web.StreamResponse | None:
    answer = _status(429, "TooManyRequests")
    answer.headers["Retry-After"] = "1"
    return answer


def expired_at_connect(request: web.BaseRequest) -> web.StreamResponse | None:
    return _status(410, "Expired") if "watch" in request.query else None


def expired_in_stream(request: web.BaseRequest) -> web.StreamResponse | None:
    if "watch" not in request.query:
        return None
    status = {"kind": "Status", "code": 410, "reason": "Expired", "message": "too old resource version"}
    return web.Response(body=json.dumps({"type": "ERROR", "object": status}).encode() + b"\n")


OUTAGES: dict[str, Refusal] = {
    "refused": refused,
    "503": unavailable,
    "429": too_many,
    "410 at connect": expired_at_connect,
    "410 in the stream": expired_in_stream,
}


@pytest.mark.parametrize("refusal", OUTAGES.values(), ids=OUTAGES)
async def test_an_outage_is_waited_out_quietly_and_then_made_up_for(
    api_server_with_controllers: ApiServer, kube: Client, tmp_path: Path, refusal: Refusal
):
    async with stage(api_server_with_controllers, kube, tmp_path) as played:
        await played.world.launch("before")
        await played.world.until_condition("before", "Ready", "True")
        await eventually(played.idle)
        played.proxy.refuse = refusal
        played.proxy.cut()
        before = played.proxy.seen.requests
        # Asked for while the operator cannot see it.
        await played.world.launch("meanwhile")
        await played.world.edit("before", running=False)
        await asyncio.sleep(OUTAGE_SECONDS)
        rate = (played.proxy.seen.requests - before) / OUTAGE_SECONDS
        played.proxy.refuse = lambda _: None

        async def made_up_for() -> bool:
            ready = await played.world.condition("meanwhile", "Ready")
            stopped = await played.world.condition("before", "Stopped")
            return (ready.get("status"), stopped.get("status")) == ("True", "True")

        await eventually(made_up_for, within=CONVERGED_WITHIN, every=0.2)
        assert rate <= MOST_PER_SECOND, f"{rate:.1f} requests a second"
        assert played.lives == 1
