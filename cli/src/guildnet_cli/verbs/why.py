"""why and events: what a workspace waits for, and what happened to it."""

from __future__ import annotations

from typing import Final, NamedTuple

from guildnet_cli import output
from guildnet_cli.call import Call
from guildnet_cli.errors import OK
from guildnet_cli.output import Column, plain, say
from guildnet_cli.wire import Condition, Server

DO: Final = {
    "Stopped": "guildnet start {id}",
    "Stopping": "guildnet start {id}",
    "Terminating": "nothing: it is being deleted",
    "Creating": "wait: guildnet events {id}",
    "Starting": "wait: guildnet logs {id} -f",
    "NotAnswering": "guildnet logs {id}   (does it listen on the declared port?), then guildnet edit {id}",
    "Unschedulable": "guildnet edit {id}   (ask for less), or stop another workspace",
    "ImagePullFailed": "guildnet edit {id}   (name and tag of the image)",
    "StoragePending": "guildnet doctor   (is there a storage class?), guildnet events {id}",
    "ServicePending": "wait: guildnet events {id}",
    "PredecessorLeaving": "wait: what the deleted workspace of this name left is still going",
    "ChildLeaving": "wait; the message names what holds it",
    "ChangedByOthers": "tell an administrator which program the message names",
    "Unavailable": "wait; guildnet doctor",
    "Refused": "guildnet edit {id}   (the field that the message names)",
    "Forbidden": "tell an administrator: the chart's roles have to be restored (guildnet doctor)",
    "TooLarge": "guildnet edit {id}   (a smaller spec)",
    "FieldImmutable": "set the field back that the message names, or launch another workspace",
    "SecretRefused": "guildnet edit {id}   (the variable that the message names)",
    "LimitReached": "stop or delete another workspace: it starts by itself then",
    "NextStart": "guildnet restart {id}   (when it suits)",
    "ResizeFailed": "guildnet events {id}; an administrator looks at the claim",
    "QuotaExceeded": "guildnet edit {id}   (ask for less), or stop another workspace",
    "GrowthRefused": "set the size back, or ask an administrator for a class that grows",
    "PodSecurityRefused": "guildnet edit {id}   (what the message names)",
    "ContainerConfiguration": "guildnet edit {id}   (what env or args refer to is not there)",
    "VolumeNotMounted": "wait some minutes; guildnet events {id}",
    "SandboxFailed": "tell an administrator: the node cannot set up pods",
    "CrashLoop": "guildnet logs {id} --previous",
    "OutOfMemory": "guildnet edit {id}   (raise resources.memory)",
    "NodeLost": "tell an administrator: the node does not report",
    "PodFailed": "wait: another pod is made; guildnet events {id}",
    "StartDeadlineExceeded": "guildnet logs {id}, then guildnet edit {id}",
    "NameTaken": "delete the object that the message names, or launch under another name",
    "ExposureRefused": "ask an administrator, or take the exposure away",
    "PortPending": "guildnet doctor",
    "PortsExhausted": "tell an administrator: the port counter is used up",
    "AddressPending": "guildnet doctor   (is a load balancer installed?)",
    "Lost": "tell an administrator: the volume is gone",
}
"""What to do, by the reason of a condition. A test holds them to the operator's reasons."""
_FIRST: Final = ("Degraded", "Ready", "Scheduled", "ImagePulled", "StorageReady", "RouteReady")
_BAD_WHEN_TRUE: Final = frozenset({"Degraded"})


class Explanation(NamedTuple):
    """Why a workspace is as it is: the condition that decides, its reason and words, and the next step."""

    condition: str
    reason: str
    message: str
    do: str


def explain(server: Server) -> Explanation:
    """What decides, in the order of `_FIRST`: a fault before what waits for it."""
    held = {one["type"]: one for one in server.get("conditions", ())}
    for type_ in _FIRST:
        condition = held.get(type_)
        if condition is not None and _holds_up(condition):
            reason = condition.get("reason", "")
            return Explanation(type_, reason, condition.get("message", ""), _do(server, reason))
    if server["status"] == "running":
        return Explanation("Ready", "Ready", "It is running.", f"guildnet open {server['id']}")
    reason = server.get("reason", "")
    message = server.get("message") or "The operator has not told anything about it yet."
    return Explanation("", reason, message, _do(server, reason))


def _holds_up(condition: Condition) -> bool:
    return condition["status"] == ("True" if condition["type"] in _BAD_WHEN_TRUE else "False")


def _do(server: Server, reason: str) -> str:
    return DO.get(reason, "guildnet events {id}; guildnet doctor").format(id=server["id"])


def run(call: Call) -> int:
    server = call.client.server(call.asked.workspace)
    found = explain(server)
    if call.format != "table":
        row = {"id": server["id"], "status": server["status"], **found._asdict()}
        output.emit([row], (), call.format, one=True)
        return OK
    what = f"{found.condition}/{found.reason}" if found.condition and found.reason else found.reason
    say(f"{server['id']} is {server['status']}" + (f": {what}" if what else ""))
    say(f"  {plain(found.message)}")
    say(f"next:  {found.do}")
    return OK


def events(call: Call) -> int:
    found = call.client.events(call.asked.workspace)
    columns = [Column("TIME", "t"), Column("TYPE", "type"), Column("REASON", "reason"), Column("OBJECT", "object"),
               Column("COUNT", "count"), Column("MESSAGE", "message")]  # fmt: skip
    output.emit(found, columns, call.format, name="reason")
    return OK
