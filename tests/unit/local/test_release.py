"""Values for the chart, Helm's command line, the example, and what a waiting person reads."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from guildnet_local import existing_cluster
from guildnet_local.cluster.containerd import aliases, parse_list
from guildnet_local.cluster.kubectl import Kubectl
from guildnet_local.release import rollout
from guildnet_local.release.helm import Helm
from guildnet_local.release.rollout import EXAMPLE, await_workspace, summary
from guildnet_local.release.values import COMPONENTS, local_values, offered
from guildnet_local.settings import LocalError, load

REFS = {name: f"localhost/guildnet/{name}:dev-0123456789ab" for name in (*COMPONENTS, "tailscale")}
TAILNET = {"tailnet": {"enabled": True, "loginServer": "http://10.123.0.1:9911"}}


def test_every_component_gets_the_image_that_was_built():
    values = local_values(REFS, "http://guildnet.localhost:8080", TAILNET)
    for name in COMPONENTS:
        assert values[name]["image"] == {
            "registry": "", "repository": f"localhost/guildnet/{name}", "tag": "dev-0123456789ab",
        }  # fmt: skip
    assert values["tailnet"]["image"]["repository"] == "localhost/guildnet/tailscale"
    assert values["tailnet"]["loginServer"] == TAILNET["tailnet"]["loginServer"]


def test_the_sidecar_shows_its_key_again_after_a_restart():
    tailnet = {
        "tailnet": {"extraEnv": [{"name": "TS_DEBUG_ACME_DIRECTORY_URL", "value": "https://10.123.0.1:14000/dir"}]}
    }
    values = local_values(REFS, "http://guildnet.localhost:8080", tailnet)
    assert values["tailnet"]["extraEnv"] == [
        *tailnet["tailnet"]["extraEnv"],
        {"name": "TS_AUTH_ONCE", "value": "false"},
    ]
    assert len(tailnet["tailnet"]["extraEnv"]) == 1, "what was given stays as it was"


def test_the_launch_form_offers_what_the_cluster_has_the_image_of():
    presets = yaml.safe_load((load({}).chart / "values.yaml").read_text())["presets"]
    assert [one["label"] for one in presets] == ["JupyterLab", "VS Code"]
    assert [one["label"] for one in offered(presets, {"jupyterlab", "busybox"})] == ["JupyterLab"]
    assert offered(presets, {"jupyterlab", "code-server"}) == presets
    assert offered(presets, set()) == []


def test_a_workspace_that_somebody_stopped_is_not_waited_for():
    class Stopped(Kubectl):
        def get(self, *_: str, **__: str) -> dict[str, Any]:
            return {"spec": {"running": False}, "status": {"phase": "Stopped"}}

    assert await_workspace(Stopped(Path("/kubectl")), "lab", print, seconds=0) == "lab is stopped, and left so"


def test_the_front_door_is_where_the_relay_leads():
    values = local_values(REFS, "http://guildnet.localhost:8080", TAILNET)
    assert values["proxy"]["service"]["clusterIP"] == "10.96.0.80"
    assert values["entries"]["local"]["origin"] == "http://guildnet.localhost:8080"


def test_helm_is_told_which_cluster_namespace_and_manner():
    release = Helm(Path("/helm"), Kubectl(Path("/kubectl"), Path("/state/admin.kubeconfig")))
    assert release.command("status") == [
        "/helm", "--kubeconfig=/state/admin.kubeconfig", "status", "--namespace=guildnet",
    ]  # fmt: skip


def test_a_users_context_is_named_and_their_kubeconfig_left_alone():
    kubectl = Kubectl(Path("/kubectl"), context="work")
    assert kubectl.command("get", "pods") == ["/kubectl", "--context=work", "get", "pods"]
    assert Helm(Path("/helm"), kubectl).command("status")[1] == "--kube-context=work"


def test_what_clients_cache_about_the_local_cluster_goes_with_it():
    environment = Kubectl(Path("/kubectl"), Path("/state/admin.kubeconfig")).environment
    kept = {
        name: environment[name] for name in ("KUBECACHEDIR", "HELM_CACHE_HOME", "HELM_CONFIG_HOME", "HELM_DATA_HOME")
    }
    assert all(path.startswith("/state/") for path in kept.values())


@pytest.mark.parametrize(
    ("conditions", "text"),
    [
        ([], "Pending"),
        ([{"type": "Ready", "status": "False", "reason": "Starting", "message": "0 of 1 ready"}],
         "Pending, Starting: 0 of 1 ready"),
        ([{"type": "Ready", "status": "False", "reason": "Starting"}], "Pending, Starting"),
    ],
)  # fmt: skip
def test_the_progress_of_a_workspace_is_one_phrase(conditions, text):
    assert summary("Pending", conditions) == text


def test_images_are_known_by_the_names_that_the_examples_use():
    settings = load({"HOME": "/h"})
    example = yaml.safe_load((settings.checkout / EXAMPLE).read_text())
    chart = yaml.safe_load((settings.chart / "Chart.yaml").read_text())
    assert f"docker.io/{example['spec']['image']}" == aliases("jupyterlab", chart["appVersion"])


def test_the_list_of_containerds_images_is_read_by_its_columns():
    text = "REF TYPE DIGEST SIZE PLATFORMS LABELS\nlocalhost/a:1 application/x sha256:12 3.0 MiB linux/amd64 -\n"
    assert parse_list(text) == {"localhost/a:1": "sha256:12"}


@pytest.mark.parametrize(("text", "name"), [("", ""), ("bare", ""), ("context:work", "work"), ("context:a:b", "a:b")])
def test_the_cluster_is_the_local_one_unless_a_context_is_named(text, name):
    assert existing_cluster.parse_target(text).context == name


@pytest.mark.parametrize("text", ["context:", "context", "minikube", "kind:x"])
def test_any_other_cluster_is_refused_with_what_there_is(text):
    with pytest.raises(LocalError, match="`bare`, `kind` or `context:NAME`"):
        existing_cluster.parse_target(text)


def test_kind_is_a_context_that_is_made():
    target = existing_cluster.parse_target("kind")
    assert (target.context, target.kind) == ("kind-guildnet", True)
    assert not existing_cluster.parse_target("context:kind-guildnet").kind


def test_an_image_that_cannot_be_pulled_ends_the_waiting_with_the_kubelets_words(monkeypatch: pytest.MonkeyPatch):
    waiting = {"reason": "ImagePullBackOff", "message": "Back-off pulling image r.example/api: 401 Unauthorized"}
    pods = [
        {
            "metadata": {"name": "api-1", "creationTimestamp": ""},
            "status": {"containerStatuses": [{"state": {"waiting": waiting}}]},
        }
    ]
    deployment = {"metadata": {"name": "api", "generation": 1}, "spec": {"replicas": 1}}

    class Refused(Kubectl):
        def get(self, kind: str, *_: str, **__: str) -> dict[str, Any]:
            return {"items": [deployment] if kind == "deployments" else pods}

    monkeypatch.setattr(rollout, "PULL_SECONDS", 0.0)
    monkeypatch.setattr(rollout, "explain", lambda *_: "")
    with pytest.raises(LocalError, match=r"401 Unauthorized; can the nodes reach that registry"):
        rollout.await_rollout(Refused(Path("/kubectl")), print, seconds=30)


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ({"waiting": {"reason": "ErrImagePull"}}, "ErrImagePull"),
        ({"waiting": {"reason": "ContainerCreating"}}, ""),
        ({"running": {}}, ""),
    ],
)
def test_a_pull_that_goes_on_is_no_problem(state: dict[str, Any], said: str):
    assert rollout.pull_problem([{"status": {"initContainerStatuses": [{"state": state}]}}]) == said
