"""A complete list, page by page, also where it takes longer than the API server keeps its pages."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Final

from guildnet.errors import Gone
from guildnet.kube.client import Client
from guildnet.kube.requests import Json
from guildnet.kube.resources import Resource

PAGE_OBJECTS: Final = 500


@dataclass(frozen=True, slots=True)
class Page:
    """Part of a list. All pages of one list are of one version."""

    items: list[Json]
    version: str
    """`metadata.resourceVersion` of the list; empty where the API server named none."""
    first: bool
    """The list begins here: what pages before this one brought belongs to a list that was given up."""


async def pages(
    client: Client,
    resource: Resource,
    namespace: str | None = None,
    *,
    label_selector: str | None = None,
    field_selector: str | None = None,
    limit: int | None = PAGE_OBJECTS,
) -> AsyncGenerator[Page, None]:
    """The pages of one collection; after a 410 from the first again, all in one piece.

    Raises what `Client.list` does, Gone only where even the list in one piece was refused.
    """
    token: str | None = None
    while True:
        try:
            page = await client.list(
                resource,
                namespace,
                label_selector=label_selector,
                field_selector=field_selector,
                limit=limit,
                continue_=token,
            )
        except Gone:
            if limit is None:
                raise
            limit = token = None
            continue
        metadata = page.get("metadata") or {}
        yield Page(page.get("items") or [], str(metadata.get("resourceVersion") or ""), first=token is None)
        token = metadata.get("continue") or None
        if token is None:
            return
