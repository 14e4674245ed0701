"""`Current`: does the pod run by the spec and the settings of the install as they are now? Pure."""

from __future__ import annotations

from guildnet_operator.status.children import CONFIGURATION_REASONS, PodView
from guildnet_operator.status.diagnosis import IMAGE_REASONS
from guildnet_operator.status.reasons import Reason
from guildnet_operator.status.snapshot import Snapshot
from guildnet_operator.status.verdict import Verdict


def current(snapshot: Snapshot) -> Verdict:
    pending = snapshot.plan.pending
    if not pending:
        return Verdict("True", Reason.CURRENT, "Spec and settings of the install are what the pod is made by.")
    return Verdict(
        "False",
        Reason.NEXT_START,
        f"The install's settings changed since it started. The next start brings: {'; '.join(pending)}. "
        "Restart it when it suits: nothing does so by itself.",
    )


def never_ran(pod: PodView | None) -> bool:
    """Is this a pod that waits for a node, an image or something it refers to, and has not run yet?"""
    if pod is None or pod.running or pod.started or pod.restarts or pod.last is not None:
        return False
    return pod.scheduled is False or pod.waiting_reason in IMAGE_REASONS | CONFIGURATION_REASONS
