"""`up`: takes over the cluster that is here, or makes one, and runs the steps that are missing."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from guildnet_local import down
from guildnet_local.build.pins import GROUPS
from guildnet_local.build.runner import end_all
from guildnet_local.machine import checkout, preflight
from guildnet_local.machine.journal import Journal
from guildnet_local.machine.lock import Holder, Owner, held, other_checkout, other_version
from guildnet_local.machine.process import Place, Processes, boot_id
from guildnet_local.machine.steps import Clock, StepError, run_steps
from guildnet_local.plan import WITHOUT_RELEASE, Plan
from guildnet_local.settings import LAYOUT, LocalError, Settings

Report = Callable[[str], None]
# What makes a cluster; when a half-dead one cannot be revived these are the steps that fail, and it is made anew.
CORE = frozenset({"namespaces", "certificates", "relays", "control plane", "containerd", "node"})


def version() -> str:
    """What a running cluster has to have been made by, for this program to take it over."""
    return f"{GROUPS['kubernetes'].version}, layout {LAYOUT}"


def owner_file(settings: Settings) -> Path:
    return settings.state / "cluster.json"


def holder(settings: Settings, command: str) -> Holder:
    return Holder(os.getpid(), command, str(settings.checkout), time.time())


def processes(settings: Settings) -> Processes:
    """The recorded programs, to look at or to stop."""
    return Processes(settings.processes, settings.logs, Place((), settings.netns, settings.mount_namespace))


@dataclass
class Up:
    """One run of `up`. `only` is one of `plan.PARTS`."""

    settings: Settings
    report: Report
    only: str = "all"
    built: set[str] = field(default_factory=set)
    clock: Clock = field(init=False)

    def __post_init__(self) -> None:
        began = self.settings.began
        self.clock = Clock(self.report) if began is None else Clock.since(self.report, began)
        if began is not None:
            self.clock.phases.append(("setup", self.clock.elapsed()))
        if self.settings.compiles_ahead:
            self.built.add("programs")

    def run(self) -> None:
        """Bring everything up. Raises LocalError or StepError."""
        settings = self.settings
        commit = checkout.state(settings.checkout)
        self._check_machine()
        with held(settings.lock, holder(settings, "up"), self.report):
            anew = not self.settings.state.exists()
            revived = self._adopt()
            try:
                self._steps()
            except StepError as problem:
                if not revived or problem.step not in CORE:
                    raise
                self.clock.say(f"what was left of the cluster cannot be revived ({problem}); making a new one …")
                self._remove()
                self._steps()
            owner = Owner.read(owner_file(settings))
            if owner is not None and self.only not in WITHOUT_RELEASE:
                owner.completed().write(owner_file(settings))
        facts = {"setup_included": settings.began is not None, **commit}
        self.clock.record(settings.times, kind_of_run(self.built, anew=anew), facts)

    def _check_machine(self) -> None:
        settings = self.settings
        relay = processes(settings).record("relay") if os.geteuid() == 0 else None
        ports = settings.ports
        wanted = () if relay is not None and relay.alive else (ports.api, ports.front, ports.socks)
        if found := preflight.complaints(preflight.look(settings, wanted), settings):
            raise LocalError("\n".join(found))

    def _adopt(self) -> bool:
        """Take over what is here, or clear it away. True when a cluster is here of which something has ended.

        Raises LocalError when it is another checkout's or another version's, and runs.
        """
        settings, owner = self.settings, Owner.read(owner_file(self.settings))
        records = processes(settings).all()
        alive = [record for record in records if record.alive]
        if owner is not None:
            if owner.checkout != str(settings.checkout):
                if alive and Path(owner.checkout).exists():
                    raise LocalError(other_checkout(owner))
                self._clear(f"removing the cluster of {owner.checkout}, which is gone or stopped …")
            elif owner.version != version():
                if alive:
                    raise LocalError(other_version(owner, version()))
                self._clear(f"removing what another version left ({owner.version}) …")
            elif owner.boot != boot_id():
                self._clear("the machine was restarted: removing what the cluster left …")
            elif len(alive) < len(records):
                ended = ", ".join(record.name for record in records if not record.alive)
                self.clock.say(f"reviving the cluster: ended were {ended}")
                return True
        elif settings.state.exists():
            self._clear("removing what an interrupted start left …")
        if not settings.state.exists():
            settings.state.mkdir(parents=True)
            Owner(str(settings.checkout), time.time(), version(), boot_id()).write(owner_file(settings))
        return bool(records) and not alive

    def _clear(self, why: str) -> None:
        self.clock.say(why)
        down.remove(self.settings, Journal(self.settings.journal), self.clock.say)

    def _remove(self) -> None:
        self._clear("removing it")
        self.settings.state.mkdir(parents=True)
        owner = Owner(str(self.settings.checkout), time.time(), version(), boot_id())
        owner.write(owner_file(self.settings))

    def _steps(self) -> None:
        journal = Journal(self.settings.journal)
        journal.intend("directory", path=str(self.settings.state))
        journal.intend("directory", path=str(self.settings.run))
        plan = Plan(self.settings, self.clock, self.only, self.built)
        run_steps(plan.steps(journal), self.clock, end_lanes=end_all)


def kind_of_run(built: set[str], *, anew: bool) -> str:
    """How a run is counted: `cold` (programs and images were built), `warm` (nothing was), `part` for all between.

    A run that found a cluster, or what was left of one, is `again`: its time says nothing about a whole start.
    """
    if not anew:
        return "again"
    return {0: "warm", 1: "part"}.get(len(built), "cold")
