"""`/api/proxy-debug`: access and resolution of a path, shown instead of acted on."""

from __future__ import annotations

from typing import Any

from guildnet.identity import Identity
from guildnet.workspace.ports import base_path
from guildnet_proxy.frontdoor.request import Request
from guildnet_proxy.frontdoor.resolve import no_such_id, resolve
from guildnet_proxy.frontdoor.target import HostTarget, parse
from guildnet_proxy.frontdoor.workspaces import Workspaces
from guildnet_proxy.http.errors import Refusal
from guildnet_proxy.rules import Rule
from guildnet_proxy.sites import own_origin


def explain(request: Request, identity: Identity, given: dict[str, str], workspaces: Workspaces) -> dict[str, Any]:
    """`{server, path, rid, …}`; never an address of a workspace the caller may not use."""
    server, path = given.get("server", ""), given.get("path", "/")
    shown: dict[str, Any] = {
        "server": server,
        "path": path,
        "to": given.get("to", ""),
        "rid": request.record.request_id,
        "entry": {"name": request.site.entry.name, "mode": request.site.entry.mode},
        "identity": {"kind": identity.kind, "login": identity.login, "source": identity.source},
    }
    try:
        if server:
            return shown | _server(request, identity, server, path, workspaces)
        return shown | _host(request)
    except Refusal as error:
        return shown | {"verdict": "refused", "status": error.status, "code": error.code, "rule": error.rule,
                        "message": error.message}  # fmt: skip


def _server(request: Request, identity: Identity, server: str, path: str, workspaces: Workspaces) -> dict[str, Any]:
    workspace = workspaces.index.find(server)
    if workspace is None or not workspaces.knows(identity, workspace):
        raise Refusal(404, "not_found", no_such_id(server), rule=Rule.UNKNOWN)
    decision = workspaces.decide(identity, workspace)
    if not decision.allowed:
        return {"verdict": "refused", "status": 403, "code": "forbidden", "rule": decision.rule}
    policy = workspaces.policy
    found = resolve(workspaces.index, workspace, None, namespace=policy.namespace, domain=policy.cluster_domain)
    preserve = found.path_mode == "Preserve"
    return {
        "verdict": "forward",
        "access": decision.rule,
        "rule": found.rule,
        "target": f"{found.scheme}://{found.host}:{found.port}",
        "pathMode": found.path_mode,
        "upstreamPath": base_path(workspace.name, None) + path if preserve else path,
        "origin": own_origin(workspace, request.site.entry),
    }


def _host(request: Request) -> dict[str, Any]:
    target = parse(b"/proxy?" + request.head.target.partition(b"?")[2])
    if not isinstance(target, HostTarget):
        raise Refusal(400, "bad_target", "Give `server` or `to`.", rule=Rule.BAD_TARGET)
    return {
        "verdict": "target-gate",
        "target": f"{target.scheme}://{target.authority}",
        "upstreamPath": target.rest.decode("latin-1"),
    }
