"""What fails under a person who uses the web interface, and how the page has to say so."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Final

from playwright.sync_api import BrowserContext

from proofs.interface.relay import Relay
from support.local import RELEASE_NAMESPACE, Local


@dataclass(frozen=True, slots=True)
class Stage:
    """What there is to break."""

    local: Local
    relay: Relay
    context: BrowserContext


@dataclass(frozen=True, slots=True)
class Outage:
    """One thing that is away for a while, and what the pages have to say of it; texts are regular expressions."""

    what: str
    seconds: float
    away: Callable[[Stage], AbstractContextManager[None]]
    chip: str
    """What the head of every page says of the connection."""
    log: str
    """What the page of the log says somewhere."""
    launch: str
    """What a launch meanwhile is answered on its page; "" where one would succeed."""
    health: str = ""
    """What the page of health says."""
    quick: bool = False


@contextmanager
def scaled(stage: Stage, component: str) -> Iterator[None]:
    """No pod of the component, and all of them again afterwards."""
    kubectl, name = stage.local.kubectl, f"deployment/guildnet-{component}"
    many = kubectl("-n", RELEASE_NAMESPACE, "get", name, "-o", "jsonpath={.spec.replicas}")
    try:
        kubectl("-n", RELEASE_NAMESPACE, "scale", name, "--replicas=0")
        label = f"app.kubernetes.io/component={component}"
        kubectl("-n", RELEASE_NAMESPACE, "wait", "--for=delete", "pod", "-l", label, "--timeout=60s")
        yield
    finally:
        kubectl("-n", RELEASE_NAMESPACE, "scale", name, f"--replicas={many}")
        kubectl("-n", RELEASE_NAMESPACE, "rollout", "status", name, "--timeout=120s", timeout=130)


@contextmanager
def offline(stage: Stage) -> Iterator[None]:
    """New requests of the pages fail at once; streams that are open go on, and so does the worker of the list."""
    stage.context.set_offline(True)
    try:
        yield
    finally:
        stage.context.set_offline(False)


OUTAGES: Final = (
    Outage(
        "api scaled to none",
        40,
        lambda stage: scaled(stage, "api"),
        chip="Reconnecting|Last heard",
        log="Connection lost",
        launch="GuildNet's API (is away|went away|does not answer)",
        quick=True,
    ),
    Outage(
        "Redis scaled to none",
        30,
        lambda stage: scaled(stage, "valkey"),
        chip="Live",
        log="Live",
        launch="",
        health="Redis is not well",
    ),
    Outage(
        "network cut, as the browser notices",
        60,
        offline,
        chip="Live|Reconnecting|Last heard",
        log="What you see may be old",
        launch="cannot be reached",
    ),
    Outage(
        "network cut without a word",
        60,
        lambda stage: stage.relay.black_hole(),
        chip="Last heard",
        log="Nothing heard for 30 s",
        launch="did not answer within 20 seconds",
    ),
)
