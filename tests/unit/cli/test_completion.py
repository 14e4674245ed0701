"""What a shell is told, and that its scripts are ones."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from .conftest import PlayedApi, Run, refusal
from .servers import LAB, PENDING

pytestmark = pytest.mark.usefixtures("logged_in")


@pytest.fixture
def servers(api: PlayedApi) -> PlayedApi:
    api.on("GET /api/servers", [LAB, PENDING])
    return api


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        (["log"], ["login", "logout", "logs"]),
        (["open", ""], ["lab", "new"]),
        (["open", "l"], ["lab"]),
        (["stop", "lab", ""], ["new"]),
        (["open", "lab", ""], []),
        (["logs", "-n", "5", ""], ["lab", "new"]),
        (["logs", "-f", "n"], ["new"]),
        (["list", "-o", ""], ["table", "json", "yaml", "name"]),
        (["list", "--st"], ["--status"]),
        (["list", "--query", ""], []),
        (["capability", ""], ["check"]),
        (["capability", "check", "l"], ["lab"]),
        (["nonsense", ""], []),
        ([""], None),
    ],
)
def test_the_words_that_may_come_next(run: Run, servers: PlayedApi, typed: list[str], found: list[str] | None):
    done = run("__complete", *typed)
    assert (done.code, done.err) == (0, "")
    assert len(done.out.splitlines()) > 10 if found is None else done.out.splitlines() == found


def test_an_install_that_refuses_completes_to_nothing(run: Run, api: PlayedApi):
    api.on("GET /api/servers", refusal(401, "bad_token", "No."))
    done = run("__complete", "open", "")
    assert (done.code, done.out, done.err) == (0, "", "")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_script_names_the_command_it_completes(run: Run, shell: str):
    script = run("completion", shell).out
    assert "guildnet __complete" in script
    if program := shutil.which(shell):
        subprocess.run([program, "-n"], input=script, text=True, check=True)


def test_bash_completes_names_of_workspaces(run: Run, tmp_path):
    """With a guildnet that says what it is asked."""
    fake = tmp_path / "guildnet"
    fake.write_text(
        '#!/bin/sh\nprintf "%s|" "$@" > ' + f"{tmp_path}/asked\n" + "printf 'lab-one\\nlab-two\\nother\\n'\n"
    )
    fake.chmod(0o755)
    script = run("completion", "bash").out
    ask = 'COMP_WORDS=(guildnet open lab); COMP_CWORD=2; _guildnet; printf "%s\\n" "${COMPREPLY[@]}"'
    done = subprocess.run(
        ["bash", "-c", script + ask],
        env={"PATH": f"{tmp_path}:/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["lab-one", "lab-two"]
    assert (tmp_path / "asked").read_text() == "__complete|open|lab|"
