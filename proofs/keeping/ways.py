"""The ways: stopped, restarted, changed, crashed, evicted, drained, upgraded, deleted and made again."""

from __future__ import annotations

import json
from typing import Any, Final

from proofs.keeping.play import HOMELY, SHELL, Way, again, spec
from support.local import NAMESPACE, RELEASE_NAMESPACE, Local, workspace
from support.waiting import until

VOLUME: Final = {"size": "64Mi"}
RETAINED: Final = {"size": "64Mi", "retain": True}
OPERATOR: Final = "deploy/guildnet-operator"
TOLERATED: Final = "TOLERATE_CONTROL_PLANE"


def _pod(local: Local, name: str) -> str:
    return str(local.get("workspace", name)["status"]["podName"])


def _patch(local: Local, name: str, **patch: Any) -> None:
    local.kubectl("-n", NAMESPACE, "patch", "workspace", name, "--type=merge", "-p", json.dumps(patch))


def _changed(local: Local, name: str, **patch: Any) -> None:
    before = _pod(local, name)
    _patch(local, name, **patch)
    again(local, name, before)


def stopped(local: Local, name: str) -> None:
    before = _pod(local, name)
    _patch(local, name, spec={"running": False})
    local.kubectl("-n", NAMESPACE, "wait", "--for=condition=Stopped", f"workspace/{name}", "--timeout=60s")
    _patch(local, name, spec={"running": True})
    again(local, name, before)


def restarted(local: Local, name: str) -> None:
    _changed(local, name, metadata={"annotations": {"guildnet.io/restarted-at": "2026-11-28T10:00:00Z"}})


def another_image(local: Local, name: str) -> None:
    _changed(local, name, spec={"image": HOMELY})


def another_environment(local: Local, name: str) -> None:
    _changed(local, name, spec={"env": [{"name": "A", "value": "1"}]})


def crashed(local: Local, name: str) -> None:
    pod = _pod(local, name)
    local.try_kubectl("-n", NAMESPACE, "exec", pod, "-c", "workspace", "--", "kill", "1")
    again(local, name, pod, restarts=1)


def pod_deleted(local: Local, name: str) -> None:
    pod = _pod(local, name)
    local.kubectl("-n", NAMESPACE, "delete", "pod", pod, "--timeout=60s")
    again(local, name, pod)


def pod_evicted(local: Local, name: str) -> None:
    pod = _pod(local, name)
    body = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": pod, "namespace": NAMESPACE}}
    path = f"/api/v1/namespaces/{NAMESPACE}/pods/{pod}/eviction"
    local.kubectl("create", "--raw", path, "-f", "-", stdin=json.dumps(body))
    again(local, name, pod)


def node_drained(local: Local, name: str) -> None:
    found = local.get("workspace", name)["status"]
    node, pod = found["node"], found["podName"]
    try:
        local.kubectl(
            "drain", node, f"--pod-selector=guildnet.io/workspace={name}", "--ignore-daemonsets", "--timeout=60s"
        )
    finally:
        local.kubectl("uncordon", node)
    again(local, name, pod)


def install_upgraded(local: Local, name: str) -> None:
    """Another operator, with another toleration for pods: the pod has to be the same one after."""
    pod, before = _pod(local, name), _setting(local)
    try:
        _set(local, "false" if before == "true" else "true")
        until(lambda: _current(local, name) == "False", f"{name} waits for its next start", seconds=60)
        assert _pod(local, name) == pod, "the upgrade replaced the pod"
    finally:
        _set(local, before)
    until(lambda: _current(local, name) == "True", f"{name} is current", seconds=60)


def _setting(local: Local) -> str:
    container = local.get("deploy", "guildnet-operator", RELEASE_NAMESPACE)["spec"]["template"]["spec"]["containers"][0]
    return str(next(item["value"] for item in container["env"] if item["name"] == TOLERATED))


def _set(local: Local, value: str) -> None:
    local.kubectl("-n", RELEASE_NAMESPACE, "set", "env", OPERATOR, f"{TOLERATED}={value}")
    local.kubectl("-n", RELEASE_NAMESPACE, "rollout", "status", OPERATOR, "--timeout=90s")


def _current(local: Local, name: str) -> str:
    conditions = local.get("workspace", name)["status"]["conditions"]
    return next((item["status"] for item in conditions if item["type"] == "Current"), "")


def made_again(storage: dict[str, Any]) -> Any:
    def ends(local: Local, name: str) -> None:
        pod = _pod(local, name)
        local.delete_workspace(name)
        if not storage.get("retain"):
            local.kubectl("-n", NAMESPACE, "wait", "--for=delete", f"pvc/{name}-storage", "--timeout=60s")
        again_spec = spec(Way("", ends, keeps=False, volume=storage))
        local.apply(workspace(name, SHELL, **again_spec))
        again(local, name, pod)

    return ends


WAYS: Final[tuple[Way, ...]] = (
    Way("stopped: and started", stopped, keeps=True, volume=VOLUME),
    Way("restarted", restarted, keeps=True, volume=VOLUME),
    Way("image: changed", another_image, keeps=True, volume=VOLUME),
    Way("environment: changed", another_environment, keeps=True, volume=VOLUME),
    Way("container: ended by itself", crashed, keeps=True, volume=VOLUME),
    Way("pod: deleted by hand", pod_deleted, keeps=True, volume=VOLUME),
    Way("pod evicted", pod_evicted, keeps=True, volume=VOLUME),
    Way("retained: deleted and made again", made_again(RETAINED), keeps=True, volume=RETAINED, deletes=True),
    Way("deleted: and made again", made_again(VOLUME), keeps=False, volume=VOLUME, deletes=True),
    Way("no volume stopped: and started", stopped, keeps=False, volume=None),
    Way("no volume restarted", restarted, keeps=False, volume=None),
    Way("no volume evicted", pod_evicted, keeps=False, volume=None),
    Way("node drained", node_drained, keeps=True, volume=VOLUME, alone=True),
    Way("install upgraded: with another toleration", install_upgraded, keeps=True, volume=VOLUME, alone=True),
)
