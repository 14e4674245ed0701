"""From the wire form of a Workspace to its values.

Tolerant of what the API server may leave out (status, defaults) and of fields it does not know; refuses, naming the
field, what is missing or has the wrong type. Ranges and cross-field rules are the schema's business.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final, NoReturn, TypeVar

from guildnet.errors import FieldError, Invalid
from guildnet.workspace.model import (
    Condition,
    EnvVar,
    Exposure,
    Origin,
    Phase,
    Port,
    Probe,
    Resources,
    Storage,
    Workspace,
    WorkspaceSpec,
    WorkspaceStatus,
)

T = TypeVar("T")

_PHASES: Final = {phase.value: phase for phase in Phase}


def parse(obj: Mapping[str, Any]) -> Workspace:
    """Read a Workspace as the API server sends it. Raises Invalid with the path of the first unreadable field."""
    root = _Node(obj)
    meta = root.node("metadata")
    name = meta.text("name")
    if not name:
        _refuse("metadata.name", "must be given")
    return Workspace(
        name=name,
        namespace=meta.text("namespace") or "",
        uid=meta.text("uid") or "",
        spec=spec(root.node("spec")),
        status=status(root.node("status")),
        generation=meta.integer("generation") or 0,
        resource_version=meta.text("resourceVersion") or "",
        labels=meta.texts_by_name("labels"),
        annotations=meta.texts_by_name("annotations"),
        created_at=_time(meta),
        deleting=meta.text("deletionTimestamp") is not None,
    )


def spec(node: _Node) -> WorkspaceSpec:
    image = node.text("image")
    if not image:
        _refuse(node.at("image"), "must name a container image")
    running = node.boolean("running")
    return WorkspaceSpec(
        image=image,
        command=node.texts("command"),
        args=node.texts("args"),
        env=node.items("env", _env),
        ports=node.items("ports", _port),
        resources=_resources(node.node("resources")),
        exposure=node.optional("exposure", _exposure),
        storage=node.optional("storage", _storage),
        running=True if running is None else running,
        probe=node.optional("probe", _probe),
        presets_ref=node.text("presetsRef"),
        notes=node.text("notes"),
    )


def status(node: _Node) -> WorkspaceStatus:
    return WorkspaceStatus(
        observed_generation=node.integer("observedGeneration") or 0,
        phase=_phase(node),
        ready_replicas=node.integer("readyReplicas") or 0,
        service_dns=node.text("serviceDNS"),
        service_ip=node.text("serviceIP"),
        service_uid=node.text("serviceUID"),
        external_url=node.text("externalURL"),
        url=node.text("url"),
        proxy_target=node.text("proxyTarget"),
        origin=node.optional("origin", _origin),
        node=node.text("node"),
        pod_name=node.text("podName"),
        restarts=node.integer("restarts") or 0,
        startup_seconds=node.integer("startupSeconds"),
        last_error=node.text("lastError"),
        files=node.text("files"),
        conditions=node.items("conditions", _condition),
    )


class _Node:
    """One mapping of the wire form, and where it stands in the whole, so that a refusal can name the field.

    The path is put together only for a refusal: thousands of objects are read, and hardly any is refused.
    """

    __slots__ = ("_key", "_parent", "raw")

    def __init__(self, raw: Any, key: str = "", parent: _Node | None = None) -> None:
        self._key = key
        self._parent = parent
        if not isinstance(raw, dict) and not isinstance(raw, Mapping):
            _refuse(self.path or "object", "must be an object")
        self.raw: Mapping[str, Any] = raw

    @property
    def path(self) -> str:
        return self._parent.at(self._key) if self._parent else self._key

    def at(self, key: str) -> str:
        return f"{path}.{key}" if (path := self.path) else key

    def _typed(self, key: str, kind: type[T], wanted: str) -> T | None:
        value = self.raw.get(key)
        if value is None:
            return None
        # bool is an int to Python, not to Kubernetes.
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            _refuse(self.at(key), f"must be {wanted}")
        return value

    def text(self, key: str) -> str | None:
        value = self.raw.get(key)
        # What is text or absent, as nearly everything is, is told at once.
        return value if value is None or type(value) is str else self._typed(key, str, "text")

    def integer(self, key: str) -> int | None:
        return self._typed(key, int, "a whole number")

    def boolean(self, key: str) -> bool | None:
        return self._typed(key, bool, "true or false")

    def node(self, key: str) -> _Node:
        """The mapping below a key; empty where there is none."""
        value = self.raw.get(key)
        return _Node({} if value is None else value, key, self)

    def optional(self, key: str, read: Callable[[_Node], T]) -> T | None:
        return None if self.raw.get(key) is None else read(self.node(key))

    def items(self, key: str, read: Callable[[_Node], T]) -> tuple[T, ...]:
        values = self._typed(key, list, "a list") or []
        return tuple([read(_Node(value, f"{key}[{index}]", self)) for index, value in enumerate(values)])

    def texts(self, key: str) -> tuple[str, ...]:
        values = self._typed(key, list, "a list") or []
        for index, value in enumerate(values):
            if not isinstance(value, str):
                _refuse(f"{self.at(key)}[{index}]", "must be text")
        return tuple(values)

    def texts_by_name(self, key: str) -> Mapping[str, str]:
        node = self.node(key)
        return {name: node.text(name) or "" for name in node.raw}


def _env(node: _Node) -> EnvVar:
    value_from = node.raw.get("valueFrom")
    if value_from is not None and not isinstance(value_from, Mapping):
        _refuse(node.at("valueFrom"), "must be an object")
    # A nameless entry is refused by the schema, yet one stored before must not make the whole Workspace unreadable.
    return EnvVar(name=node.text("name") or "", value=node.text("value"), value_from=value_from)


def _port(node: _Node) -> Port:
    number = node.integer("containerPort")
    if number is None:
        _refuse(node.at("containerPort"), "must be given")
    return Port(
        container_port=number,
        name=node.text("name"),
        protocol=node.text("protocol") or "TCP",
        path_mode=node.text("pathMode") or "Strip",
    )


def _resources(node: _Node) -> Resources:
    return Resources(requests=_quantities(node.node("requests")), limits=_quantities(node.node("limits")))


def _quantities(node: _Node) -> Mapping[str, str]:
    return {name: _quantity(node, name) for name in node.raw}


def _quantity(node: _Node, key: str) -> str:
    value = node.raw[key]
    if isinstance(value, bool) or not isinstance(value, str | int):
        _refuse(node.at(key), "must be a quantity such as 500m or 2Gi")
    return str(value)


def _exposure(node: _Node) -> Exposure:
    return Exposure(
        type=node.text("type") or "ClusterIP",
        domain=node.text("domain"),
        ingress_class=node.text("ingressClass"),
        tls_issuer=node.text("tlsIssuer"),
    )


def _storage(node: _Node) -> Storage:
    if node.raw.get("size") is None:
        _refuse(node.at("size"), "must be a quantity such as 10Gi")
    return Storage(
        size=_quantity(node, "size"),
        storage_class_name=node.text("storageClassName"),
        mount_path=node.text("mountPath"),
        retain=node.boolean("retain") or False,
    )


def _probe(node: _Node) -> Probe:
    kind = node.text("type")
    if not kind:
        _refuse(node.at("type"), "must be http, tcp or none")
    return Probe(
        type=kind,
        path=node.text("path"),
        port=node.integer("port"),
        initial_delay_seconds=node.integer("initialDelaySeconds"),
        period_seconds=node.integer("periodSeconds"),
        timeout_seconds=node.integer("timeoutSeconds"),
        failure_threshold=node.integer("failureThreshold"),
        startup_seconds=node.integer("startupSeconds"),
    )


def _origin(node: _Node) -> Origin:
    return Origin(port=node.integer("port"), host=node.text("host"))


def _condition(node: _Node) -> Condition:
    return Condition(
        type=node.text("type") or "",
        status=node.text("status") or "Unknown",
        reason=node.text("reason") or "",
        message=node.text("message") or "",
        last_transition_time=node.text("lastTransitionTime"),
        observed_generation=node.integer("observedGeneration"),
    )


def _phase(node: _Node) -> Phase | None:
    text = node.text("phase")
    # A phase of a later version is "not known" here rather than a reason to drop the Workspace.
    return _PHASES.get(text or "")


def _time(meta: _Node) -> datetime | None:
    text = meta.text("creationTimestamp")
    if text is None:
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        _refuse(meta.at("creationTimestamp"), "must be an RFC 3339 time")


def _refuse(field: str, reason: str) -> NoReturn:
    raise Invalid(f"{field} {reason}", details=[FieldError(field, reason)])
