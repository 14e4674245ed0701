"""Repeats of a launch: what `Idempotency-Key` makes of its name and labels, so that the second is the first. Pure.

Nothing is kept for it: the name is made from caller and key, so any replica makes the same one, and the API server
refuses the second. A label finds the workspace whatever it is called, and an annotation tells another launch from a
repeat. It holds for as long as the workspace is there.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from guildnet.errors import Conflict, FieldError, Invalid
from guildnet.names import ANNOTATION_LAUNCH, LABEL_LAUNCH, with_suffix
from guildnet_api.workspaces.spec import JobSpec

HEADER: Final = "Idempotency-Key"
MAX_KEY: Final = 255


@dataclass(frozen=True, slots=True)
class LaunchKey:
    """The key of one caller, and what it is launching with it."""

    digest: str
    """32 hex digits of caller and key."""
    fingerprint: str
    """32 hex digits of the job, which has secret values: keyed, so that nobody can try guesses of them on it."""

    def name(self, base: str, attempt: int) -> str:
        """The name of an attempt, the same for every repeat."""
        return with_suffix(base, lambda _: _digest(self.digest, str(attempt)))

    def marked(self, workspace: Mapping[str, Any]) -> dict[str, Any]:
        """The Workspace with what a repeat finds it by."""
        meta = workspace["metadata"]
        labels = {**meta["labels"], LABEL_LAUNCH: self.digest}
        annotations = {**meta["annotations"], ANNOTATION_LAUNCH: self.fingerprint}
        return {**workspace, "metadata": {**meta, "labels": labels, "annotations": annotations}}

    def made(self, workspace: Mapping[str, Any]) -> bool:
        """Whether a launch with this key made it. Raises Conflict where that one launched something else."""
        meta = workspace["metadata"]
        if (meta.get("labels") or {}).get(LABEL_LAUNCH) != self.digest:
            return False
        if (meta.get("annotations") or {}).get(ANNOTATION_LAUNCH) != self.fingerprint:
            raise Conflict(
                f"{HEADER} was used for another launch, of {meta['name']}; a new launch needs a new key.",
                code="key_reused",
            )
        return True


def launch_key(given: str | None, subject: str, job: JobSpec, secret: bytes) -> LaunchKey | None:
    """None without a key; `secret` is the install's. Raises Invalid for a key that cannot be taken."""
    if given is None:
        return None
    if not given.strip() or len(given) > MAX_KEY:
        reason = f"1 to {MAX_KEY} characters, as a UUID has"
        raise Invalid(f"The header {HEADER} is not valid.", code="invalid_query", details=(FieldError(HEADER, reason),))
    wanted = job.model_dump_json(exclude_none=True).encode("utf-8", "surrogatepass")
    return LaunchKey(_digest(subject, given), hmac.digest(secret, wanted, "sha256").hex()[:32])


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:32]
