"""The steps of an `up`, what each needs, and which wait for compilers and builders.

A start is bound by the compilers. So they run from the beginning, in an order in which the cluster can start while
later programs are being compiled, and beside them the images, which mostly wait for the network; but for the proxy's,
whose data path keeps a C compiler busy, and which therefore is made beside the others.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

from guildnet_local import images
from guildnet_local.build import programs
from guildnet_local.cluster import storage, tailnet
from guildnet_local.cluster.bootstrap import Cluster
from guildnet_local.cluster.containerd import Imported, Runtime, aliases
from guildnet_local.images import Image
from guildnet_local.machine.journal import Journal
from guildnet_local.machine.steps import Clock, Step
from guildnet_local.machine.waiting import until
from guildnet_local.release import helm, reachable, rollout
from guildnet_local.release.values import COMPONENTS, local_values, offered
from guildnet_local.settings import NODE_IP, Settings

# What an `up` can stop after: Kubernetes, with the test tailnet, with GuildNet, with the example workspace.
PARTS = ("cluster", "tailnet", "chart", "all")
WITHOUT_RELEASE = frozenset({"cluster", "tailnet"})
CONTROL_PLANE = ("etcd", "kubernetes")
CLUSTER_IMAGES = ("pause", "coredns")
# The first of the release's makes the bases and layers that others share.
API_IMAGES = ("api",)
PROXY_IMAGES = ("proxy",)
OTHER_IMAGES = tuple(name for name in COMPONENTS if name not in {*API_IMAGES, *PROXY_IMAGES})
TAILNET_IMAGES = ("tailscale",)
WORKSPACE_IMAGES = ("jupyterlab", "busybox")
STORAGE_PROGRAM = "local-path-provisioner"
STORAGE_IMAGES = (STORAGE_PROGRAM,)


@dataclass
class Plan:
    """The steps of one `up`. `only` is one of PARTS; `built` collects what had to be built."""

    settings: Settings
    clock: Clock
    only: str = "all"
    built: set[str] = field(default_factory=set)
    refs: dict[str, Image] = field(default_factory=dict)
    programs: dict[str, Path] = field(default_factory=dict)
    values: dict[str, Any] = field(default_factory=dict)

    def steps(self, journal: Journal) -> list[Step]:
        cluster = Cluster(self.settings, journal, self.programs)
        steps = self._cluster_steps(cluster)
        if self.only != "cluster":
            steps += self._tailnet_steps(cluster)
        if self.only not in WITHOUT_RELEASE:
            steps += self._release_steps(cluster)
        if self.only == "all":
            steps += [*self._workspace_steps(cluster), *self._storage_steps(cluster)]
        return steps

    def _cluster_steps(self, cluster: Cluster) -> list[Step]:
        return [
            self._compile("Kubernetes", CONTROL_PLANE),
            self._compile("CoreDNS", ("coredns",), after=("Kubernetes",)),
            Step("namespaces", cluster.make_namespaces),
            Step("certificates", cluster.make_certificates),
            Step("relays", cluster.open_relays, ("namespaces",)),
            Step("control plane", cluster.start_control_plane, ("namespaces", "certificates", "relays", "Kubernetes")),
            Step("containerd", cluster.start_runtime, ("namespaces",)),
            *self._images("cluster images", CLUSTER_IMAGES, ("CoreDNS",)),
            Step("node", cluster.start_node, ("control plane", "cluster images imported")),
            Step(
                "DNS applied", lambda: cluster.apply_dns(self.refs["coredns"].ref), ("control plane", "cluster images")
            ),
            Step("DNS", cluster.await_dns, ("DNS applied", "node")),
        ]

    def _tailnet_steps(self, cluster: Cluster) -> list[Step]:
        return [
            self._compile("Tailscale", ("tailnet",), after=("CoreDNS",)),
            Step("tailnet", cluster.start_tailnet, ("namespaces", "Tailscale")),
        ]

    def _release_steps(self, cluster: Cluster) -> list[Step]:
        def upgrade() -> str:
            self.values = release_values(self.settings, {name: image.ref for name, image in self.refs.items()})
            coming = WORKSPACE_IMAGES if self.only == "all" else ()
            self.values["presets"] = presets(self.settings, {*coming, *Runtime(self.settings).names()})
            (self.settings.config / "values.yaml").write_text(yaml.safe_dump(self.values, sort_keys=False))
            return helm.Helm(self.programs["helm"], cluster.kubectl).upgrade(self.settings.chart, self.values)

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

        made = [
            *self._images("api image", API_IMAGES, self._cluster_images_first()),
            *self._images("proxy image", PROXY_IMAGES, ("api image",), lane="proxy"),
            *self._images("images", OTHER_IMAGES, ("api image",)),
            *self._images("tailnet image", TAILNET_IMAGES, ("Tailscale",)),
        ]
        return [
            # Helm is compiled last, so that the storage's image is made and unpacked meanwhile.
            *([self._compile(STORAGE_PROGRAM, (STORAGE_PROGRAM,), after=("Tailscale",))] if self.only == "all" else []),
            self._compile("Helm", ("helm",), after=("Tailscale",)),
            *made,
            Step("chart", upgrade, ("control plane", *(step.name for step in made), "tailnet", "Helm")),
            Step("GuildNet", rolled_out, ("chart", "node", "DNS applied")),
            Step("tailnet entry", opened, ("GuildNet",)),
        ]

    def _workspace_steps(self, cluster: Cluster) -> list[Step]:
        example = self.settings.checkout / rollout.EXAMPLE

        def launch() -> str:
            return rollout.apply_example(cluster.kubectl, example)

        def await_ready() -> str:
            return rollout.await_workspace(cluster.kubectl, rollout.example_name(example), self.clock.say)

        return [
            *self._images("workspace images", WORKSPACE_IMAGES, ("api image",)),
            Step("workspace applied", launch, ("chart", "node", "workspace images imported")),
            Step("workspace", await_ready, ("workspace applied", "GuildNet")),
        ]

    def _storage_steps(self, cluster: Cluster) -> list[Step]:
        """Beside the rest, as the example needs no volume."""

        def apply() -> None:
            image, helper = (self.refs[name].ref for name in (*STORAGE_IMAGES, "busybox"))
            cluster.kubectl.apply(storage.manifests(image, helper, self.settings.volumes))

        return [
            *self._images("storage image", STORAGE_IMAGES, (STORAGE_PROGRAM,)),
            # A kubelet that does not find an image looks again after ten seconds.
            Step("storage applied", apply, ("control plane", "storage image imported", "workspace images imported")),
            Step("storage", cluster.await_storage, ("storage applied", "node")),
        ]

    def _cluster_images_first(self) -> tuple[str, ...]:
        """Nothing starts without the cluster's images, so they come first; unless they wait for a compiler."""
        return () if programs.missing(("coredns",)) else ("cluster images",)

    def _compile(self, name: str, wanted: tuple[str, ...], after: tuple[str, ...] = ()) -> Step:
        def compile_them() -> None:
            self.programs |= programs.ensure(wanted, report=self._building("programs"))

        return Step(name, compile_them, after, lane="compilers")

    def _images(
        self, name: str, names: tuple[str, ...], needs: tuple[str, ...], lane: str = "builders"
    ) -> tuple[Step, Step]:
        """Building a set of images, and unpacking it: several at once is slower than one after the other."""

        def build() -> None:
            self.refs |= images.ensure(names, report=self._building("images"))

        imported = Step(f"{name} imported", lambda: self._add(names), (name, "containerd"), lane="imports")
        return Step(name, build, needs, lane), imported

    def _add(self, names: Iterable[str]) -> str:
        runtime, tag = Runtime(self.settings), chart_version(self.settings)
        wanted = [imported(self.refs[name], tag) for name in names]
        return ", ".join(image.name for image in wanted if runtime.add(image)) or "all there"

    def _building(self, what: str) -> Callable[[str], None]:
        """A report that also notes that programs or images had to be built."""

        def say(line: str) -> None:
            self.built.add(what)
            self.clock.say(line)

        return say


def chart_version(settings: Settings) -> str:
    chart = yaml.safe_load((settings.chart / "Chart.yaml").read_text())
    return str(chart["appVersion"])


def presets(settings: Settings, images: Collection[str]) -> list[dict[str, Any]]:
    """What the launch form offers on a cluster that has these images."""
    return offered(yaml.safe_load((settings.chart / "values.yaml").read_text())["presets"], images)


def imported(image: Image, tag: str) -> Imported:
    return Imported(image.name, image.ref, image.archive, aliases(image.name, tag))


def release_values(settings: Settings, refs: Mapping[str, str]) -> dict[str, Any]:
    """The chart's values on this cluster, whose tailnet has been started."""
    return local_values(refs, settings.origin, tailnet.helm_values(settings.tailnet, NODE_IP))
