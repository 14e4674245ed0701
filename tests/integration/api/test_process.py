"""The process itself: settings from the environment, its two listeners, and an orderly end."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import httpx2

from guildnet.identity import HEADER, sign
from support.process import Process, free_port
from support.waiting import eventually

from .conftest import ALICE, KEY
from .events import Events


def _start(tmp_path: Path, **environment: str) -> Process:
    return Process([sys.executable, "-m", "guildnet_api"], tmp_path / "api.log", env=environment)


async def test_it_serves_and_ends_its_streams_before_itself(
    tmp_path: Path, kubeconfig: str, namespace: str, redis_url: str
):
    (tmp_path / "key").write_bytes(KEY)
    port, ops = free_port(), free_port()
    process = _start(
        tmp_path, LISTEN=f"127.0.0.1:{port}", OPS_PORT=str(ops), KUBECONFIG=kubeconfig, K8S_NAMESPACE=namespace,
        REDIS_URL=redis_url, IDENTITY_KEY_FILE=str(tmp_path / "key"),
    )  # fmt: skip
    try:
        async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:

            async def ready() -> bool:
                assert process.running, process.tail()
                try:
                    return (await client.get(f"http://127.0.0.1:{ops}/readyz")).status_code == 200
                except httpx2.HTTPError:
                    return False

            await eventually(ready, within=60, every=0.1)
            assert (await client.get("/healthz")).text == "ok"
            await eventually(lambda: _all_ok(client), within=10)
            header = {HEADER: sign(ALICE, KEY, method="GET", path="/sse/servers", now=time.time())}
            async with client.stream("GET", "/sse/servers", headers=header) as answer:
                events = Events(answer)
                process._popen.terminate()
                await events.read()
            assert events.of("synced")
            assert len(events.retries) == 2
        process.stop()
        assert process._popen.returncode == 0, process.tail()
        assert '"event": "stopping"' in process.tail()
    finally:
        process.stop(kill=True)


async def _all_ok(client: httpx2.AsyncClient) -> bool:
    """Redis is no condition of readiness, so its connection may come a moment later."""
    return all(check["ok"] for check in (await client.get("/readyz")).json()["checks"].values())


async def test_bad_settings_are_all_named_and_end_it_with_status_2(tmp_path: Path):
    process = _start(tmp_path, LISTEN="nowhere", OPS_PORT="99999", REDIS_URL="redis://:hunter2@x/0", LOG_LINES="few")
    await eventually(lambda: not process.running, within=30)
    assert process._popen.returncode == 2
    said = process.tail()
    assert all(name in said for name in ("LISTEN", "OPS_PORT", "LOG_LINES"))
    assert "hunter2" not in said


async def test_a_missing_key_ends_it_with_status_2(tmp_path: Path, kubeconfig: str):
    process = _start(tmp_path, KUBECONFIG=kubeconfig, IDENTITY_KEY_FILE=str(tmp_path / "none"), OPS_PORT="0")
    await eventually(lambda: not process.running, within=30)
    assert process._popen.returncode == 2
    assert "identity key" in process.tail()
