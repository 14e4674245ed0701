"""Secrets that env may refer to: which of a namespace are nobody else's. Pure.

Whoever may create Workspaces and read logs could otherwise read every Secret beside them: the pod prints it. A Secret
of the install, of another workspace, or with credentials of the cluster is refused, and so is one that does not exist
yet under a name that another workspace's may get.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from guildnet.names import GROUP
from guildnet.workspace import app_login
from guildnet_operator.plan.plan import Plan

_MADE_FOR_A_WORKSPACE: Final = re.compile(r".+-(password|login|env|env-[0-9a-f]{5})|workspace-.+-tls")
"""Names that operator, api and cert-manager give to Secrets of a workspace."""
_EDITED: Final = re.compile(r"-env-[0-9a-f]{5}")
_NAME_IN_EDITED: Final = 52
"""How much of a workspace's name the api puts into the name of the Secret of an edit."""
CREDENTIALS: Final = frozenset({
    "kubernetes.io/dockerconfigjson", "kubernetes.io/dockercfg", "kubernetes.io/service-account-token",
    "bootstrap.kubernetes.io/token", "helm.sh/release.v1",
})  # fmt: skip
"""Types of Secrets that are for the cluster's own programs."""


def to_be_read(plan: Plan) -> tuple[str, ...]:
    """The names of Secrets that env refers to and whose owner has to be looked at: all but those of its own."""
    found = (item.value_from.get("secretKeyRef", {}).get("name", "") for item in plan.env if item.value_from)
    own = {f"{plan.name}-password", app_login.secret_name(plan.name), f"{plan.name}-env", ""}
    return tuple(dict.fromkeys(name for name in found if name not in own))


def refused(plan: Plan, name: str, live: Mapping[str, Any] | None) -> str | None:
    """Why this Secret is not for the workspace, None where it is; `live` is the Secret, None where there is none."""
    if name in plan.reserved_secrets:
        return "it is the install's"
    if live is None:
        mine = _EDITED.fullmatch(name.removeprefix(plan.name[:_NAME_IN_EDITED]))
        if mine or not _MADE_FOR_A_WORKSPACE.fullmatch(name):
            return None
        return "it does not exist, and may become another workspace's: make it first, or name it otherwise"
    if live.get("type") in CREDENTIALS:
        return f"it holds credentials of the cluster (type {live['type']})"
    owners = live["metadata"].get("ownerReferences") or ()
    strangers = [item for item in owners if _is_workspace(item) and item.get("uid") != plan.uid]
    issued = name.startswith("workspace-") and name.endswith("-tls") and name != f"workspace-{plan.name}-tls"
    return "it is another workspace's" if strangers or issued else None


def _is_workspace(owner: Mapping[str, Any]) -> bool:
    group = str(owner.get("apiVersion", "")).partition("/")[0]
    return (group, owner.get("kind")) == (GROUP, "Workspace")
