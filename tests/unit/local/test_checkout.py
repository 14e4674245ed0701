"""Which commit a record is of, and whether the checkout held anything else."""

import subprocess
from pathlib import Path

from guildnet_local.machine import checkout


def test_a_commit_is_told_and_whether_anything_else_is_there(tmp_path: Path):
    def git(*arguments: str) -> str:
        identity = ("-c", "user.name=a", "-c", "user.email=a@example.com")
        return subprocess.check_output(["git", "-C", str(tmp_path), *identity, *arguments], text=True)

    git("init", "--quiet")
    (tmp_path / "file").write_text("one")
    git("add", "file")
    git("commit", "--quiet", "--message=one")
    commit = git("rev-parse", "HEAD").strip()
    assert checkout.state(tmp_path) == {"commit": commit, "dirty": False}
    (tmp_path / "new").touch()
    assert checkout.state(tmp_path) == {"commit": commit, "dirty": True}


def test_without_a_repository_it_counts_as_changed(tmp_path: Path):
    assert checkout.state(tmp_path) == {"commit": "", "dirty": True}
