"""Resolution: where a workspace is, and which rule answered (logs and `/api/proxy-debug` show it). Pure.

Order: Service of the Workspace (`service`) → AGENT_HOST of its spec (`agent-host`) → its name in DNS (`dns`) → an error
that names both remedies. What the last two give is only a name and a port: the egress guard decides about them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from guildnet.names import slug
from guildnet.workspace import Phase, Workspace
from guildnet.workspace.ports import HTTP_PORT, HTTPS_PORT, scheme_of, served_ports
from guildnet_proxy.cluster.index import Endpoint, Index, declared_ports
from guildnet_proxy.frontdoor.target import host_port
from guildnet_proxy.http.errors import Refusal
from guildnet_proxy.rules import Rule

REMEDIES = "Set AGENT_HOST (host:port) in the workspace's env, or give it ports so that its Service has endpoints."


NO_SUCH_ADDRESS: Final = "No workspace has this address (any more). Open it from the list of workspaces."
"""What is said of an origin that is no workspace's, or that of one which the caller may not know of."""


def no_such_id(id_: str) -> str:
    """The same of an id."""
    return f"There is no workspace {id_}."


@dataclass(frozen=True, slots=True)
class Resolved:
    """Scheme, host and port to connect to.

    `addresses` is for the rule `service` what the slices say; empty where `host` has to pass the egress guard. `listed`
    says that the guard let it pass as a target that the operator of the install listed: no workspace's own address.
    """

    rule: Rule
    scheme: str
    host: str
    port: int
    addresses: tuple[str, ...]
    path_mode: str
    listed: bool = False


def resolve(index: Index, workspace: Workspace, port: int | None, *, namespace: str, domain: str) -> Resolved:
    """`port` None is the first declared one. Raises Refusal: 404 port, 409 stopped, 503 starting, 502 no target."""
    declared(workspace, port)
    if not workspace.spec.running or workspace.status.phase is Phase.STOPPED:
        message = f"Workspace {workspace.name} is stopped. Start it to use it."
        raise Refusal(409, "stopped", message, rule=Rule.STOPPED, conditions=_conditions(workspace))
    endpoints = index.endpoints(workspace)
    chosen = _choose(endpoints, workspace, port)
    if chosen:
        return _of_service(chosen, workspace)
    agent_host = _agent_host(workspace)
    if agent_host is not None:
        host, named = agent_host
        number = named if port is None else port
        return Resolved(Rule.AGENT_HOST, scheme_of(number), host, number, (), _path_mode(workspace, number))
    if workspace.deleting or workspace.status.phase is Phase.TERMINATING:
        message = f"Workspace {workspace.name} is being deleted."
        raise Refusal(409, "deleted", message, rule=Rule.DELETED, conditions=_conditions(workspace))
    if workspace.status.service_uid or workspace.status.phase in {None, Phase.PENDING, Phase.FAILED}:
        raise _starting(workspace)
    number = port if port is not None else _default_port(declared_ports(workspace))
    host = f"{slug(workspace.name)}.{namespace}.svc.{domain}"
    return Resolved(Rule.DNS, scheme_of(number), host, number, (), _path_mode(workspace, number))


def unresolved(workspace: Workspace) -> Refusal:
    """502 for a workspace that none of the rules led to; names both remedies."""
    message = f"No way to workspace {workspace.name} was found. {REMEDIES}"
    return Refusal(502, "no_target", message, rule=Rule.NO_TARGET, conditions=_conditions(workspace))


def _starting(workspace: Workspace) -> Refusal:
    failed = workspace.status.phase is Phase.FAILED
    last = workspace.status.last_error
    why = f" {last}" if last else ""
    message = f"Workspace {workspace.name} {'has failed.' if failed else 'is starting.'}{why}"
    return Refusal(
        503, "failed" if failed else "starting", message, rule=Rule.STARTING, conditions=_conditions(workspace)
    )


def _conditions(workspace: Workspace) -> tuple[tuple[str, str, str, str], ...]:
    return tuple((item.type, item.status, item.reason, item.message) for item in workspace.status.conditions)


def _choose(endpoints: tuple[Endpoint, ...], workspace: Workspace, port: int | None) -> tuple[Endpoint, ...]:
    ready = [endpoint for endpoint in endpoints if endpoint.ready]
    if not ready:
        return ()
    wanted = port
    if wanted is None:
        offered = {endpoint.port for endpoint in ready}
        declared = [item.container_port for item in workspace.spec.ports if item.container_port in offered]
        wanted = declared[0] if declared else _default_port(tuple(sorted(offered)))
    return tuple(endpoint for endpoint in ready if endpoint.port == wanted)


def _of_service(chosen: tuple[Endpoint, ...], workspace: Workspace) -> Resolved:
    first = chosen[0]
    return Resolved(
        rule=Rule.SERVICE,
        scheme=scheme_of(first.port, first.name),
        host=first.address,
        port=first.port,
        addresses=tuple(dict.fromkeys(endpoint.address for endpoint in chosen)),
        path_mode=_path_mode(workspace, first.port),
    )


def _agent_host(workspace: Workspace) -> tuple[str, int] | None:
    value = next((item.value for item in workspace.spec.env if item.name == "AGENT_HOST" and item.value), None)
    if value is None:
        return None
    try:
        return host_port(value.strip(), default_port=_default_port(declared_ports(workspace)))
    except Refusal:
        message = f"AGENT_HOST of workspace {workspace.name} is not a host or host:port."
        raise Refusal(502, "no_target", message, rule=Rule.AGENT_HOST) from None


def _default_port(ports: tuple[int, ...]) -> int:
    return next((port for port in (HTTP_PORT, HTTPS_PORT) if port in ports), ports[0])


def path_mode(workspace: Workspace, port: int | None) -> str:
    """`Strip` or `Preserve`, of a port that it declares; None is the first. Raises Refusal 404 for any other."""
    declared(workspace, port)
    return _path_mode(workspace, declared_ports(workspace)[0] if port is None else port)


def declared(workspace: Workspace, port: int | None) -> None:
    """Raises Refusal 404 for a port that the workspace does not declare."""
    if port is not None and port not in declared_ports(workspace):
        message = f"Workspace {workspace.name} declares no port {port}."
        raise Refusal(404, "unknown_port", message, rule=Rule.PORT)


def _path_mode(workspace: Workspace, port: int) -> str:
    return next((item.path_mode for item in served_ports(workspace.spec) if item.container_port == port), "Strip")
