"""Every name that more than one service or person relies on: group, labels, annotations, and how names are made.

Promises: a made name is a DNS-1035 label (so that a Service can carry it) of at most 63 characters; the label of a
workspace's own origin is a DNS label of at most 63 characters that no later workspace of the same name repeats.
It refuses nothing: any text gives some valid name.
"""

from __future__ import annotations

import re
import secrets
import unicodedata
from collections.abc import Callable
from typing import Final

GROUP: Final = "guildnet.io"
VERSION: Final = "v1alpha1"
API_VERSION: Final = f"{GROUP}/{VERSION}"
WORKSPACES: Final = "workspaces"
CAPABILITIES: Final = "capabilities"

LABEL_MANAGED: Final = "guildnet.io/managed"
LABEL_ID: Final = "guildnet.io/id"
LABEL_WORKSPACE: Final = "guildnet.io/workspace"
LABEL_WORKSPACE_UID: Final = "guildnet.io/workspace-uid"
"""On pods: which Workspace of that name. The pods of a deleted one may outlive it by seconds and must not pass for its
successor's."""
LABEL_LAUNCH: Final = "guildnet.io/launch"
"""On a Workspace that was launched with an Idempotency-Key: a digest of caller and key."""
ANNOTATION_LAUNCH: Final = "guildnet.io/launch-fingerprint"
"""Beside it: a digest of what was launched."""
ANNOTATION_OWNER: Final = "guildnet.io/owner"
ANNOTATION_LAUNCH_RULE: Final = "guildnet.io/launch-rule"
"""The rule that let it be launched, `capability/NAME` or another: which limit it counts against."""
ANNOTATION_LAST_CHANGED_BY: Final = "guildnet.io/last-changed-by"
"""The subject of the last change through the api."""
ANNOTATION_TRACEPARENT: Final = "guildnet.io/traceparent"
"""Beside it, while traces are on: the span of that change (W3C Trace Context), which the operator goes on from."""
ANNOTATION_RESTARTED_AT: Final = "guildnet.io/restarted-at"
ANNOTATION_HASH: Final = "guildnet.io/desired-hash"
ANNOTATION_SETTINGS: Final = "guildnet.io/pod-settings"
"""On a Deployment: the settings of the install that its pod template was made by."""
ANNOTATION_TEMPLATE: Final = "guildnet.io/template-hash"
"""On a Deployment: hash of the pod template as it was planned."""
RESERVED_PREFIX: Final = "guildnet.io/"
"""Labels and annotations below this prefix (and its subdomains) are the product's own: users cannot set them."""

FIELD_MANAGER_OPERATOR: Final = "guildnet-operator"
FIELD_MANAGER_API: Final = "guildnet-api"

MAX_NAME: Final = 63
SUFFIX_HEX: Final = 5
CLAIM_SUFFIX: Final = "-storage"
EXPOSURE_SUFFIX: Final = "-exposure"
ATTEMPTS: Final = 10
"""How often a colliding name is tried again with a new suffix before the launch is refused."""
FALLBACK: Final = "workload"
DNS_1035_LABEL: Final = re.compile(r"[a-z](?:[-a-z0-9]{0,61}[a-z0-9])?")

_DROPPED = re.compile(r"[^a-z0-9\-_\s]")
_DASHES = re.compile(r"[-_\s]+")
_LABEL_NAME = 54
_LABEL_UID = 8
_PORT_LABEL_NAME = 48
"""What of the name has a place beside five digits, a uid's eight and two dashes."""


def slug(text: str) -> str:
    """`My App` → `my-app`, `Über` → `uber`; empty where no letter, digit or separator of the text survives."""
    plain = unicodedata.normalize("NFKD", text).lower().replace("ß", "ss")
    return _DASHES.sub("-", _DROPPED.sub("", plain)).strip("-")


def image_name(image: str) -> str:
    """The last segment of an image reference without tag or digest: `ghcr.io/a/Code_Server:4` → `Code_Server`."""
    return image.partition("@")[0].rsplit("/", 1)[-1].partition(":")[0]


def base_name(name: str | None, image: str) -> str:
    """The part of a workspace's name before its suffix: from the given name, else from the image, else `workload`."""
    base = slug(name or "") or slug(image_name(image)) or FALLBACK
    # A Service name must start with a letter; a prefix keeps what the user wrote recognisable, cutting would not.
    return base if base[0].isalpha() else f"ws-{base}"


def with_suffix(base: str, rng: Callable[[int], str] = secrets.token_hex) -> str:
    """`base-` and five random hex digits, the base cut so that all of it fits 63. `rng(n)` gives 2n hex digits."""
    cut = base[: MAX_NAME - SUFFIX_HEX - 1].rstrip("-")
    return f"{cut}-{rng((SUFFIX_HEX + 1) // 2)[:SUFFIX_HEX]}"


def origin_label(name: str, uid: str, port: int | None = None) -> str:
    """The DNS label of a workspace's own origin: unique to this uid, so a name used again is a new browser origin.

    With `port` that of another port than the first. It begins with a digit, as no name of a workspace does, and the
    digits end at the first dash: it is no other workspace's label and no other port's.
    """
    if port is not None:
        return f"{port}-{name[:_PORT_LABEL_NAME]}-{uid[:_LABEL_UID]}"
    return f"{name[:_LABEL_NAME]}-{uid[:_LABEL_UID]}"


def claim_name(workspace: str) -> str:
    """The PersistentVolumeClaim of a workspace; the suffix keeps it apart from what people name themselves."""
    return f"{workspace}{CLAIM_SUFFIX}"


def workspace_of_claim(claim: str) -> str | None:
    """The workspace whose claim would have this name; None for a name without the suffix."""
    return claim.removesuffix(CLAIM_SUFFIX) if claim.endswith(CLAIM_SUFFIX) and claim != CLAIM_SUFFIX else None


def exposure_policy_name(workspace: str) -> str:
    """The NetworkPolicy that lets in who reaches a workspace past the proxy."""
    return f"{workspace}{EXPOSURE_SUFFIX}"


def workspace_of_exposure_policy(name: str) -> str | None:
    """The workspace whose policy would have this name; None for a name without the suffix."""
    return (name.removesuffix(EXPOSURE_SUFFIX) or None) if name.endswith(EXPOSURE_SUFFIX) else None


def is_reserved(key: str) -> bool:
    """Is this label or annotation key the product's own (`guildnet.io/…`, `x.guildnet.io/…`)?"""
    prefix, slash, _ = key.partition("/")
    return bool(slash) and (prefix == GROUP or prefix.endswith(f".{GROUP}"))
