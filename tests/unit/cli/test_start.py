"""What a start imports: each module here costs milliseconds that a person waits for at every command."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = (
    "asyncio",
    "http.client",
    "json",
    "keyring",
    "ssl",
    "subprocess",
    "tempfile",
    "urllib.request",
    "webbrowser",
    "yaml",
)


def imported(*words: str) -> set[str]:
    code = "import sys; from guildnet_cli.main import main; main(sys.argv[1:]); print(*sys.modules, file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True, check=True)
    return set(done.stderr.split())


@pytest.mark.parametrize("words", [("--help",), ("--version",)])
def test_help_imports_nothing_heavy(words: tuple[str, ...]):
    assert imported(*words) & set(HEAVY) == set()


def test_completion_of_a_command_speaks_to_nobody():
    assert imported("__complete", "lo") & {"yaml", "keyring", "asyncio", "webbrowser"} == set()
