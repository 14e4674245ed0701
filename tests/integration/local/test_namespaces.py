"""The cluster's namespaces: pinned where nothing of anybody else's can cover them, and taken away without a rest."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path

from guildnet_local import settings
from guildnet_local.down import undo
from guildnet_local.machine import namespaces
from guildnet_local.machine.journal import Journal, backwards


def test_namespaces_outlive_somebodys_ip_netns_and_go_without_a_rest(tmp_path: Path):
    ours = replace(settings.load({}), run=tmp_path / "run", state=tmp_path / "state")
    ours.state.mkdir()
    journal = Journal(ours.journal)
    before = namespaces.mount_points()
    namespaces.make_network(ours, journal)
    try:
        # The first of these on a machine mounts /run/netns over itself.
        subprocess.run(["ip", "netns", "add", "guildnet-test"], check=True)
        subprocess.run(["ip", "netns", "delete", "guildnet-test"], check=True)
        address = namespaces.run("nsenter", f"--net={ours.netns}", "--", "ip", "-brief", "address", "show", "node0")
        assert settings.NODE_IP in address
        namespaces.make_network(ours, journal)  # a second time completes, and finds nothing to do
    finally:
        for entry in backwards(journal.entries()):
            undo(entry, ours)
    left = {point for point in namespaces.mount_points() if point not in before} - {"/run/netns"}
    assert left == set()
    assert not Path(ours.netns).exists()
