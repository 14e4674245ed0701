"""GuildNet on a cluster that kind makes in Docker: the cluster, the images in it, the chart.

For machines that have a container engine and whose owner would rather not give root. Images are built by Docker, loaded
into the node, never pushed. The kubeconfig is the user's own, into which kind writes a context.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from guildnet_local import existing_cluster, images
from guildnet_local.build import programs
from guildnet_local.cluster.containerd import aliases
from guildnet_local.existing_cluster import KIND_CLUSTER, Target
from guildnet_local.machine.steps import Clock
from guildnet_local.plan import chart_version
from guildnet_local.release import rollout
from guildnet_local.release.values import COMPONENTS, image_value
from guildnet_local.settings import LocalError, Settings

# The example's workspace beside the release's own.
IMAGES = (*COMPONENTS, "jupyterlab")
CREATE_SECONDS = 600
LOAD_SECONDS = 300


def up(settings: Settings, target: Target, report: Callable[[str], None]) -> None:
    """Make the cluster, or take the one that is there; bring the images in; install the chart."""
    require_docker()
    clock = Clock(report)
    kind = programs.ensure(("kind",), report=clock.say)["kind"]
    if KIND_CLUSTER not in run(kind, "get", "clusters").split():
        clock.say(f"making the cluster {KIND_CLUSTER} with kind …")
        run(kind, "create", "cluster", f"--name={KIND_CLUSTER}", "--wait=180s", seconds=CREATE_SECONDS)
    built = images.ensure(IMAGES, report=clock.say)
    for name, image in built.items():
        # The example names its image as a person would.
        alias = aliases(name, chart_version(settings)).removeprefix("docker.io/")
        run("docker", "tag", image.ref, alias)
        run(kind, "load", "docker-image", f"--name={KIND_CLUSTER}", image.ref, alias, seconds=LOAD_SECONDS)
        clock.say(f"{name} is in the cluster")
    refs = {name: image.ref for name, image in built.items()}
    manifest = (settings.checkout / rollout.EXAMPLE).read_text()
    existing_cluster.install(settings, target, values(refs, settings.origin), manifest, clock)


def down(report: Callable[[str], None]) -> None:
    """Delete the cluster with everything in it."""
    require_docker()
    kind = programs.ensure(("kind",), report=report)["kind"]
    run(kind, "delete", "cluster", f"--name={KIND_CLUSTER}", seconds=CREATE_SECONDS)
    report(f"the cluster {KIND_CLUSTER} is gone; images stay in Docker")


def values(refs: Mapping[str, str], origin: str) -> dict[str, Any]:
    """The chart's values there: the images that were loaded, the front door behind a port-forward."""
    return {
        **{name: {"image": image_value(refs[name])} for name in COMPONENTS},
        "entries": {"local": {"origin": origin}},
    }


def require_docker() -> None:
    """Raises LocalError, with what else there is, when no Docker engine answers."""
    if shutil.which("docker") and subprocess.run(["docker", "info"], capture_output=True, check=False).returncode == 0:
        return
    raise LocalError(
        "CLUSTER=kind needs a Docker engine, and none answers (`docker info`). CLUSTER=bare needs none; "
        "a cluster you have is used with CLUSTER=context:NAME"
    )


def run(program: str | Path, *arguments: str, seconds: float = 60) -> str:
    """The output of one call. Raises LocalError with what the program said."""
    try:
        done = subprocess.run(
            [program, *arguments],
            capture_output=True,
            text=True,
            check=False,
            timeout=seconds,
            stdin=subprocess.DEVNULL,
        )
    except subprocess.TimeoutExpired as problem:
        raise LocalError(f"{Path(program).name} {' '.join(arguments)}: not within {seconds:g} s") from problem
    if done.returncode != 0:
        raise LocalError(f"{Path(program).name} {' '.join(arguments)}: {(done.stderr or done.stdout).strip()}")
    return done.stdout
