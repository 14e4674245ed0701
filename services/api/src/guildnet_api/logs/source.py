"""Where lines come from: the kubelet, through the API server's pod log."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Protocol

from guildnet.kube.client import Client
from guildnet.kube.resources import PODS, path
from guildnet_api.logs.records import Run

STALL_SECONDS: Final = 300.0  # a silent stream is opened again: a dead connection looks the same
READ_SECONDS: Final = 30.0


@dataclass(frozen=True, slots=True)
class Options:
    """What to read: the last `tail` lines not before `since_ns` (Kubernetes knows whole seconds), and then new ones."""

    follow: bool = False
    since_ns: int = 0
    tail: int | None = None
    previous: bool = False


class LogSource(Protocol):
    """A reader of container logs."""

    def open(self, run: Run, options: Options) -> AsyncGenerator[bytes, None]:
        """Lines as `RFC 3339 time, space, text`, without line feeds. Raises guildnet.errors."""
        ...


class KubeLogs:
    """The pods of one namespace. Lines over `max_line` bytes come cut."""

    def __init__(self, client: Client, namespace: str, max_line: int) -> None:
        self._client = client
        self._namespace = namespace
        self._max_line = max_line

    async def open(self, run: Run, options: Options) -> AsyncGenerator[bytes, None]:
        query: dict[str, str | int | bool | None] = {
            "container": run.container,
            "timestamps": True,
            "follow": options.follow or None,
            "previous": options.previous or None,
            "tailLines": options.tail,
            "sinceTime": _seconds(options.since_ns) if options.since_ns else None,
        }
        stream = self._client.stream(
            path(PODS, self._namespace, run.pod, "log"),
            query,
            idle=STALL_SECONDS if options.follow else READ_SECONDS,
            max_line=self._max_line,
        )
        # The connection is given back at once when the reader stops, not when the collector finds the generator.
        async with aclosing(stream) as lines:
            async for line in lines:
                yield line


def _seconds(time_ns: int) -> str:
    return datetime.fromtimestamp(time_ns // 1_000_000_000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
