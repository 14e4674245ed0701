"""docs/workspace.md as text: fields from the schema, an example of each, reasons from the operator's own list.

What a schema cannot say – what a reason means, when an object goes – is written here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from guildnet_operator.status.conditions import TABLE
from guildnet_operator.status.reasons import Reason

CRD = Path(__file__).resolve().parents[3] / "crds" / "guildnet.io_workspaces.yaml"
Schema = Mapping[str, Any]

EXAMPLES = {
    "image": "ghcr.io/acme/notebook:2026.11",
    "command[]": "[/usr/bin/tini, --]",
    "args[]": "[--base-url=$(GUILDNET_BASE_PATH)]",
    "env[].name": "TZ",
    "env[].value": "Europe/Berlin",
    "env[].valueFrom.secretKeyRef.name": "team-api",
    "env[].valueFrom.secretKeyRef.key": "token",
    "env[].valueFrom.secretKeyRef.optional": "true",
    "env[].valueFrom.configMapKeyRef.name": "team",
    "env[].valueFrom.configMapKeyRef.key": "region",
    "env[].valueFrom.configMapKeyRef.optional": "true",
    "ports[].containerPort": "8888",
    "ports[].name": "http",
    "ports[].protocol": "TCP",
    "ports[].pathMode": "Preserve",
    "resources.requests.*": "{cpu: 100m, memory: 256Mi}",
    "resources.limits.*": "{memory: 2Gi}",
    "exposure.type": "Ingress",
    "exposure.domain": "apps.example.com",
    "exposure.ingressClass": "nginx",
    "exposure.tlsIssuer": "letsencrypt",
    "storage.size": "10Gi",
    "storage.storageClassName": "fast",
    "storage.mountPath": "/home/jovyan",
    "storage.retain": "true",
    "running": "false",
    "probe.type": "http",
    "probe.path": "/healthz",
    "probe.port": "8080",
    "probe.initialDelaySeconds": "5",
    "probe.periodSeconds": "10",
    "probe.timeoutSeconds": "5",
    "probe.failureThreshold": "3",
    "probe.startupSeconds": "1200",
    "presetsRef": "jupyterlab",
    "notes": "for the course in May",
}

REASONS: Mapping[Reason, tuple[str, str]] = {
    Reason.READY: ("Ready", "A pod of the present spec answers, and its Service leads to it."),
    Reason.CREATING: ("Ready", "The cluster has yet to create the pod."),
    Reason.STARTING: ("Ready, Progressing", "The container is being prepared or has not answered yet: wait."),
    Reason.NOT_ANSWERING: (
        "Ready, Degraded",
        "The container runs, but its probe fails on and on or gets no answer any more: look at log, port and probe.",
    ),
    Reason.STOPPED: ("Ready, Admitted, Stopped", "`spec.running` is false and no pod runs: set it to true to start."),
    Reason.STOPPING: ("Ready, Progressing, Stopped", "The pod is about to end."),
    Reason.RUNNING: ("Stopped", "The workspace is meant to run."),
    Reason.TERMINATING: ("Ready, Progressing", "The Workspace is being deleted."),
    Reason.UPDATING: ("Progressing", "The pod of the earlier spec makes room for the new one."),
    Reason.SETTLED: ("Progressing", "Everything is as the spec wants it."),
    Reason.BLOCKED: ("Progressing", "It does not get any further by itself: `Degraded` says why."),
    Reason.CURRENT: ("Current", "Spec and settings of the install are what the pod is made by."),
    Reason.NEXT_START: (
        "Current",
        "The install's settings changed since it started; the message says what its next start brings. Restart it when it suits.",
    ),
    Reason.AS_EXPECTED: ("Degraded", "Nothing is wrong."),
    Reason.SCHEDULED: ("Scheduled", "The pod has a node."),
    Reason.UNSCHEDULABLE: ("Ready, Scheduled", "No node takes the pod; the scheduler's words say why."),
    Reason.NO_POD: ("Scheduled, ImagePulled", "There is no pod, so there is nothing to place or to pull."),
    Reason.IMAGE_PRESENT: ("ImagePulled", "The image is on the node."),
    Reason.PULLING: ("ImagePulled", "The image is not known to be on the node yet."),
    Reason.IMAGE_PULL_FAILED: ("ImagePulled, Degraded", "The registry's words: check name, tag and pull secret."),
    Reason.NOT_REQUESTED: ("StorageReady", "No storage was asked for: what is written is lost with the pod."),
    Reason.KEPT: ("StorageReady", "The claim of an earlier `spec.storage` is kept, but not mounted."),
    Reason.BOUND: ("StorageReady", "The claim has its volume."),
    Reason.PENDING: ("StorageReady, Scheduled", "The claim waits for a volume, or the pod for the scheduler."),
    Reason.STORAGE_PENDING: (
        "Ready, Scheduled, Degraded",
        "No node takes the pod as its claim has no volume; after a minute that is something wrong.",
    ),
    Reason.LOST: ("StorageReady", "The volume behind the claim is gone: restore it or delete the claim."),
    Reason.RESIZING: ("StorageReady", "The volume grows; its file system may follow at the next start."),
    Reason.RESIZE_FAILED: ("StorageReady", "The volume cannot grow, in the storage driver's words. Nothing is lost."),
    Reason.ROUTED: ("RouteReady", "Service and origin are there."),
    Reason.SERVICE_PENDING: ("Ready, RouteReady", "The Service is being created."),
    Reason.ADDRESS_PENDING: ("RouteReady", "The load balancer has not given an address: is one installed?"),
    Reason.PORT_PENDING: (
        "RouteReady",
        "The port counter cannot be read or advanced; where it was deleted, `helm upgrade` makes it again.",
    ),
    Reason.PORTS_EXHAUSTED: ("RouteReady", "The port counter has reached 65535."),
    Reason.NAME_TAKEN: ("Degraded", "An object of that name belongs to somebody else and is left untouched."),
    Reason.LEFTOVER: ("Ready, Progressing", "What a deleted Workspace of this name left is still going: wait."),
    Reason.CHILD_LEAVING: (
        "Ready, StorageReady, RouteReady, Progressing, Degraded",
        "Somebody deletes a child: it is made again when it is gone; the message names the finalizers that hold it.",
    ),
    Reason.CONTESTED: (
        "Ready, RouteReady, StorageReady, Degraded",
        "Another program undoes what the operator writes, by field and field manager: it is put right ever more seldom.",
    ),
    Reason.UNAVAILABLE: (
        "Ready, StorageReady, RouteReady, Degraded",
        "The API server, or a webhook it asks, cannot do what a child needs, in its words; it is tried again.",
    ),
    Reason.REFUSED: ("Degraded", "The API server refused a child, in its words: change the field it names."),
    Reason.FORBIDDEN: ("Degraded", "The operator lacks a right: an administrator restores the chart's roles."),
    Reason.TOO_LARGE: ("Degraded", "The API server takes no object of that size: make the spec smaller."),
    Reason.IMMUTABLE: ("StorageReady, Degraded", "A field that never changes was changed: set it back."),
    Reason.QUOTA_EXCEEDED: (
        "Degraded",
        "A quota is used up, or counts what the spec leaves out: ask for less, set `resources`, or have it raised.",
    ),
    Reason.FOREIGN_SECRET: (
        "Degraded",
        "Env refers to a Secret of the install, of another workspace, or with credentials of the cluster; the pod is not made by it.",
    ),
    Reason.POD_SECURITY: ("Degraded", "The namespace's Pod Security refuses the pod: change what the message names."),
    Reason.CONFIGURATION: ("Degraded", "Something that env, command, args or mounts refer to is not there."),
    Reason.VOLUME_NOT_MOUNTED: (
        "Ready, Degraded",
        "A volume cannot be attached or mounted, in the cluster's words; after a lost node that can take minutes.",
    ),
    Reason.SANDBOX_FAILED: ("Ready, Degraded", "The node cannot set up the pod: its network or container runtime."),
    Reason.CRASH_LOOP: ("Degraded", "The container keeps ending: exit code here, why in the log of that run."),
    Reason.OOM_KILLED: (
        "Degraded",
        "It ran out of memory, or has a memory limit and was killed without another known cause: raise `resources.limits.memory`.",
    ),
    Reason.GROWTH_REFUSED: (
        "StorageReady, Degraded",
        "The volume cannot grow: its storage class does not allow expansion, or it has no volume yet. Nothing is lost.",
    ),
    Reason.NODE_LOST: ("Ready, Degraded", "The node does not report any more; nobody knows how the workspace is."),
    Reason.POD_FAILED: ("Degraded", "The pod failed (evicted, for example); the Deployment makes another one."),
    Reason.DEADLINE: ("Degraded", "It did not become ready in time: look at log, port and probe."),
    Reason.ADMITTED: ("Admitted", "It may run: no Capability limits how many workspaces its owner runs."),
    Reason.WITHIN_LIMIT: ("Admitted", "It may run: it is one of as many as a Capability allows its owner at once."),
    Reason.LIMIT_REACHED: (
        "Ready, Admitted, Progressing, Stopped",
        "Its owner runs as many as a Capability allows: it starts by itself when one of them is stopped or deleted.",
    ),
    Reason.EXPOSURE_REFUSED: ("Degraded", "This install does not allow what `spec.exposure` asks for."),
}

HEAD = """# Workspace

`workspaces.guildnet.io/v1alpha1`, short `ws`: a container image with a web port, run for a person and reached through
GuildNet. [examples/](../examples) has whole ones: VS Code,
JupyterLab, a web app that speaks TLS, a private image, a persistent home.

```yaml
apiVersion: guildnet.io/v1alpha1
kind: Workspace
metadata: {name: lab, namespace: guildnet-workspaces}
spec:
  image: guildnet/jupyterlab:0.1.0
  ports: [{name: http, containerPort: 8888, pathMode: Preserve}]
```

Wrong values are refused at admission, with the field named; unknown fields by `kubectl apply --validate=strict`.

`kubectl apply` of one does what the launch form does, but for this:

| | launch form, API, `guildnet launch` | kubectl |
| --- | --- | --- |
| name | five random characters are added: a launch never meets another's name | as it stands |
| owner | the caller | the annotation `guildnet.io/owner` you write |
| files | the install's default volume where nothing is said | what `spec.storage` says |
| values of secrets in `env` | moved into a Secret | refused, with the way to write them (`workspaces.plainSecrets`) |
| who may | Capabilities | the cluster's own rights; of Capabilities `maxConcurrent` alone |

Ports, base path, arguments and variables of [well-known images](../libs/guildnet/src/guildnet/workspace/well_known.py), and
what a name of an image may look like, are the same both ways.

## Spec
"""

MIDDLE = """
What is left out gets a default: ports 8080 and 8443 (8080 alone for code-server images), env `PORT=8080`, for
code-server images a `PASSWORD` and for JupyterLab images a `GUILDNET_WORKSPACE_TOKEN` from the Secret `NAME-login`, an HTTP probe for
images known to answer one and a TCP probe for others. Pods run as uid 1000 without privileges, capabilities or a service-account token.

## What happens when

| you | then |
| --- | --- |
| set `running: false` | the pod ends, phase `Stopped`; volume, origin and address are kept |
| set `running: true` | it starts again, at the same address, with the same volume |
| create or start one more than a Capability's [`maxConcurrent`](access.md) | no pod, `Admitted=False/LimitReached`; the oldest starts by itself when a place is free |
| annotate `guildnet.io/restarted-at: <time>` | the pod is replaced once |
| change image, env, args, ports, resources, probe | the pod is replaced once |
| enlarge `storage.size` | the claim grows where its class allows it; it never shrinks, and the class never changes; a growth that was refused can be taken back |
| change a setting of the install that is in the pods (pull secret, tolerations, probe images, the key of logins) | a running workspace stays as it is and says `Current=False/NextStart`; its next start brings the change. One that is stopped, or waits for an image or a node, gets it at once |
| delete or edit a child by hand | it is made or put right again |
| upgrade or restart the operator | nothing: settled objects are not written, no pod restarts |
| delete the Workspace | Deployment, Service, Secret, Ingress and claim go with it, by the cluster's garbage collection |
| … with `storage.retain: true` | the claim `NAME-storage` stays. A new Workspace of that name and owner (`guildnet.io/owner`) that asks for storage finds it again; delete it, or hand it to one of another owner by the annotation `guildnet.io/workspace-uid: <its uid>` |
| enlarge the claim itself | it stays as large as it is, whatever `storage.size` says |
| … with `kubectl delete --cascade=orphan` | the children stay and belong to nobody; a new Workspace of that name says `NameTaken` until they are deleted |
| create one under the name of a deleted one | it waits until the old children are gone, and is another origin |

## Files

`status.files` says in one word what becomes of the files below the mount path when the workspace stops, restarts or moves:
`kept` with a volume, `lost on stop` without one; `kubectl -n guildnet-workspaces get ws -o wide` shows it, and the API as `files`. What is written
elsewhere in the container is lost in any case. A launch through UI or API that says nothing of storage gets the install's
default volume (`workspaces.storage.default`), one that says `storage: null` none; a Workspace made by kubectl has what its
`spec.storage` says. Deleting the Workspace deletes the volume unless `retain` is set.

To restore a volume from a backup: restore the claim `NAME-storage` (and its PersistentVolume) **without its
`ownerReferences`**, or the garbage collector deletes it again, since the owner of that uid is no more; with the label
`guildnet.io/managed: "true"` and the annotations `guildnet.io/workspace-uid` (any value) and `guildnet.io/owner` as they
were. Then make the Workspace under that name: it finds the claim, and `retain: false` makes it its own again.

## Status

`phase` is Pending, Running, Stopped, Failed or Terminating. `url` is where to open it, `externalURL` an address past the
proxy, `origin` its own port and host label, never given to another (`ports`: those of its ports behind the first). `lastError` is
the latest thing that went wrong.

Conditions: {conditions}. Wait with `kubectl -n guildnet-workspaces wait --for=condition=Ready ws/NAME`; `kubectl -n guildnet-workspaces describe ws NAME` tells the
whole story. `Degraded` is the one to alert on. Reasons are constants:

| reason | on | means |
| --- | --- | --- |
"""


def page() -> str:
    crd = yaml.safe_load(CRD.read_text())
    spec = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]
    rows = ["| field | type | example | what it does |", "| --- | --- | --- | --- |"]
    rows += [_row(path, leaf, about) for path, leaf, about in leaves(spec)]
    reasons = [f"| `{reason}` | {on} | {means} |" for reason, (on, means) in REASONS.items()]
    names = ", ".join(f"`{name}`" for name in TABLE)
    return HEAD + "\n" + "\n".join(rows) + "\n" + MIDDLE.replace("{conditions}", names) + "\n".join(reasons) + "\n"


def leaves(schema: Schema, path: str = "", about: str = "") -> Iterator[tuple[str, Schema, str]]:
    """Each leaf with its path and its description, or that of the nearest group which has one."""
    about = schema.get("description", about)
    if "properties" in schema:
        for name, child in schema["properties"].items():
            yield from leaves(child, f"{path}.{name}".lstrip("."), about if path else "")
    elif "items" in schema:
        yield from leaves(schema["items"], f"{path}[]", about)
    elif "additionalProperties" in schema:
        yield from leaves(schema["additionalProperties"], f"{path}.*", about)
    else:
        yield path, schema, about


def _row(path: str, leaf: Schema, about: str) -> str:
    kind = "quantity" if leaf.get("x-kubernetes-int-or-string") else leaf["type"]
    if "enum" in leaf:
        kind = " or ".join(f"`{value}`" for value in leaf["enum"])
    elif "minimum" in leaf:
        kind += f" {leaf['minimum']}–{leaf['maximum']}"
    elif "maxLength" in leaf and kind == "string":
        kind += f" ≤ {leaf['maxLength']}"
    default = ""
    if "default" in leaf:
        value = leaf["default"]
        default = f" Default `{str(value).lower() if value is True or value is False else value}`."
    text = " ".join(f"{about}{default}".split())
    return f"| `{path}` | {kind} | `{EXAMPLES[path]}` | {text} |"
