"""Bad input is refused with the field named, by the API server and by the API; a taken name touches nothing."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

from proofs import Figure
from support.local import NAMESPACE, Local, bring_up, workspace
from support.waiting import until

IMAGE = "guildnet/jupyterlab:0.1.0"
REFUSED_NAME = "proof-refused"

# what kubectl applies → what the refusal has to say
REFUSED: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "env: [{}]": ({"image": IMAGE, "env": [{}]}, ("spec.env[0].name",)),
    "port 0": ({"image": IMAGE, "ports": [{"containerPort": 0}]}, ("spec.ports[0].containerPort",)),
    "two equal port names": (
        {"image": IMAGE, "ports": [{"containerPort": 80, "name": "http"}, {"containerPort": 81, "name": "http"}]},
        ("spec.ports", "name"),
    ),
    'image ""': ({"image": ""}, ("spec.image",)),
}

# what is posted to /api/jobs → status, code, and the field that a detail names
POSTED: dict[str, tuple[bytes, int, str, str | None]] = {
    "bad JSON": (b'{"image": ', 400, "bad_body", None),
    "no image": (b"{}", 400, "invalid_spec", "image"),
    "unknown field": (b'{"image": "x", "colour": "red"}', 400, "invalid_spec", "colour"),
    "2 MiB body": (b'{"image": "' + b"x" * (2 << 20) + b'"}', 413, "too_large", None),
}


def cluster_refusals(local: Local) -> Iterator[tuple[str, str]]:
    """(case, complaint) for each; the complaint is empty when all is as promised."""
    for case, (spec, words) in REFUSED.items():
        body = json.dumps(workspace(REFUSED_NAME, **spec))
        answer = local.try_kubectl("apply", "-f", "-", stdin=body)
        local.delete_workspace(REFUSED_NAME)
        print(f"  kubectl apply, {case}: {answer.err.splitlines()[-1] if answer.err else answer.out}")
        named = answer.status != 0 and all(word in answer.err for word in words)
        yield case, "" if named else f"wanted {words}, got {answer.err or answer.out}"


def api_refusals(local: Local) -> Iterator[tuple[str, str]]:
    with local.api() as api:
        for case, (body, status, code, field) in POSTED.items():
            answer = api.post("/api/jobs", content=body, headers={"Content-Type": "application/json"})
            print(f"  POST /api/jobs, {case}: {answer.status_code} {answer.text[:200]}")
            yield case, _complaint(answer.status_code, answer.text, (status, code, field))


def _complaint(status: int, text: str, wanted: tuple[int, str, str | None]) -> str:
    try:
        error = json.loads(text)
    except ValueError:
        return f"not the error shape: {text[:200]}"
    details = [detail["field"] for detail in error.get("details") or ()]
    right = (status, error.get("code")) == wanted[:2] and error.get("message")
    right = right and (wanted[2] is None or any(wanted[2] in field for field in details))
    return "" if right else f"wanted {wanted}, got {status} {text[:200]}"


def _service(name: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {"ports": [{"port": 80}], "selector": {"app": "somebody-elses"}},
    }  # fmt: skip


def _deployment(name: str) -> dict[str, Any]:
    labels = {"app": "somebody-elses"}
    container = {
        "name": "main", "image": IMAGE, "command": ["sleep", "3600"],
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
    }  # fmt: skip
    pod = {
        "containers": [container],
        "securityContext": {"runAsNonRoot": True, "runAsUser": 1000, "seccompProfile": {"type": "RuntimeDefault"}},
    }
    return {
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {"replicas": 0, "selector": {"matchLabels": labels},
                 "template": {"metadata": {"labels": labels}, "spec": pod}},
    }  # fmt: skip


def taken_names(local: Local) -> Iterator[tuple[str, str]]:
    kinds: dict[str, Callable[[str], dict[str, Any]]] = {"service": _service, "deployment": _deployment}
    for kind, build in kinds.items():
        name = f"proof-taken-{kind}"
        local.delete_workspace(name)
        local.try_kubectl("-n", NAMESPACE, "delete", kind, name, "--ignore-not-found")
        local.apply(build(name))
        before = until(lambda kind=kind, name=name: _settled(local, kind, name), f"{kind} {name} settled")
        try:
            local.apply(workspace(name, IMAGE))
            reason = until(lambda name=name: _degraded(local, name), f"workspace {name} degraded")
            print(f"  Workspace over another's {kind}: Degraded/{reason['reason']}: {reason['message']}")
            after = _text(local, kind, name)
            same = "" if after == before else f"the {kind} changed:\n{before}\n{after}"
            yield f"taken {kind}", same if reason["reason"] == "NameTaken" else f"reason {reason['reason']}"
        finally:
            local.delete_workspace(name)
            local.kubectl("-n", NAMESPACE, "delete", kind, name)


def _text(local: Local, kind: str, name: str) -> str:
    return local.kubectl("-n", NAMESPACE, "get", kind, name, "-o", "json", "--show-managed-fields")


def _settled(local: Local, kind: str, name: str) -> str | None:
    """The object's text once its own controller has written the last of its status."""
    found = local.get(kind, name)
    progressing = [c["reason"] for c in found["status"].get("conditions", ()) if c["type"] == "Progressing"]
    return _text(local, kind, name) if kind == "service" or progressing == ["NewReplicaSetAvailable"] else None


def _degraded(local: Local, name: str) -> dict[str, str] | None:
    conditions = local.get("workspace", name).get("status", {}).get("conditions", [])
    return next((c for c in conditions if c["type"] == "Degraded" and c["status"] == "True"), None)


def prove() -> Figure:
    bring_up()
    local = Local()
    results = [*cluster_refusals(local), *api_refusals(local), *taken_names(local)]
    for case, complaint in results:
        if complaint:
            print(f"  NOT AS PROMISED: {case}: {complaint}")
    good = sum(not complaint for _, complaint in results)
    return Figure(f"{good} of {len(results)} bad inputs refused as promised", good == len(results))
