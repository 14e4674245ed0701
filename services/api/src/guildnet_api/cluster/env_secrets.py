"""Removal of the Secrets that hold a workspace's secret env values, once nothing refers to them any more."""

from __future__ import annotations

from collections.abc import Iterable

import structlog

from guildnet.errors import GuildNetError
from guildnet.kube.client import Client
from guildnet.kube.resources import SECRETS, path
from guildnet.names import LABEL_ID, LABEL_MANAGED

log = structlog.get_logger(__name__)


async def remove(client: Client, namespace: str, workspace: str, names: Iterable[str]) -> None:
    """Remove Secrets of these names that the api made for this workspace; others of the name stay.

    By label, in one request each: the api may not read Secrets. A failure is logged and nothing more, for the Secret
    goes with its workspace in the end.
    """
    for name in names:
        query = {
            "labelSelector": f"{LABEL_MANAGED}=true,{LABEL_ID}={workspace}",
            "fieldSelector": f"metadata.name={name}",
        }
        try:
            await client.request("DELETE", path(SECRETS, namespace), query=query)
        except GuildNetError as error:
            log.warning("old secret not removed", secret=name, error=error.message)
