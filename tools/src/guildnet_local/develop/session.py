"""One `make dev`: sources mounted, UI served, services restarted as files change; in the end all is as before."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import yaml

from guildnet_local.build import programs
from guildnet_local.build.runner import ending_with_this_process
from guildnet_local.cluster.kubectl import Kubectl
from guildnet_local.develop.changes import changed, concerned, times
from guildnet_local.develop.values import UI_PORT, with_sources
from guildnet_local.images.host import ca_bundle
from guildnet_local.images.node import directory, environment, npm
from guildnet_local.machine.waiting import until
from guildnet_local.release import reachable, rollout
from guildnet_local.release.helm import Helm
from guildnet_local.settings import NODE_IP, RELEASE_NAMESPACE, LocalError, Settings

LOOK_SECONDS = 0.5
UI_SECONDS = 60.0
TERMINATION_SECONDS = 10.0
FRONT_DOOR_SECONDS = 30.0
Report = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Session:
    """The install of the local cluster while somebody works on its sources."""

    settings: Settings
    kubectl: Kubectl
    report: Report

    def run(self) -> None:
        """Until Ctrl-C or SIGTERM. Raises LocalError: GuildNet is not installed, the UI's server cannot start."""
        file = self.settings.config / "values.yaml"
        if not file.exists():
            raise LocalError("GuildNet is not installed on the local cluster: run `make up`")
        values = yaml.safe_load(file.read_text())
        release = Helm(programs.ensure(("helm",), report=self.report)["helm"], self.kubectl)
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
        with self._ui():
            try:
                seen = times(self.settings.checkout)
                release.upgrade(self.settings.chart, with_sources(values, self.settings.checkout))
                self._await()
                self.report(f"{self.settings.origin} shows ui/ and runs services/ and libs/ of this checkout; "
                            "`make url` logs in, Ctrl-C ends")  # fmt: skip
                self._follow(seen)
            except KeyboardInterrupt:
                self.report("")
            finally:
                self.report("back to the images …")
                # `make image` may have written others meanwhile.
                release.upgrade(self.settings.chart, yaml.safe_load(file.read_text()))
        self._await()

    def _follow(self, seen: dict[Path, int]) -> None:
        """Restart what a change concerns, as changes come."""
        while True:
            time.sleep(LOOK_SECONDS)
            now = times(self.settings.checkout)
            if not (paths := changed(seen, now)):
                continue
            seen = now
            services = concerned(paths)
            began = time.monotonic()
            self.report(
                f"{paths[0]}{f' and {len(paths) - 1} more' if paths[1:] else ''}: restarting {', '.join(services)}"
            )
            names = [f"deployment/guildnet-{service}" for service in services]
            self.kubectl("rollout", "restart", f"--namespace={RELEASE_NAMESPACE}", *names)
            if self._await():
                self.report(f"restarted ({time.monotonic() - began:.1f} s)")

    def _await(self) -> bool:
        """Wait for the services and the front door; what hinders them is told, and the next change may mend it."""
        port = self.settings.ports.front
        try:
            rollout.await_rollout(self.kubectl, lambda _: None, seconds=60)
            # The old proxy may still have been the one that connections went to when the new one was ready.
            until(lambda: reachable.front_door_answers(port), "the front door answers", seconds=FRONT_DOOR_SECONDS)
        except LocalError as problem:
            self.report(str(problem))
            return False
        return True

    @contextmanager
    def _ui(self) -> Iterator[None]:
        """Vite's development server inside the cluster's network, where the proxy reaches it and nobody else does."""
        ui = self.settings.checkout / "ui"
        env = environment(os.environ, ca_bundle())
        if not (ui / "node_modules" / ".bin" / "vite").exists():
            self.report("installing the UI's packages …")
            if subprocess.run(npm("ci", "--no-audit", "--no-fund"), cwd=ui, env=env, check=False).returncode:
                raise LocalError(f"npm ci failed in {ui}")
        server = subprocess.Popen(
            [*ending_with_this_process(), *vite(self.settings, ui)], cwd=ui, env=env, stdin=subprocess.DEVNULL,
            stdout=sys.stderr,
        )  # fmt: skip
        try:
            until(lambda: self._ui_serves(server), "the UI's development server answers", seconds=UI_SECONDS)
            yield
        finally:
            server.terminate()
            try:
                server.wait(TERMINATION_SECONDS)
            except subprocess.TimeoutExpired:
                server.kill()

    def _ui_serves(self, server: subprocess.Popen[bytes]) -> bool:
        if server.poll() is not None:
            raise LocalError("the UI's development server ended; what it said is above")
        look = ["nsenter", f"--net={self.settings.netns}", "--", "bash", "-c", f"</dev/tcp/{NODE_IP}/{UI_PORT}"]
        return subprocess.run(look, capture_output=True, check=False).returncode == 0


def vite(settings: Settings, ui: Path) -> list[str]:
    """Vite inside the cluster's network namespace, at the node's address."""
    node = directory() / "bin" / "node"
    program = ui / "node_modules" / "vite" / "bin" / "vite.js"
    where = [f"--host={NODE_IP}", f"--port={UI_PORT}", "--config=vite.cluster.config.ts", "--clearScreen=false"]
    return ["nsenter", f"--net={settings.netns}", "--", str(node), str(program), *where]
