"""Index of the cluster: Workspaces by name, label and port, the pods behind them, Capabilities.

A plain store without a clock or a connection; `watches.py` feeds it. An EndpointSlice counts only when the Service
whose uid is the Workspace's `status.serviceUID` owns it and its endpoints are Pods: anyone who can write a slice could
aim the proxy elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from guildnet.capability import Capability
from guildnet.names import LABEL_ID, origin_label
from guildnet.workspace import Workspace, other_ports
from guildnet.workspace.ports import served_ports

Located = tuple[str, int | None]
"""The name of a workspace, and a port of it that is not its first; None for the first."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One port of one pod, which is called `pod`; `ready` as the slice says it."""

    address: str
    port: int
    name: str
    ready: bool
    pod: str = ""


@dataclass(frozen=True, slots=True)
class Slice:
    """One EndpointSlice reduced to what counts."""

    name: str
    service_uid: str
    endpoints: tuple[Endpoint, ...]


def parse_slice(obj: Mapping[str, Any]) -> Slice:
    """Tolerant of absent fields; endpoints that are not Pods are left out. A slice nobody owns has service_uid ""."""
    metadata = obj.get("metadata") or {}
    owners = [item for item in metadata.get("ownerReferences") or () if item.get("kind") == "Service"]
    ports = [item for item in obj.get("ports") or () if item.get("port") and item.get("protocol", "TCP") == "TCP"]
    endpoints = [
        Endpoint(address, int(port["port"]), port.get("name") or "", _ready(item), target.get("name") or "")
        for item in obj.get("endpoints") or ()
        if (target := item.get("targetRef") or {}).get("kind") == "Pod"
        and target.get("namespace") == metadata.get("namespace")
        for address in (item.get("addresses") or ())[:1]
        for port in ports
    ]
    uid = owners[0].get("uid") or "" if len(owners) == 1 else ""
    return Slice(str(metadata.get("name") or ""), uid, tuple(endpoints))


def _ready(endpoint: Mapping[str, Any]) -> bool:
    return (endpoint.get("conditions") or {}).get("ready") is not False


class Index:
    """A store that tells its listeners what changed; nothing here awaits."""

    def __init__(self) -> None:
        self.workspaces: dict[str, Workspace] = {}
        self.listed = False
        """Has the first list of Workspaces come? Until then nobody knows what there is."""
        self.stale: Callable[[], int] | None = None
        """Seconds since the API server confirmed what is here, where that was in an earlier run; else None."""
        self.capabilities: tuple[Capability, ...] | None = None
        self._slices: dict[str, dict[str, Slice]] = {}
        self._slice_owner: dict[str, str] = {}
        self._by_id: dict[str, str] = {}
        self._by_label: dict[str, Located] = {}
        self._by_port: dict[int, Located] = {}
        self._endpoints: dict[str, tuple[Endpoint, ...]] = {}
        self.version = 0
        """Grows with every change of anything here."""
        self.on_change: list[Callable[[str | None], None]] = []
        """Called with the name of a changed Workspace, or None where Capabilities changed."""

    # ---- lookups ----------------------------------------------------------------------------------------------------

    def find(self, id_: str) -> Workspace | None:
        """By name, else by the label `guildnet.io/id`."""
        return self.workspaces.get(id_) or self.workspaces.get(self._by_id.get(id_, ""))

    def by_label(self, label: str) -> tuple[Workspace, int | None] | None:
        """The workspace one of whose origins has this label, and the port that it is of; None for the first."""
        return self._located(self._by_label.get(label))

    def by_port(self, port: int) -> tuple[Workspace, int | None] | None:
        """The same by a port of the tailnet name."""
        return self._located(self._by_port.get(port))

    def _located(self, found: Located | None) -> tuple[Workspace, int | None] | None:
        return None if found is None else (self.workspaces[found[0]], found[1])

    def endpoints(self, workspace: Workspace) -> tuple[Endpoint, ...]:
        """The workspace's own endpoints, ready or not."""
        uid = workspace.status.service_uid
        return self._endpoints.get(uid, ()) if uid else ()

    def at(self, address: str, port: int) -> Workspace | None:
        """The workspace one of whose pods or whose Service has this address and declares this port."""
        for workspace in self.workspaces.values():
            if any(item.address == address and item.port == port for item in self.endpoints(workspace)):
                return workspace
            if workspace.status.service_ip == address and port in declared_ports(workspace):
                return workspace
        return None

    def pod_at(self, address: str) -> str:
        """The name of the workspace's pod that has this address; "" for any other address."""
        every = (item for found in self.slices() for item in found.endpoints)
        return next((item.pod for item in every if item.address == address), "")

    def origin_ports(self) -> tuple[int, ...]:
        """The tailnet ports in use, ascending."""
        return tuple(sorted(self._by_port))

    def slices(self) -> tuple[Slice, ...]:
        """Every slice that counts."""
        return tuple(item for items in self._slices.values() for item in items.values())

    # ---- what an earlier run knew -----------------------------------------------------------------------------------

    def restore(
        self,
        workspaces: Iterable[Workspace],
        slices: Iterable[Slice],
        capabilities: Iterable[Capability],
        stale: Callable[[], int],
    ) -> None:
        """Takes what an earlier run knew. What there is besides is not known: `listed` stays as it is."""
        self.stale = stale
        for item in slices:
            self.put_slice(item)
        for workspace in workspaces:
            self.put_workspace(workspace)
        self.set_capabilities(capabilities)

    def confirm(self) -> None:
        """From now on all of it is what this run was told."""
        if self.stale is not None:
            self.stale = None
            self.version += 1

    def keep_only(self, *, workspaces: Collection[str] | None = None, slices: Collection[str] | None = None) -> None:
        """Drops what a complete list does not name."""
        if workspaces is not None:
            for name in [name for name in self.workspaces if name not in workspaces]:
                self.remove_workspace(name)
        if slices is not None:
            for name in [name for name in self._slice_owner if name not in slices]:
                self.remove_slice(name)

    # ---- changes ----------------------------------------------------------------------------------------------------

    def put_workspace(self, workspace: Workspace) -> None:
        self._unindex(self.workspaces.get(workspace.name))
        self.workspaces[workspace.name] = workspace
        for port in (None, *other_ports(workspace)):
            self._by_label[origin_label(workspace.name, workspace.uid, port)] = workspace.name, port
        id_ = workspace.labels.get(LABEL_ID)
        if id_ and id_ != workspace.name:
            self._by_id[id_] = workspace.name
        for number, port in _tailnet_ports(workspace):
            self._by_port.setdefault(number, (workspace.name, port))
        self._changed(workspace.name)

    def remove_workspace(self, name: str) -> None:
        self._unindex(self.workspaces.pop(name, None))
        self._changed(name)

    def put_slice(self, item: Slice) -> None:
        self.remove_slice(item.name)
        if item.service_uid:
            self._slices.setdefault(item.service_uid, {})[item.name] = item
            self._slice_owner[item.name] = item.service_uid
            self._join(item.service_uid)

    def remove_slice(self, name: str) -> None:
        uid = self._slice_owner.pop(name, None)
        if uid is not None:
            self._slices[uid].pop(name, None)
            self._join(uid)

    def set_capabilities(self, capabilities: Iterable[Capability] | None) -> None:
        """All of them, or None where they cannot be read (which denies)."""
        self.capabilities = None if capabilities is None else tuple(capabilities)
        self._changed(None)

    def touch(self) -> None:
        """Something else has changed that decisions rest on: what was decided by this version is asked again."""
        self.version += 1

    def _changed(self, name: str | None) -> None:
        self.version += 1
        for listener in self.on_change:
            listener(name)

    def _join(self, uid: str) -> None:
        self.version += 1
        slices = self._slices[uid]
        if not slices:
            del self._slices[uid]
            self._endpoints.pop(uid, None)
            return
        self._endpoints[uid] = tuple(endpoint for item in slices.values() for endpoint in item.endpoints)

    def _unindex(self, old: Workspace | None) -> None:
        if old is None:
            return
        for port in (None, *other_ports(old)):
            self._by_label.pop(origin_label(old.name, old.uid, port), None)
        if self._by_id.get(id_ := old.labels.get(LABEL_ID, "")) == old.name:
            del self._by_id[id_]
        for number, _ in _tailnet_ports(old):
            if self._by_port.get(number, ("", None))[0] == old.name:
                del self._by_port[number]


def _tailnet_ports(workspace: Workspace) -> list[tuple[int, int | None]]:
    """The ports of the tailnet name that are its origins, each with the container port it is of; None for the first.
    One of a port that it declares no more, or as its first one now, is nobody's."""
    origin = workspace.status.origin
    if origin is None:
        return []
    declared = other_ports(workspace)
    found: list[tuple[int, int | None]] = [(origin.port, None)] if origin.port else []
    return [*found, *((item.port, item.container_port) for item in origin.ports if item.container_port in declared)]


def declared_ports(workspace: Workspace) -> tuple[int, ...]:
    """The container ports of the spec; the operator's defaults where it names none."""
    return tuple(port.container_port for port in served_ports(workspace.spec))
