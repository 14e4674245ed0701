"""Direct exposure is what was asked for or is refused with the reason, and opens no more than it needs."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Mapping
from itertools import groupby
from pathlib import Path
from typing import Any

from guildnet.errors import Invalid
from guildnet.kube.client import connect
from guildnet.kube.resources import DEPLOYMENTS, INGRESSES, NETWORKPOLICIES, SERVICES
from guildnet.names import exposure_policy_name
from guildnet_operator.plan.exposure import CERT_MANAGER_ISSUER
from proofs import Figure
from proofs.crash.__main__ import quiet
from proofs.crash.stage import Stage, stage
from proofs.exposing.table import ALL_HAVE, INSTALLS, ROWS, Exposed, Row
from support.apiserver import ApiServer
from support.shared import shared_apiserver
from support.waiting import eventually

CONTROLLER = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "ingress-nginx"}}}
PORTS = [{"port": number, "protocol": "TCP"} for number in (8080, 8443)]


async def _played(played: Stage, row: Row) -> str:
    """What is wrong with what became of the request; empty for nothing."""
    world = played.world
    try:
        spec: dict[str, Any] = {} if row.exposure is None else {"exposure": row.exposure}
        await world.launch(row.name, **spec)
    except Invalid as error:
        return "" if row.invalid and row.invalid in error.message else f"the API server says: {error.message}"
    if row.invalid:
        return "the API server takes it"
    await eventually(lambda: world.find(DEPLOYMENTS, row.name), within=20)
    await eventually(lambda: world.condition(row.name, "Degraded"), within=20)
    await eventually(played.idle, within=20)
    degraded = await world.condition(row.name, "Degraded")
    said = degraded["message"] if degraded["reason"] == "ExposureRefused" else None
    if (said is None) != (row.refused is None) or (row.refused or "") not in (said or ""):
        return f"it says {said!r}, wanted {row.refused!r}"
    service = await world.get(SERVICES, row.name)
    ingress = await world.find(INGRESSES, row.name)
    policy = await world.find(NETWORKPOLICIES, exposure_policy_name(row.name))
    found = _exposed(service, ingress)
    if found != row.exposed:
        return f"it is {found}, wanted {row.exposed}"
    opened = policy and policy["spec"]["ingress"]
    wanted = _opened(row.exposed)
    return "" if opened == wanted else f"its NetworkPolicy lets in {opened}, wanted {wanted}"


def _exposed(service: Mapping[str, Any], ingress: Mapping[str, Any] | None) -> Exposed:
    kind = service["spec"]["type"]
    if ingress is None:
        return Exposed(kind)
    spec, annotations = ingress["spec"], ingress["metadata"]["annotations"]
    (rule,) = spec["rules"]
    secret = spec["tls"][0]["secretName"] if "tls" in spec else None
    return Exposed(kind, rule["host"], spec["ingressClassName"], annotations.get(CERT_MANAGER_ISSUER), secret)


def _opened(exposed: Exposed) -> list[dict[str, Any]] | None:
    """The rules of the one NetworkPolicy that lets in whoever comes past the proxy; None where nobody does."""
    if exposed.host is not None:
        return [{"from": [CONTROLLER], "ports": PORTS[:1]}]
    return [{"ports": PORTS}] if exposed.service == "LoadBalancer" else None


async def _prove(server: ApiServer, directory: Path) -> list[tuple[Row, str]]:
    found: list[tuple[Row, str]] = []
    async with connect(str(server.kubeconfig), user_agent="guildnet-tests") as kube:
        for install, rows in groupby(ROWS, key=lambda row: row.install):
            async with stage(server, kube, directory, **{**ALL_HAVE, **INSTALLS[install]}) as played:
                here = list(rows)
                found += zip(here, await asyncio.gather(*(_played(played, row) for row in here)), strict=True)
    return found


def prove() -> Figure:
    quiet()
    with tempfile.TemporaryDirectory() as directory, shared_apiserver(Path(directory), controllers=True) as server:
        found = asyncio.run(_prove(server, Path(directory)))
    for row, complaint in found:
        print(
            f"  {row.install}, {row.name}: {dict(row.exposure or {}) or 'says nothing'}: {complaint or 'as the table'}"
        )
    good = sum(not complaint for _, complaint in found)
    text = f"{good} of {len(found)} requests became what the table says, of {len(INSTALLS)} installs"
    return Figure(text, good == len(found) >= 40)
