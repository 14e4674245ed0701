"""The storage of the cluster as manifests, and which images are ours."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from guildnet_local.cluster import storage
from guildnet_local.cluster.containerd import Runtime
from guildnet_local.machine.lock import Owner
from guildnet_local.machine.process import boot_id
from guildnet_local.settings import Settings, load
from guildnet_local.status import is_there
from guildnet_local.up import owner_file

OBJECTS = storage.manifests("localhost/guildnet/provisioner:dev", "localhost/guildnet/busybox:dev", Path("/volumes"))


def _one(kind: str) -> dict[str, Any]:
    (found,) = [one for one in OBJECTS if one["kind"] == kind]
    return found


def test_a_claim_without_a_class_gets_a_volume_of_this_one():
    annotations = _one("StorageClass")["metadata"]["annotations"]
    assert annotations == {"storageclass.kubernetes.io/is-default-class": "true"}


def test_volumes_are_directories_that_a_workspace_may_write_to():
    data = _one("ConfigMap")["data"]
    assert json.loads(data["config.json"])["nodePathMap"][0]["paths"] == ["/volumes"]
    assert "mkdir -m 0777" in data["setup"]
    assert json.loads(data["helperPod.yaml"])["spec"]["containers"][0]["image"] == "localhost/guildnet/busybox:dev"


def test_the_program_finds_its_settings_under_the_names_they_have():
    container = _one("Deployment")["spec"]["template"]["spec"]["containers"][0]
    assert f"--configmap-name={_one('ConfigMap')['metadata']['name']}" in container["args"]
    assert {"name": "SERVICE_ACCOUNT_NAME", "value": _one("ServiceAccount")["metadata"]["name"]} in container["env"]
    assert container["image"] == "localhost/guildnet/provisioner:dev"


def test_volumes_go_with_the_cluster():
    settings = load({})
    assert settings.volumes.is_relative_to(settings.state)


def test_our_images_are_known_by_the_name_that_the_examples_use():
    class Listed(Runtime):
        def images(self) -> dict[str, str]:
            return dict.fromkeys((
                "docker.io/guildnet/jupyterlab:0.1.0", "localhost/guildnet/code-server:dev-1", "docker.io/acme/x:1",
                "docker.io/guildnet/pause:local",
            ), "sha256:1")  # fmt: skip

    assert Listed(load({})).names() == {"jupyterlab", "pause"}


def test_a_cluster_is_there_from_the_moment_it_is_begun_until_the_machine_restarts(tmp_path: Path):
    settings = Settings(load({}).checkout, tmp_path, load({}).ports, state=tmp_path)
    assert not is_there(settings)
    Owner("/somewhere/else", 0.0, "another", boot_id()).write(owner_file(settings))
    assert is_there(settings), "not complete, and of another checkout"
    Owner("/here", 0.0, "this", "an earlier boot", complete=True).write(owner_file(settings))
    assert not is_there(settings)
