"""The Tailscale sidecar: root without a single capability, no proxy listener, gone after the proxy."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from unit.chart.rendered import CA, CHART, MATRIX, RefusedError, Render, Rendering


@pytest.fixture
def rendering(render: Render) -> Rendering:
    return render(MATRIX["tailnet"])


def test_without_a_tailnet_there_is_no_trace_of_it(render: Render):
    rendering = render()
    assert "initContainers" not in rendering.pod("proxy")
    assert not [name for name in rendering.env("proxy") if name.startswith("TS_")]
    assert {rendering.env("proxy")[name] for name in ("TAILNET_SOCKET", "TAILSCALED_SOCKET", "SERVE_FILE")} == {""}


def test_it_is_a_native_sidecar_without_probes_after_the_container_that_makes_its_directories(rendering: Rendering):
    first, sidecar = rendering.pod("proxy")["initContainers"]
    assert first["name"] == "serve-file"
    assert "restartPolicy" not in first
    assert sidecar["restartPolicy"] == "Always"
    assert not [key for key in sidecar if key.endswith("Probe")]


def test_it_is_root_without_capabilities_on_a_read_only_root(rendering: Rendering):
    assert rendering.container("proxy", "tailscale")["securityContext"] == {
        "runAsNonRoot": False,
        "runAsUser": 0,
        "runAsGroup": 0,
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }


def test_its_settings(rendering: Rendering):
    assert rendering.env("proxy", "tailscale") == {
        "SSL_CERT_DIR": "/etc/ssl/certs:/etc/guildnet/ca",
        "TS_AUTHKEY": {"secretKeyRef": {"name": "guildnet-tailnet-authkey", "key": "authkey"}},
        "TS_AUTH_ONCE": "true",
        "TS_ENABLE_METRICS": "true",
        "TS_EXTRA_ARGS": "--login-server=https://headscale.example.com --advertise-tags=tag:guildnet,tag:web",
        "TS_HOSTNAME": "guildnet",
        "TS_KUBE_SECRET": "guildnet-tailnet-state",
        "TS_LOCAL_ADDR_PORT": "0.0.0.0:9002",
        "TS_NO_LOGS_NO_SUPPORT": "true",
        "TS_SERVE_CONFIG": "/run/guildnet/serve/serve.json",
        "TS_SOCKET": "/run/guildnet/ts/tailscaled.sock",
        "TS_USERSPACE": "true",
    }


def test_it_opens_no_listener_that_would_let_peers_act_as_the_node(rendering: Rendering):
    names = set(rendering.env("proxy", "tailscale"))
    assert not names & {"TS_SOCKS5_SERVER", "TS_OUTBOUND_HTTP_PROXY_LISTEN", "TS_TAILSCALED_EXTRA_ARGS"}


def test_proxy_and_sidecar_meet_in_a_memory_volume_that_no_other_container_has(rendering: Rendering):
    pod = rendering.pod("proxy")
    assert next(v for v in pod["volumes"] if v["name"] == "run")["emptyDir"]["medium"] == "Memory"
    env = rendering.env("proxy")
    sidecar = rendering.env("proxy", "tailscale")
    assert env["TAILSCALED_SOCKET"] == sidecar["TS_SOCKET"]
    assert env["SERVE_FILE"] == sidecar["TS_SERVE_CONFIG"]
    assert all(env[name].startswith("/run/guildnet/") for name in ("TAILNET_SOCKET", "SERVE_FILE"))


def test_the_old_proxy_goes_before_the_new_one_comes(rendering: Rendering):
    assert rendering.one("Deployment", "guildnet-proxy")["spec"]["strategy"] == {"type": "Recreate"}


def test_a_private_authority_is_mounted_beside_the_systems(rendering: Rendering):
    assert rendering.one("ConfigMap", "guildnet-tailnet-ca")["data"]["ca.crt"] == CA
    mounts = rendering.container("proxy", "tailscale")["volumeMounts"]
    assert {"name": "tailnet-ca", "mountPath": "/etc/guildnet/ca", "readOnly": True} in mounts


def test_an_auth_key_of_ones_own_is_referenced_and_none_is_possible(render: Render):
    own = render(MATRIX["own-secrets"])
    assert own.env("proxy", "tailscale")["TS_AUTHKEY"] == {"secretKeyRef": {"name": "my-authkey", "key": "authkey"}}
    assert own.of("Secret", "guildnet-tailnet-authkey") == []
    assert "TS_AUTHKEY" not in render({"tailnet": {"enabled": True}}).env("proxy", "tailscale")


@pytest.mark.parametrize("before", [None, '{"TCP":{}}'], ids=["new pod", "restarted init container"])
def test_the_init_container_makes_the_directories_and_never_overwrites_the_serve_file(
    rendering: Rendering, tmp_path: Path, before
):
    program = rendering.container("proxy", "serve-file")["command"][2].replace("/run/guildnet", str(tmp_path))
    if before:
        (tmp_path / "serve").mkdir()
        (tmp_path / "serve" / "serve.json").write_text(before)
    subprocess.run([sys.executable, "-c", program], check=True, umask=0o022)
    assert json.loads((tmp_path / "serve" / "serve.json").read_text()) == json.loads(before or "{}")
    assert os.listdir(tmp_path / "serve") == ["serve.json"]  # noqa: PTH208  names alone are compared
    for name in ("serve", "ts"):
        assert (tmp_path / name).stat().st_mode & 0o7777 == 0o2770


DIRECT = {"by": "own", "secret": "node-tls", "port": 443}


@pytest.mark.parametrize("by", ["own", "none"])
def test_without_serve_the_proxy_listens_itself_and_asks_the_sidecar_whose_a_connection_is(render: Render, by: str):
    values = {**MATRIX["tailnet"], "tailnet": {**MATRIX["tailnet"]["tailnet"], "tls": {**DIRECT, "by": by}}}
    rendering = render(values)
    told = rendering.env("proxy")
    assert (told["TAILNET_TLS"], told["TAILNET_PORT"], told["TAILNET_SOCKET"], told["SERVE_FILE"]) == (
        by,
        "443",
        "",
        "",
    )
    assert told["TAILSCALED_SOCKET"] == "/run/guildnet/ts/tailscaled.sock"
    assert "TS_SERVE_CONFIG" not in rendering.env("proxy", "tailscale")
    operator = rendering.env("operator")
    assert (operator["TAILNET_TLS"], operator["TAILNET_PORT"]) == (by, "443"), "it writes the addresses of workspaces"
    volumes = {one["name"]: one for one in rendering.pod("proxy")["volumes"]}
    mounts = {one["name"]: one["mountPath"] for one in rendering.container("proxy", "proxy")["volumeMounts"]}
    assert ("tailnet-tls" in volumes, "tailnet-tls" in mounts) == (by == "own", by == "own")
    if by == "own":
        assert volumes["tailnet-tls"]["secret"]["secretName"] == "node-tls"
        assert told["TAILNET_CERTIFICATE"] == mounts["tailnet-tls"]


@pytest.mark.parametrize(
    ("tls", "word"),
    [({"by": "own"}, "tailnet.tls.secret"), ({"by": "none", "port": 8080}, "8080 is a port of the proxy's own")],
)
def test_what_cannot_work_without_serve_is_refused(run_helm: Callable[..., str], tls: dict[str, Any], word: str):
    with pytest.raises(RefusedError, match=word):
        run_helm("template", "g", str(CHART), values={"tailnet": {"enabled": True, "tls": tls}})
