"""Log lines from the kubelet, through the API server's pod log."""

from __future__ import annotations

import calendar
import re
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Protocol

from guildnet.kube.client import Client
from guildnet.kube.lines import LineSplitter, SheddingSplitter
from guildnet.kube.resources import PODS, path
from guildnet_api.logs.model import NS_PER_SECOND, Run

FOLLOW_IDLE_SECONDS: Final = 300.0
"""A followed stream that is silent for so long is opened again: a dead connection looks the same."""
READ_IDLE_SECONDS: Final = 30.0
"""Silence after which a stream that is not followed has failed."""
BURST_SECONDS: Final = 4
"""Seconds' worth of the rate that may come at once: what was written while a stream was being opened again."""
REMOVED: Final = b"unable to retrieve container logs for "
"""What a kubelet sends instead of a log that it has removed with its container, as if it were a line of it."""
_TIMESTAMPED: Final = re.compile(
    rb"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d) ?(.*)", re.DOTALL
)


def parse_kube_line(raw: bytes) -> tuple[int, bytes]:
    """`2026-11-23T10:00:00.123456789Z text` as (Unix nanoseconds, text); (0, raw) where there is no such time."""
    found = _TIMESTAMPED.fullmatch(raw.removesuffix(b"\n"))
    if found is None:
        return 0, raw.removesuffix(b"\n")
    *date, fraction, zone, text = found.groups()
    seconds = calendar.timegm(tuple(int(part) for part in date))
    if zone != b"Z":
        offset = int(zone[1:3]) * 3600 + int(zone[4:6]) * 60
        seconds -= offset if zone.startswith(b"+") else -offset
    return seconds * NS_PER_SECOND + int((fraction or b"0").ljust(9, b"0")), text


@dataclass(frozen=True, slots=True)
class Options:
    """What to read: the last `tail` lines not before `since_ns` (Kubernetes knows whole seconds), and then new ones.

    `previous` reads the run before the kubelet's present one; which that is of a `Run` is for RunLogs to say.
    """

    follow: bool = False
    since_ns: int = 0
    tail: int | None = None
    previous: bool = False


class LogSource(Protocol):
    """A reader of container logs."""

    def open(self, run: Run, options: Options) -> AsyncGenerator[bytes, None]:
        """Lines as `RFC 3339 time, space, text`, without line feeds, or a `Shed`. Raises guildnet.errors."""
        ...


class KubeletLogs:
    """The logs of the pods of one namespace."""

    def __init__(self, client: Client, namespace: str, max_line_bytes: int, bytes_per_second: int) -> None:
        """Longer lines come cut; what is followed comes at `bytes_per_second` at most, the rest as `Shed`."""
        self._client = client
        self._namespace = namespace
        self._max_line_bytes = max_line_bytes
        self._bytes_per_second = bytes_per_second

    def _splitter(self, options: Options) -> LineSplitter:
        if not options.follow:
            return LineSplitter(self._max_line_bytes)
        burst_bytes = BURST_SECONDS * self._bytes_per_second
        return SheddingSplitter(self._max_line_bytes, self._bytes_per_second, burst_bytes)

    async def open(self, run: Run, options: Options) -> AsyncGenerator[bytes, None]:
        query: dict[str, str | int | bool | None] = {
            "container": run.container,
            "timestamps": True,
            "follow": options.follow or None,
            "previous": options.previous or None,
            "tailLines": options.tail,
            "sinceTime": _whole_seconds(options.since_ns) if options.since_ns else None,
        }
        stream = self._client.stream(
            path(PODS, self._namespace, run.pod, "log"),
            query,
            idle=FOLLOW_IDLE_SECONDS if options.follow else READ_IDLE_SECONDS,
            splitter=self._splitter(options),
        )
        # The connection is given back at once when the reader stops, not when the collector finds the generator.
        async with aclosing(stream) as lines:
            async for line in lines:
                yield line


def _whole_seconds(time_ns: int) -> str:
    return datetime.fromtimestamp(time_ns // NS_PER_SECOND, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
