"""What a visitor can do about a workspace that does not run, on the page that says so.

The step leads to the workspace's page on the control origin. The proxy starts nothing by itself: the page has the
origin of the workspace, and a button there could be pressed by the workspace's own scripts, in the visitor's name.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from guildnet.access import Action, Decision
from guildnet.identity import Identity
from guildnet.workspace import Workspace
from guildnet_proxy.http.errors import Refusal

Decide = Callable[[Identity, Workspace, Action], Decision]


@dataclass(frozen=True, slots=True)
class NextStep:
    """A link that looks like a button; `refused` is why the visitor has none."""

    label: str = ""
    href: str = ""
    refused: str = ""


def next_step(
    error: Refusal, workspace: Workspace | None, identity: Identity | None, decide: Decide, home: str
) -> NextStep | None:
    """Of a refusal that tells a visitor how a workspace is; `home` is the control origin."""
    if workspace is None or identity is None or not home:
        return None
    page = f"{home}/w/{workspace.name}"
    if error.code == "failed":
        return NextStep("See why", f"{page}/timeline")
    if error.code != "stopped":
        return None
    decision = decide(identity, workspace, Action.START)
    if decision.allowed:
        return NextStep("Start", f"{page}/open")
    return NextStep(refused=f"You may not start it: {decision.reason}.")
