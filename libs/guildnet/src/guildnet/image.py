"""Container image references: taken apart the way a container runtime reads them, and matched against an allow list.

`nginx` is `docker.io/library/nginx:latest` on both sides of a comparison, or an allow list for `nginx` would let
`nginx/anything` through. A reference that cannot be read matches nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

_DIGEST = re.compile(r"[a-z0-9]+(?:[+._-][a-z0-9]+)*:[0-9a-fA-F]{32,}")
_TAG = re.compile(r"[\w][\w.-]{0,127}", re.ASCII)
_SEGMENT = re.compile(r"[a-z0-9]+(?:(?:\.|_{1,2}|-+)[a-z0-9]+)*")
_HUB = "docker.io"
PATTERN: Final = (
    rf"(?:(?:[^/@]*[.:][^/@]*|localhost)/)?{_SEGMENT.pattern}(?:/{_SEGMENT.pattern})*"
    rf"(?::[A-Za-z0-9_][A-Za-z0-9_.-]{{0,127}})?(?:@{_DIGEST.pattern})?"
)
"""What `parse` reads, as one expression that ECMAScript has too: for documents and forms."""


@dataclass(frozen=True, slots=True)
class Reference:
    """`segments` starts with the registry; `tag` is empty when only a digest is given."""

    segments: tuple[str, ...]
    tag: str = ""
    digest: str = ""


def parse(text: str) -> Reference | None:
    """Read a whole image reference; None where a runtime would refuse it."""
    name, at, digest = text.partition("@")
    path, tag = _split_tag(name)
    if (at and not _DIGEST.fullmatch(digest)) or (tag is not None and not _TAG.fullmatch(tag)):
        return None
    segments = _normalised(path.split("/"))
    if segments is None:
        return None
    return Reference(segments, tag=tag or ("" if at else "latest"), digest=digest.lower())


def repository_has(image: str, *words: str) -> bool:
    """Does the image's repository, without registry, tag and digest, hold one of the words?"""
    reference = parse(image)
    repository = "/".join(reference.segments[1:]) if reference else image
    return any(word in repository for word in words)


def allows(pattern: str, text: str) -> bool:
    """Does an allow-list line cover this image?

    A line is a registry, or a repository prefix of whole segments (`ghcr.io/acme` covers `ghcr.io/acme/x`, not
    `ghcr.io/acmeevil`), or one repository with its tag or digest. A trailing slash marks a prefix: `jupyter/` is that
    organisation on Docker Hub, `jupyter` the official image. With a digest given a tag is decoration, so a line with a
    tag does not cover an image with a digest.
    """
    wanted = parse(text)
    if wanted is None:
        return False
    prefix = _prefix(pattern)
    if prefix is not None:
        return wanted.segments[: len(prefix)] == prefix
    exact = parse(pattern)
    if exact is None or exact.segments != wanted.segments:
        return False
    if exact.digest:
        return exact.digest == wanted.digest
    return not wanted.digest and exact.tag == wanted.tag


def _prefix(pattern: str) -> tuple[str, ...] | None:
    """The segments of a line without tag or digest; None for a line that names one."""
    if "@" in pattern:
        return None
    marked = pattern.endswith("/")
    path = pattern.rstrip("/")
    first, *rest = path.split("/")
    if not rest and ((marked and _is_registry(first)) or (not marked and ":" not in first and _is_registry(first))):
        return (first.lower(),)
    if _split_tag(path)[1] is not None:
        return None
    if marked and not rest:
        return (_HUB, first) if _SEGMENT.fullmatch(first) else None
    return _normalised([first, *rest])


def _split_tag(name: str) -> tuple[str, str | None]:
    head, slash, last = name.rpartition("/")
    repository, colon, tag = last.partition(":")
    return f"{head}{slash}{repository}", tag if colon else None


def _is_registry(segment: str) -> bool:
    return "." in segment or ":" in segment or segment == "localhost"


def _normalised(parts: list[str]) -> tuple[str, ...] | None:
    if len(parts) > 1 and _is_registry(parts[0]):
        registry, path = parts[0].lower(), parts[1:]
    else:
        registry, path = _HUB, parts
    if registry == "index.docker.io":
        registry = _HUB
    if registry == _HUB and len(path) == 1 and path[0] != "library":
        path = ["library", *path]
    if not all(_SEGMENT.fullmatch(part) for part in path):
        return None
    return (registry, *path)
