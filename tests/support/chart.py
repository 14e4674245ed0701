"""The chart's roles as Helm renders them, so that a test lets an account work with the rights an install gives it."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from pathlib import Path
from typing import Any, Final

import yaml

from guildnet.kube.client import Client
from guildnet.kube.resources import ROLEBINDINGS, ROLES
from guildnet_local.build.programs import ensure
from support.apiserver import service_account_token

CHART: Final = Path(__file__).parents[2] / "charts" / "guildnet"


def rendered(release_namespace: str, values: dict[str, Any]) -> list[dict[str, Any]]:
    """The objects of an install called `guildnet`."""
    with tempfile.TemporaryDirectory() as home:
        environment = {"PATH": os.defpath, **{f"HELM_{kind}_HOME": home for kind in ("CACHE", "CONFIG", "DATA")}}
        done = subprocess.run(
            [ensure(["helm"])["helm"], "template", "guildnet", CHART, "--namespace", release_namespace, "-f", "-"],
            input=json.dumps(values), env=environment, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return [item for item in yaml.safe_load_all(done.stdout) if item]


async def grant(kube: Client, component: str, *, release: str, workspaces: str) -> str:
    """Give the account of a component the chart's roles in both namespaces, and nothing else; a token of it."""
    account = f"guildnet-{component}"
    token = await service_account_token(kube, release, account)
    objects = rendered(release, {"workspaces": {"namespace": workspaces}})
    for kind, resource in (("Role", ROLES), ("RoleBinding", ROLEBINDINGS)):
        granted = [item for item in objects if item["kind"] == kind and item["metadata"]["name"] == account]
        assert granted, f"the chart has no {kind} of {account}"
        for item in granted:
            await kube.create(resource, item["metadata"]["namespace"], item)
    return token
