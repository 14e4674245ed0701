"""`down`: ends the processes of the cluster, then replays the journal backwards.

Works from what is on this machine alone, so it does not matter whether the API server answers, or whether anything runs
at all. Whoever is in the cluster's control groups is the cluster's; nothing else is touched.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from guildnet_local.machine import cgroups, namespaces, process
from guildnet_local.machine.journal import Entry, Journal, backwards
from guildnet_local.machine.process import Place, Processes
from guildnet_local.settings import LocalError, Settings

Facts = Mapping[str, Any]


def remove(settings: Settings, journal: Journal, report: Callable[[str], None]) -> None:
    """Remove all that the journal names. Raises LocalError when something will not go; then the journal stays."""
    records = Processes(settings.processes, settings.logs, Place((), settings.netns, settings.mount_namespace)).all()
    identities = {record.name: record.identity for record in records if record.identity is not None}
    # The kubelet first: it would start again what ends under it.
    if kubelet := identities.pop("kubelet", None):
        process.stop([kubelet], grace=3)
    ended = cgroups.members()
    process.stop(identities.values(), grace=0.3)
    cgroups.end_members(grace=1.5)
    if ended:
        report(f"ended {len(ended)} processes")
    for entry in backwards(journal.entries()):
        undo(entry, settings)
    # A journal that a crash prevented from being begun.
    _remove_tree(settings.run)
    _remove_tree(settings.state)


def undo(entry: Entry, settings: Settings) -> None:
    """Take one resource away; it may never have been made, or be gone already."""
    actions: Mapping[str, Callable[[Facts], None]] = {
        "process": lambda facts: _forget_process(settings, facts["name"]),
        "cgroup": lambda _: cgroups.remove(),
        "pins": lambda facts: namespaces.remove_pins(Path(facts["path"])),
        "mountns": lambda facts: namespaces.unpin(Path(facts["path"])),
        "netns": lambda facts: namespaces.unpin(Path(facts["path"])),
        "mountpoint": lambda facts: _remove_empty(Path(facts["path"])),
        "directory": lambda facts: _remove_tree(Path(facts["path"])),
    }
    if entry.kind not in actions:
        raise LocalError(f"the journal names a {entry.kind!r}, which this version cannot remove: {dict(entry.facts)}")
    actions[entry.kind](entry.facts)


def _forget_process(settings: Settings, name: str) -> None:
    for end in ("json", "stat"):
        (settings.processes / f"{name}.{end}").unlink(missing_ok=True)


def _remove_empty(path: Path) -> None:
    """A directory outside of our trees: it stays when somebody else has put something into it."""
    try:
        path.rmdir()
    except FileNotFoundError:
        return
    except OSError:
        if not any(path.iterdir()):
            raise


def _remove_tree(path: Path) -> None:
    for point in sorted(namespaces.mount_points(), reverse=True):
        if Path(point).is_relative_to(path):
            namespaces.run("umount", point)
    try:
        shutil.rmtree(path)
    except FileNotFoundError:
        return
