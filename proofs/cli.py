"""A person at a terminal uses the command line on the local cluster: commands and mistakes, each as documented."""

from __future__ import annotations

import json
import os
import re
import sys
import tempfile
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import pexpect

from guildnet_cli import commands
from proofs import PYTHON_PATH, Figure
from proofs.doctoring.faults import FAULTS
from proofs.doctoring.run import named
from support.local import Local, bring_up

START: Final = "import sys; from guildnet_cli.__main__ import main; sys.exit(main())"
_ESCAPE: Final = re.compile(r"\x1b\[[0-9;]*m")
_TIMEOUT_SECONDS: Final = 240


@dataclass(frozen=True, slots=True)
class Step:
    """A command line, its exit code, and what has to be read (regular expressions). `NAME` is the workspace's name."""

    line: str
    code: int
    says: tuple[str, ...]
    answers: Mapping[str, str | Callable[[str], str]] = field(default_factory=dict)
    """What the person types when this is asked; or who says it, by what was read so far."""


def fetched(text: str) -> str:
    """Ctrl-C, once JupyterLab has answered on the port here that `text` names. Raises AssertionError."""
    found = re.search(r"127\.0\.0\.1:(\d+) -> ([\w-]+):8888", text)
    assert found is not None, text
    with urllib.request.urlopen(f"http://127.0.0.1:{found[1]}/proxy/server/{found[2]}/api", timeout=10) as answer:
        assert json.load(answer)["version"]
    return "\x03"


STEPS: Final = (
    Step("list", 4, ("no install is known", "next:  guildnet login URL")),
    Step("login http://guildnet.localhost:1", 7, ("does not answer", "next:  guildnet doctor")),
    Step("login URL", 0, (r"logged in to \S+ as \S+", r"file of mode 0600")),
    Step("lst", 2, ("did you mean `guildnet list`",)),
    Step("list -o xml", 2, ("invalid choice: 'xml'", "guildnet list --help")),
    Step("use", 0, (r"NAME +CURRENT", "yes")),
    Step("list", 0, ("NAME +STATUS +OWNER",)),
    Step("launch jupiterlab", 3, ("no preset 'jupiterlab'", "jupyterlab")),
    Step("launch jupyterlab --memory lots", 1, ("resources.memory: not an amount",)),
    Step("launch jupyterlab --name cli-proof --notes before --wait", 0,
         (r"launched cli-proof-\w{5}", r"\d s  Scheduled +Scheduled", r"\d s  ready", r"guildnet open cli-proof")),
    Step("why NAME", 0, ("NAME is running", "guildnet open NAME")),
    Step("open NAME --print", 0, (r"^http://\S+",)),
    Step("open NAME --port 1", 3, ("has no port 1",)),
    Step("forward NAME 1", 3, ("has no port 1",)),
    Step("forward NAME 0:8888", 130, (r"127\.0\.0\.1:\d+ -> NAME:8888",), {"Ctrl-C ends it": fetched}),
    Step("events NAME", 0, ("TIME +TYPE +REASON", "Scheduled")),
    Step("logs NAME -n 5", 0, ("ServerApp",)),
    Step("logs NAME -c nope", 3, ("has no container 'nope'",)),
    Step("edit NAME", 0, ("changed NAME: notes",)),
    Step("capability check NAME", 0, (r"proxy +yes +admin-role",)),
    Step("stop NAME", 0, ("stopped NAME",)),
    Step("restart NAME", 6, ("NAME is stopped; start it instead",)),
    Step("open NAME", 6, ("NAME is stopped", "next:  guildnet start NAME")),
    Step("start NAME", 0, ("starting NAME",)),
    Step("doctor --kubeconfig KUBECONFIG", 0,
         (r"ok +api-server", r"ok +kinds", r"ok +rights/operator", r"ok +tailnet", r"ok +storage",
          r"unknown +network-enforced", "0 faults")),
    Step("delete NAME", 1, ("nothing was deleted",), {r"\[y/N\]": "n"}),
    Step("delete NAME nope-00000", 3, ("deleted NAME", "no workspace 'nope-00000'"), {r"\[y/N\]": "y"}),
    Step("logs nope-00000", 3, ("no workspace 'nope-00000'", "next:  guildnet list")),
    Step("logout", 0, (r"^logged out of \S+$",)),
    Step("list", 4, ("no install is known",)),
    Step("login --kubeconfig KUBECONFIG --name by-kubectl", 0,
         ("as the install's administrator", "logged in to by-kubectl")),
    Step("list", 0, ("STATUS +OWNER",)),
    Step("logout", 0, ("logged out of by-kubectl",)),
)  # fmt: skip


class Session:
    """Runs steps one after the other, as one person with one memory of installs."""

    def __init__(self, local: Local, folder: Path) -> None:
        editor = folder / "editor"
        editor.write_text("#!/bin/sh\nexec sed -i 's/notes: before/notes: after/' \"$1\"\n")
        editor.chmod(0o755)
        self._known = {"URL": local.login_url, "KUBECONFIG": local.kubeconfig}
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        self._environment = {
            **{name: os.environ[name] for name in ("HOME", "CLUSTER", "XDG_CACHE_HOME") if name in os.environ},
            "PATH": path, "TERM": "xterm", "LANG": "C.UTF-8", "PYTHONPATH": PYTHON_PATH, "EDITOR": str(editor),
            "GUILDNET_CONFIG": str(folder / "config"),
        }  # fmt: skip

    @property
    def name(self) -> str:
        """The workspace that was launched; "" before."""
        return self._known.get("NAME", "")

    def complaint(self, step: Step) -> str:
        """What is not as it has to be; "" when all is."""
        code, text = self._run(step)
        if not self.name and (found := re.search(r"launched (cli-proof-\w{5})", text)):
            self._known["NAME"] = found[1]
        wanted = [re.sub(r"\bNAME\b", self.name or "NAME", said) for said in step.says]
        missing = [said for said in wanted if not re.search(said, text, re.MULTILINE)]
        if code != step.code or missing:
            return f"exit code {code} (not {step.code}), missing {missing}:\n{text}"
        return ""

    def _run(self, step: Step) -> tuple[int, str]:
        words = [self._known.get(word, word) for word in step.line.split()]
        child = pexpect.spawn(
            sys.executable, ["-c", START, *words], env=self._environment, encoding="utf-8", timeout=_TIMEOUT_SECONDS,
            dimensions=(50, 200),
        )  # fmt: skip
        try:
            text = ""
            for asked, answer in step.answers.items():
                child.expect(asked)
                text += child.before + child.after
                child.sendline(answer if isinstance(answer, str) else answer(text))
            child.expect(pexpect.EOF)
            text += child.before
        finally:
            child.close()
        return child.exitstatus if child.exitstatus is not None else -1, _ESCAPE.sub("", text).replace("\r\n", "\n")


def play(local: Local, folder: Path) -> Iterator[tuple[Step, str]]:
    """Each step with its complaint. What was launched is gone afterwards."""
    session = Session(local, folder)
    try:
        for step in STEPS:
            complaint = session.complaint(step)
            print(f"  {'as documented' if not complaint else 'NOT AS DOCUMENTED'}: guildnet {step.line}")
            if complaint:
                print(complaint)
            yield step, complaint
    finally:
        if session.name:
            local.delete_workspace(session.name)


def prove() -> Figure:
    """Met when every step ends with its exit code and says what it has to, and every command has been used."""
    bring_up()
    with tempfile.TemporaryDirectory() as directory:
        results = list(play(Local(), Path(directory)))
    faults = list(named(Local()))
    good = sum(not complaint for _, complaint in results)
    used = {step.line.split()[0] for step, _ in results}
    unused = sorted({one.name for one in commands.visible()} - used - {"completion"})
    told = sum(good for _, good in faults)
    text = (
        f"{good} of {len(STEPS)} commands as documented, commands never used: {json.dumps(unused)}; doctor names "
        f"{told} of {len(FAULTS)} planted faults"
    )
    return Figure(text, good == len(STEPS) and not unused and told == len(FAULTS))
