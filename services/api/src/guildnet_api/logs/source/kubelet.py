"""Where lines come from: the kubelet, through the API server's pod log."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Protocol

from guildnet.kube.client import Client
from guildnet.kube.lines import LineSplitter, Shed, SheddingSplitter
from guildnet.kube.resources import PODS, path
from guildnet_api.logs.records import Run

STALL_SECONDS: Final = 300.0  # a silent stream is opened again: a dead connection looks the same
READ_SECONDS: Final = 30.0
BURST_SECONDS: Final = 4
"""Seconds' worth of the rate that may come at once: what was written while a stream was being opened again."""

__all__ = ["KubeLogs", "LogSource", "Options", "Shed"]


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
        """Lines as `RFC 3339 time, space, text`, without line feeds, or a `Shed`. Raises guildnet.errors."""
        ...


class KubeLogs:
    """The pods of one namespace. Lines over `max_line` bytes come cut; what is followed, at `rate` bytes a second."""

    def __init__(self, client: Client, namespace: str, max_line: int, rate: int) -> None:
        self._client = client
        self._namespace = namespace
        self._max_line = max_line
        self._rate = rate

    def _splitter(self, options: Options) -> LineSplitter:
        if not options.follow:
            return LineSplitter(self._max_line)
        return SheddingSplitter(self._max_line, self._rate, BURST_SECONDS * self._rate)

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
            splitter=self._splitter(options),
        )
        # The connection is given back at once when the reader stops, not when the collector finds the generator.
        async with aclosing(stream) as lines:
            async for line in lines:
                yield line


def _seconds(time_ns: int) -> str:
    return datetime.fromtimestamp(time_ns // 1_000_000_000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
