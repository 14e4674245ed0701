"""The operator as the container runs it: a process with an environment, an ops listener and SIGTERM."""

from __future__ import annotations

import json
import sys
import urllib.error
import urllib.request
from pathlib import Path

from guildnet.kube.resources import DEPLOYMENTS, SERVICES
from support.apiserver import ApiServer
from support.process import Process, free_port
from support.waiting import eventually
from support.world import World

PROGRAM = Path(sys.executable).parent / "guildnet-operator"


def _environment(server: ApiServer, world: World, port: int) -> dict[str, str]:
    return {
        "KUBECONFIG": str(server.kubeconfig),
        "K8S_NAMESPACE": world.namespace,
        "RELEASE_NAMESPACE": world.release,
        "OPS_PORT": str(port),
    }


def _read(port: int, path: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()
    except OSError:
        return 0, ""


async def test_it_gets_ready_works_counts_and_stops_within_seconds(
    api_server_with_controllers: ApiServer, world: World, tmp_path: Path
):
    port = free_port()
    env = _environment(api_server_with_controllers, world, port)
    process = Process([PROGRAM], tmp_path / "operator.log", env=env)
    try:
        await eventually(lambda: _read(port, "/readyz")[0] == 200, within=30)
        checks = json.loads(_read(port, "/readyz")[1])["checks"]
        assert {"workspaces", "deployments", "services", "pods"} <= set(checks)
        await world.launch("real")
        await world.until(DEPLOYMENTS, "real")
        await world.until(SERVICES, "real")
        metrics = _read(port, "/metrics")[1]
        assert 'guildnet_operator_writes_total{kind="Deployment",verb="create"} 1.0' in metrics
        assert "guildnet_operator_watch_age_seconds" in metrics
    finally:
        process.stop(within=8)
    log = [json.loads(line) for line in process.log.read_text().splitlines()]
    assert process._popen.returncode == 0, process.tail()
    assert {"operator starts", "operator ready", "child created", "operator stops"} <= {line["event"] for line in log}
    assert not [line for line in log if line["level"] in ("error", "critical")]


async def test_bad_settings_are_all_named_and_end_it_with_status_2(tmp_path: Path):
    process = Process([PROGRAM], tmp_path / "operator.log", env={"OPS_PORT": "x", "PORT_BASE": "80"})
    await eventually(lambda: not process.running, within=30)
    said = process.tail()
    process.stop()
    assert process._popen.returncode == 2
    assert "OPS_PORT" in said
    assert "PORT_BASE" in said
