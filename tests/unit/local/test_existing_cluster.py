"""`CLUSTER=context:NAME` with a played kubectl and Helm: what is asked before anything is pushed, what is installed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from guildnet_local import existing_cluster, publish
from guildnet_local.build import programs
from guildnet_local.existing_cluster import Target, minor_version
from guildnet_local.registry.place import Place
from guildnet_local.registry.push import Pushed
from guildnet_local.release import rollout
from guildnet_local.settings import LocalError, load

DIGEST = f"sha256:{'ab' * 32}"
KUBECTL = """#!/bin/sh
case "$*" in
  *get-contexts*) echo work ;;
  *version*) cat {place}/version ;;
  *"get nodes"*) cat {place}/nodes ;;
  *apply*) cat > {place}/applied ;;
esac
"""
HELM = """#!/bin/sh
echo "$*" >> {place}/helm.calls
case "$*" in *upgrade*) cat > {place}/values ;; esac
echo '{{"version": 1}}'
"""


class Cluster:
    def __init__(self, place: Path) -> None:
        self.place = place
        self.said: list[str] = []
        for name, text in (("kubectl", KUBECTL), ("helm", HELM)):
            (place / name).write_text(text.format(place=place))
            (place / name).chmod(0o755)
        self.is_like("v1.35.4", "amd64")

    def is_like(self, version: str, *architectures: str) -> None:
        nodes = [{"status": {"nodeInfo": {"architecture": one}}} for one in architectures]
        (self.place / "version").write_text(json.dumps({"serverVersion": {"gitVersion": version}}))
        (self.place / "nodes").write_text(json.dumps({"items": nodes}))

    def up(self, context: str = "work", **environ: str) -> None:
        settings = load({"HOME": str(self.place)})
        existing_cluster.up(settings, Target(context), {"REGISTRY": "r.example", **environ}, self.said.append)


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cluster:
    """A cluster that takes everything, and a registry that has everything."""
    monkeypatch.setattr(programs, "ensure", lambda names, **_: {name: tmp_path / name for name in names})
    monkeypatch.setattr(publish, "architecture", lambda: "amd64")
    monkeypatch.setattr(rollout, "await_rollout", lambda *_, **__: None)
    monkeypatch.setattr(rollout, "await_workspace", lambda *_, **__: "")

    def published(*_: Any) -> publish.Published:
        one = Pushed("jupyterlab", Place("r.example", "", "0.1.0"), DIGEST)
        (tmp_path / "pushed").touch()
        manifest = {"metadata": {"name": "jupyterlab"}, "spec": {"image": one.pinned}}
        return publish.Published((one,), {"api": {"replicas": 1}}, manifest, tmp_path / "v", tmp_path / "m")

    monkeypatch.setattr(publish, "publish", published)
    return Cluster(tmp_path)


def test_what_was_pushed_is_installed_and_the_example_launched(cluster: Cluster):
    cluster.up()
    values = yaml.safe_load((cluster.place / "values").read_text())
    assert values == {"api": {"replicas": 1}, "entries": {"local": {"origin": "http://guildnet.localhost:8080"}}}
    applied = yaml.safe_load((cluster.place / "applied").read_text())
    assert applied["spec"]["image"] == f"r.example/guildnet/jupyterlab@{DIGEST}"
    assert "port-forward service/guildnet-proxy 8080:80" in cluster.said[-2]


def test_values_of_ones_own_go_before(cluster: Cluster):
    mine = cluster.place / "mine.yaml"
    mine.write_text("api: {replicas: 2}")
    cluster.up(VALUES=str(mine))
    upgrade = next(line for line in (cluster.place / "helm.calls").read_text().splitlines() if "upgrade" in line)
    assert f"--values=- --values={mine}" in upgrade


@pytest.mark.parametrize(
    ("version", "architectures", "context", "environ", "said"),
    [
        pytest.param("v1.35.4", ["amd64"], "home", {}, "no context 'home' .* there are: work", id="no such context"),
        pytest.param("v1.29.9", ["amd64"], "work", {}, r"Kubernetes v1\.29\.9: 1\.30 or newer", id="too old"),
        pytest.param("v1.35.4", ["arm64"], "work", {}, "nodes are arm64, .* for amd64", id="another processor"),
        pytest.param("v1.35.4", ["amd64"], "work", {"VALUES": "/none.yaml"}, "there is no such file", id="no values"),
    ],
)
def test_what_cannot_work_is_told_before_anything_is_pushed(
    cluster: Cluster, version: str, architectures: list[str], context: str, environ: dict[str, str], said: str
):
    cluster.is_like(version, *architectures)
    with pytest.raises(LocalError, match=said):
        cluster.up(context, **environ)
    assert not (cluster.place / "pushed").exists()


def test_one_kind_of_node_among_others_is_enough(cluster: Cluster):
    cluster.is_like("v1.30.0", "arm64", "amd64")
    cluster.up()
    assert (cluster.place / "applied").exists()


@pytest.mark.parametrize(
    ("text", "version"), [("v1.35.4", (1, 35)), ("v1.30.2-gke.1", (1, 30)), ("1.31+", (1, 31)), ("", None)]
)
def test_vendors_versions_are_read(text: str, version: tuple[int, int] | None):
    assert minor_version(text) == version


def test_what_the_chart_asks_for_is_what_is_checked():
    chart = yaml.safe_load((load({}).chart / "Chart.yaml").read_text())
    assert chart["kubeVersion"] == f">={'.'.join(map(str, existing_cluster.MIN_KUBERNETES))}.0-0"
