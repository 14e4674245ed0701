"""Which services a change of the sources restarts."""

from __future__ import annotations

from pathlib import Path

import pytest

from guildnet_local.develop.changes import changed, concerned, times
from guildnet_local.develop.session import vite
from guildnet_local.develop.values import LIBRARY, SERVICES, source
from guildnet_local.settings import load


@pytest.mark.parametrize(
    ("paths", "services"),
    [
        (["services/api/src/guildnet_api/app.py"], ("api",)),
        (["services/operator/src/a.py", "services/api/src/b.py"], ("api", "operator")),
        (["libs/guildnet/src/guildnet/names.py"], SERVICES),
        (["libs/guildnet/src/guildnet/names.py", "services/api/src/b.py"], SERVICES),
        (["services/api/srcs/b.py"], ()),
        ([], ()),
    ],
)
def test_a_service_is_restarted_for_its_own_files_and_all_for_the_library(paths: list[str], services: tuple[str, ...]):
    assert concerned([Path(path) for path in paths]) == services


def test_a_file_that_is_changed_new_or_gone_is_seen(tmp_path: Path):
    folder = tmp_path / source("api")
    folder.mkdir(parents=True)
    for name in ("same.py", "old.py", "gone.py", "page.html"):
        (folder / name).touch()
    before = times(tmp_path)
    assert set(before) == {Path(source("api")) / name for name in ("same.py", "old.py", "gone.py")}
    (folder / "gone.py").unlink()
    (folder / "new.py").touch()
    old = Path(source("api")) / "old.py"
    after = {**times(tmp_path), old: before[old] + 1}
    assert changed(before, after) == [Path(source("api")) / name for name in ("gone.py", "new.py", "old.py")]


def test_what_is_watched_is_there():
    checkout = load({}).checkout
    assert all((checkout / folder).is_dir() for folder in (LIBRARY, *map(source, SERVICES)))
    assert len(times(checkout)) > 100


def test_the_uis_server_is_inside_the_cluster_and_nowhere_else():
    settings = load({"HOME": "/root"})
    command = vite(settings, Path("/checkout/ui"))
    assert command[:3] == ["nsenter", f"--net={settings.netns}", "--"]
    assert "--host=10.123.0.1" in command
