"""`image`: builds images that `up` does not need, brings them into the cluster, and has the launch form offer them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import yaml

from guildnet_local import images, plan, up
from guildnet_local.build import programs
from guildnet_local.cluster.containerd import Runtime
from guildnet_local.cluster.kubectl import Kubectl
from guildnet_local.machine.lock import held
from guildnet_local.release import rollout
from guildnet_local.release.helm import Helm
from guildnet_local.settings import LocalError, Settings

Report = Callable[[str], None]


def add(settings: Settings, kubectl: Kubectl, names: Iterable[str], report: Report) -> Iterator[str]:
    """The references of the images, once each is in the cluster and those that are presets are offered.

    Raises LocalError when no cluster runs, ImageError when an image cannot be built.
    """
    if not settings.containerd_socket.exists():
        raise LocalError("no local cluster runs: `make up` makes one")
    built = images.ensure(names, report=report)
    with held(settings.lock, up.holder(settings, "image"), report):
        runtime, tag = Runtime(settings), plan.chart_version(settings)
        for name, image in built.items():
            wanted = plan.imported(image, tag)
            report(f"{name}: {'imported' if runtime.add(wanted) else 'already there'} as {wanted.alias}")
            yield image.ref
        _offer(settings, kubectl, plan.presets(settings, runtime.names()), report)


def _offer(settings: Settings, kubectl: Kubectl, presets: list[dict[str, object]], report: Report) -> None:
    """Make these the presets of the install, where there is one and it has others."""
    file = settings.config / "values.yaml"
    if not file.exists():
        return
    values = yaml.safe_load(file.read_text())
    if values.get("presets") == presets:
        return
    values["presets"] = presets
    release = Helm(programs.ensure(("helm",), report=report)["helm"], kubectl)
    revision = release.upgrade(settings.chart, values)
    file.write_text(yaml.safe_dump(values, sort_keys=False))
    rollout.await_rollout(kubectl, report)
    report(f"the launch form offers {', '.join(str(one['label']) for one in presets)} ({revision})")
