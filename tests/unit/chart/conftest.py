"""Renders the chart with the pinned Helm. A rendering takes a quarter of a second, so equal ones are made once."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path

import pytest

from unit.chart.rendered import CHART, Object, RefusedError, Render, Rendering, parse


def pytest_collection_modifyitems(items: Iterable[pytest.Item]) -> None:
    # The first test may have to build Helm.
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.timeout(1200))


@pytest.fixture(scope="session")
def helm() -> Path:
    given = os.environ.get("GUILDNET_HELM")
    if given:
        return Path(given)
    from guildnet_local.build.programs import ensure

    return Path(ensure(["helm"])["helm"])


@pytest.fixture(scope="session")
def run_helm(helm: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., str]:
    home = tmp_path_factory.mktemp("helm")
    environment = {
        "PATH": os.defpath,
        **{f"HELM_{kind}_HOME": str(home / kind) for kind in ("CACHE", "CONFIG", "DATA")},
        "KUBECONFIG": str(home / "no-cluster"),
    }

    def run(*arguments: str, values: Object | None = None) -> str:
        command = [str(helm), *arguments, *(["--values", "-"] if values is not None else [])]
        done = subprocess.run(
            command, input=json.dumps(values), env=environment, capture_output=True, text=True, timeout=60, check=False
        )
        if done.returncode:
            raise RefusedError(done.stderr + done.stdout)
        return done.stdout

    return run


@pytest.fixture(scope="session")
def render(run_helm: Callable[..., str]) -> Render:
    @cache
    def rendered(values: str, release: str, namespace: str) -> Rendering:
        text = run_helm("template", release, str(CHART), "--namespace", namespace, values=json.loads(values))
        return parse(text)

    def render(values: Object | None = None, *, release: str = "guildnet", namespace: str = "guildnet") -> Rendering:
        return rendered(json.dumps(values or {}, sort_keys=True), release, namespace)

    return render
