"""What an operator of the install sees of a process: structured logs on stdout, health, metrics.

Values of environment variables, query strings and cookies are nobody's business here: callers do not log them.
"""

from __future__ import annotations

import asyncio
import inspect
import json
import logging
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, Literal

import structlog
from aiohttp import web
from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector
from prometheus_client.aiohttp import make_aiohttp_handler

from guildnet.names import RESERVED_PREFIX

logger: Any = structlog.get_logger()

Outcome = bool | str | None
Check = Callable[[], Outcome | Awaitable[Outcome]]
"""Healthy: None or True. Not: False, or a text that says what is missing. Raising counts as not healthy."""

# Without local variables: they hold whatever the process was just working on, tokens and cookies included.
_TRACEBACKS: Final = structlog.processors.ExceptionRenderer(
    structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
)
CHECK_TIMEOUT: Final = 2.0
"""Seconds one check may take; a kubelet probe gives up after a few."""


def configure_logging(service: str, level: str = "info", fmt: Literal["json", "console"] = "json") -> None:
    """Send structlog and standard logging to stdout as one stream, each line with time, level and service."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _with_service(service),
    ]
    threshold = logging.getLevelNamesMapping()[level.upper()]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(threshold),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    renderer: list[Any] = (
        [_TRACEBACKS, structlog.processors.JSONRenderer()]
        if fmt == "json"
        else [
            structlog.dev.ConsoleRenderer(colors=sys.stdout.isatty(), exception_formatter=structlog.dev.plain_traceback)
        ]
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.add_logger_name, structlog.stdlib.ExtraAdder()],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *renderer],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(threshold)


def log_fields(**fields: Any) -> None:
    """Every log line that is written in this context, and in those begun from it, has these fields too."""
    structlog.contextvars.bind_contextvars(**fields)


@dataclass(frozen=True, slots=True)
class Report:
    """The outcome of every check by name: None for healthy, else what is missing."""

    checks: Mapping[str, str | None]

    @property
    def ok(self) -> bool:
        return all(problem is None for problem in self.checks.values())

    def as_json(self) -> dict[str, Any]:
        """The body of /readyz."""
        return {
            "status": "ok" if self.ok else "unavailable",
            "checks": {
                name: {"ok": True} if problem is None else {"ok": False, "message": problem}
                for name, problem in self.checks.items()
            },
        }


class Health:
    """The named checks of a process. Readiness only: a process that answers at all is alive."""

    def __init__(self) -> None:
        self._checks: dict[str, Check] = {}

    def add(self, name: str, check: Check) -> None:
        """Register a check under a name that is not taken yet."""
        if name in self._checks:
            raise ValueError(f"there is already a check named {name}")
        self._checks[name] = check

    async def problem(self, name: str) -> str | None:
        """Run one check; raises KeyError where there is none of this name."""
        return await _problem(self._checks[name])

    async def report(self) -> Report:
        """Run every check at once, each within CHECK_TIMEOUT."""
        problems = await asyncio.gather(*(_problem(check) for check in self._checks.values()))
        return Report(dict(zip(self._checks, problems, strict=True)))


def make_registry() -> CollectorRegistry:
    """A registry of this process's own, with what Python and the operating system tell about it."""
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    GCCollector(registry=registry)
    return registry


@asynccontextmanager
async def serve_ops(
    port: int,
    health: Health,
    registry: CollectorRegistry | None = None,
    *,
    host: str = "0.0.0.0",
    path: Path | None = None,
    before_metrics: Callable[[], Awaitable[None]] | None = None,
) -> AsyncIterator[int]:
    """Serve /healthz, /readyz and /metrics while the block runs; yields the port, a free one for port 0.

    `/readyz/NAME` is one check alone, as with Kubernetes' own components. `path` is a Unix socket instead of host and
    port (yields 0); `before_metrics` is awaited before the registry is read.
    """
    metrics = make_registry() if registry is None else registry

    async def healthz(_: web.Request) -> web.Response:
        return web.Response(text="ok")

    async def readyz(_: web.Request) -> web.Response:
        report = await health.report()
        return web.json_response(report.as_json(), status=200 if report.ok else 503)

    async def one(request: web.Request) -> web.Response:
        try:
            problem = await health.problem(request.match_info["name"])
        except KeyError:
            return web.Response(status=404, text="There is no check of this name; /readyz has them all.\n")
        return web.Response(status=200 if problem is None else 503, text=f"{problem or 'ok'}\n")

    told = make_aiohttp_handler(metrics)

    async def measured(request: web.Request) -> web.StreamResponse:
        if before_metrics is not None:
            await before_metrics()
        return await told(request)

    app = web.Application()
    routes = {"/healthz": healthz, "/readyz": readyz, "/readyz/{name}": one, "/metrics": measured}
    app.add_routes([web.get(path, handler) for path, handler in routes.items()])
    runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=1.0)
    await runner.setup()
    try:
        await (web.TCPSite(runner, host, port) if path is None else web.UnixSite(runner, path)).start()
        yield int(runner.addresses[0][1]) if path is None else 0
    finally:
        await runner.cleanup()


async def _problem(check: Check) -> str | None:
    began = time.monotonic()
    try:
        async with asyncio.timeout(CHECK_TIMEOUT):
            outcome = check()
            if inspect.isawaitable(outcome):
                outcome = await outcome
    except TimeoutError:
        return f"no answer after {time.monotonic() - began:.0f} s"
    except Exception as error:  # noqa: BLE001  whatever a check raises, it is not healthy
        return str(error) or type(error).__name__
    if outcome is None or outcome is True:
        return None
    return outcome if isinstance(outcome, str) else "not ready"


def _with_service(service: str) -> Callable[[Any, str, Any], Any]:
    def add(_logger: Any, _method: str, event: Any) -> Any:
        return {"service": service, **event}

    return add


# ---- the operator's report ------------------------------------------------------------------------------------------

REPORT_ANNOTATION: Final = f"{RESERVED_PREFIX}operator-report"
"""On the Lease of the operator: what the one that leads says of itself by every renewal, for the api to tell."""


@dataclass(frozen=True, slots=True)
class OperatorReport:
    """As it was when the Lease was renewed last."""

    version: str
    queue_seconds: float
    """How long the Workspace that waits longest for a worker has waited."""
    watch_seconds: float
    """Since the API server last spoke, on the watch that is silent for longest; it sends a word every minute."""
    ports_left: int
    """Ports of the tailnet name that were never given to a workspace."""

    def annotations(self) -> dict[str, str]:
        return {REPORT_ANNOTATION: json.dumps(asdict(self))}


def read_report(lease: dict[str, Any]) -> OperatorReport | None:
    """The report on a Lease; None where there is none, or another version's."""
    text = ((lease.get("metadata") or {}).get("annotations") or {}).get(REPORT_ANNOTATION, "")
    try:
        found = json.loads(text)
        return OperatorReport(
            str(found["version"]),
            float(found["queue_seconds"]),
            float(found["watch_seconds"]),
            int(found["ports_left"]),
        )
    except (ValueError, KeyError, TypeError):
        return None
