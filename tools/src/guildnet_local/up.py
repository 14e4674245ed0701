"""`up`: takes over the cluster that is here, or makes one, and runs the steps that are missing."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

from guildnet_local import down, images
from guildnet_local.build import programs
from guildnet_local.build.pins import GROUPS, pinned_version
from guildnet_local.cluster import tailnet
from guildnet_local.cluster.bootstrap import KUBERNETES_PROGRAMS, Cluster
from guildnet_local.cluster.containerd import Imported, Runtime, aliases
from guildnet_local.images import Image
from guildnet_local.machine import preflight
from guildnet_local.machine.journal import Journal
from guildnet_local.machine.lock import Holder, Owner, held, other_checkout, other_version
from guildnet_local.machine.process import Place, Processes, boot_id
from guildnet_local.machine.steps import Clock, Step, StepError, run_steps
from guildnet_local.machine.waiting import until
from guildnet_local.release import helm, reachable, rollout
from guildnet_local.release.values import COMPONENTS, local_values
from guildnet_local.settings import LAYOUT, NODE_IP, LocalError, Settings

Report = Callable[[str], None]
CLUSTER_IMAGES = ("pause", "coredns")
RELEASE_IMAGES = (*COMPONENTS, "tailscale")
WORKSPACE_IMAGES = ("jupyterlab", "busybox")
# What makes a cluster; when a half-dead one cannot be revived these are the steps that fail, and it is made anew.
CORE = frozenset({"namespaces", "certificates", "relays", "control plane", "containerd", "node"})


def version() -> str:
    """What a running cluster has to have been made by, for this program to take it over."""
    kubernetes = GROUPS["kubernetes"]
    return f"{pinned_version((kubernetes.directory / 'go.mod').read_text(), kubernetes.module)}, layout {LAYOUT}"


def chart_version(settings: Settings) -> str:
    chart = yaml.safe_load((settings.chart / "Chart.yaml").read_text())
    return str(chart["appVersion"])


def owner_file(settings: Settings) -> Path:
    return settings.state / "cluster.json"


def holder(settings: Settings, command: str) -> Holder:
    return Holder(os.getpid(), command, str(settings.checkout), time.time())


def processes(settings: Settings) -> Processes:
    """The recorded programs, to look at or to stop."""
    return Processes(settings.processes, settings.logs, Place((), settings.netns, settings.mount_namespace))


@dataclass
class Up:
    """One run of `up`. `only` is `cluster`, `chart` or `all`."""

    settings: Settings
    report: Report
    only: str = "all"
    built: set[str] = field(default_factory=set)
    refs: dict[str, Image] = field(default_factory=dict)
    clock: Clock = field(init=False)
    values: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.clock = Clock(self.report)

    def run(self) -> None:
        """Bring everything up. Raises LocalError or StepError."""
        settings = self.settings
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
            if owner is not None and self.only != "cluster":
                owner.completed().write(owner_file(settings))
        self.clock.record(settings.times, kind_of_run(self.built, anew=anew))

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

    # ---- the steps ----

    def _steps(self) -> None:
        journal = Journal(self.settings.journal)
        journal.intend("directory", path=str(self.settings.state))
        journal.intend("directory", path=str(self.settings.run))
        wanted: tuple[str, ...] = (*KUBERNETES_PROGRAMS, "etcd")
        if self.only != "cluster":
            wanted = (*wanted, "helm", *tailnet.PROGRAMS)
        started = time.monotonic()
        built = programs.ensure(wanted, report=self._building("programs"))
        self.clock.phases.append(("programs", time.monotonic() - started))
        run_steps(self._plan(Cluster(self.settings, journal, built)), self.clock)

    def _plan(self, cluster: Cluster) -> list[Step]:
        add = self._importer()
        steps = [
            Step("namespaces", cluster.make_namespaces),
            Step("certificates", cluster.make_certificates),
            Step("relays", cluster.open_relays, ("namespaces",)),
            Step("control plane", cluster.start_control_plane, ("namespaces", "certificates", "relays")),
            Step("containerd", cluster.start_runtime, ("namespaces",)),
            self._build("cluster images", CLUSTER_IMAGES),
            Step("cluster images imported", lambda: add(CLUSTER_IMAGES), ("cluster images", "containerd")),
            Step("node", cluster.start_node, ("control plane", "cluster images imported")),
            Step(
                "DNS applied", lambda: cluster.apply_dns(self.refs["coredns"].ref), ("control plane", "cluster images")
            ),
            Step("DNS", cluster.await_dns, ("DNS applied", "node")),
        ]
        if self.only != "cluster":
            steps += self._release_steps(cluster, add)
        if self.only == "all":
            steps += self._workspace_steps(cluster, add)
        return steps

    def _release_steps(self, cluster: Cluster, add: Callable[[Iterable[str]], str]) -> list[Step]:
        release = helm.Helm(cluster.programs["helm"], cluster.kubectl)

        def upgrade() -> str:
            self.values = release_values(self.settings, {name: image.ref for name, image in self.refs.items()})
            (self.settings.config / "values.yaml").write_text(yaml.safe_dump(self.values, sort_keys=False))
            return release.upgrade(self.settings.chart, self.values)

        def rolled_out() -> None:
            rollout.await_rollout(cluster.kubectl, self.clock.say)
            until(lambda: reachable.front_door_answers(self.settings.ports.front), "the front door answers", seconds=30)

        def opened() -> str:
            where, ca = tailnet.url(), tailnet.root_certificate(self.settings.tailnet)
            host = str(urlsplit(where).hostname)
            until(
                lambda: reachable.tailnet_answers(self.settings.ports.socks, host, ca), f"{where} answers", seconds=90
            )
            return where

        return [
            Step("tailnet", cluster.start_tailnet, ("namespaces",)),
            self._build("images", RELEASE_IMAGES, ("cluster images",)),
            Step("images imported", lambda: add(RELEASE_IMAGES), ("images", "cluster images imported")),
            Step("chart", upgrade, ("control plane", "images imported", "tailnet")),
            Step("GuildNet", rolled_out, ("chart", "node", "DNS applied")),
            Step("tailnet entry", opened, ("GuildNet",)),
        ]

    def _workspace_steps(self, cluster: Cluster, add: Callable[[Iterable[str]], str]) -> list[Step]:
        example = self.settings.checkout / rollout.EXAMPLE

        def launch() -> str:
            return rollout.apply_example(cluster.kubectl, example)

        def await_ready() -> str:
            return rollout.await_workspace(cluster.kubectl, rollout.example_name(example), self.clock.say)

        return [
            self._build("workspace images", WORKSPACE_IMAGES, ("images",)),
            Step("workspace images imported", lambda: add(WORKSPACE_IMAGES), ("workspace images", "images imported")),
            Step("workspace applied", launch, ("chart", "node", "workspace images imported")),
            Step("workspace", await_ready, ("workspace applied", "GuildNet")),
        ]

    def _build(self, name: str, names: tuple[str, ...], needs: tuple[str, ...] = ()) -> Step:
        def build() -> None:
            self.refs |= images.ensure(names, report=self._building("images"))

        return Step(name, build, needs, foreground=True)

    def _importer(self) -> Callable[[Iterable[str]], str]:
        runtime, tag = Runtime(self.settings), chart_version(self.settings)

        def add(names: Iterable[str]) -> str:
            wanted = [imported(self.refs[name], tag) for name in names]
            new = [image.name for image in wanted if runtime.add(image)]
            return ", ".join(new) or "all there"

        return add

    def _building(self, what: str) -> Report:
        """A report that also notes that programs or images had to be built."""

        def say(line: str) -> None:
            self.built.add(what)
            self.clock.say(line)

        return say


def kind_of_run(built: set[str], *, anew: bool) -> str:
    """How a run is counted: `cold` (programs and images were built), `warm` (nothing was), `part` for all between.

    A run that found a cluster, or what was left of one, is `again`: its time says nothing about a whole start.
    """
    if not anew:
        return "again"
    return {0: "warm", 1: "part"}.get(len(built), "cold")


def imported(image: Image, tag: str) -> Imported:
    return Imported(image.name, image.ref, image.archive, aliases(image.name, tag))


def release_values(settings: Settings, refs: Mapping[str, str]) -> dict[str, Any]:
    """The chart's values on this cluster, whose tailnet has been started."""
    return local_values(refs, settings.origin, tailnet.helm_values(settings.tailnet, NODE_IP))
