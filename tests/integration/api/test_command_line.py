"""The command line before a real api: its commands, its streams, its refusals."""

from __future__ import annotations

import asyncio
import json
import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
import yaml

from guildnet.identity import Identity
from guildnet.kube.resources import WORKSPACES
from support import signed_cli
from support.waiting import eventually

from .conftest import ALICE, BOB, KEY, Api, Kubelet

ROOT = Path(__file__).resolve().parents[3]
Run = Callable[..., Awaitable[tuple[int, str, str]]]


@pytest.fixture
def run(api: Api, tmp_path: Path) -> Run:
    """Runs a command, as ALICE unless said: (code, standard output, standard error)."""

    async def call(*words: str, identity: Identity = ALICE, editor: str = "", until: str = "") -> tuple[int, str, str]:
        env = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT / "tests"),
            "GUILDNET_CONFIG": str(tmp_path / "config"),
            "GUILDNET_URL": api.url,
            **signed_cli.environment(identity, KEY),
        }
        command = [sys.executable, "-m", "support.signed_cli", *words]
        if editor:
            # `script` gives it a terminal, where both outputs meet.
            command = ["script", "--quiet", "--return", "--command", shlex.join(command), "/dev/null"]
            env["EDITOR"] = editor
        process = await asyncio.create_subprocess_exec(
            *command, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        try:
            out = await asyncio.wait_for(_until(process, until), 60) if until else b""
            more, err = await asyncio.wait_for(process.communicate(), 60)
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        return process.returncode or 0, (out + more).decode(), err.decode()

    return call


async def _until(process: asyncio.subprocess.Process, text: str) -> bytes:
    """Its lines up to one with this text, at which it gets what Ctrl-C sends."""
    assert process.stdout is not None
    lines: list[bytes] = []
    while not lines or (lines[-1] and text.encode() not in lines[-1]):
        lines.append(await process.stdout.readline())
    process.send_signal(signal.SIGINT)
    return b"".join(lines)


async def test_a_workspace_from_launch_to_delete(run: Run, api: Api):
    code, out, err = await run(
        "launch", "acme/tool:1", "--name", "lab", "-p", "3000", "-e", "MODE=fast", "--notes", "n"
    )
    assert code == 0, err
    name = out.strip()
    listed = json.loads((await run("list", "-o", "json"))[1])
    (one,) = listed
    assert (one["id"], one["env"]) == (name, {"MODE": "fast"})
    assert one["ports"] == [{"port": 3000, "name": "p-3000", "url": one["url"]}]
    for verb, running in (("stop", False), ("start", True)):
        assert (await run(verb, name))[0] == 0
        assert (await api.kube.get(WORKSPACES, api.namespace, name))["spec"].get("running", True) is running
    assert (await run("restart", name))[0] == 0
    assert (await run("delete", name, "--yes"))[1] == f"deleted {name}\n"
    await eventually(lambda: api.services.watches.index.get(name) is None)
    code, _, err = await run("why", name)
    assert (code, "next:  guildnet list" in err) == (3, True)


async def test_edit_sends_what_changed_and_never_overwrites_another(run: Run, api: Api, tmp_path: Path):
    await api.workspace("ws", owner="alice@example.com", notes="old")
    file = tmp_path / "ws.yaml"
    shown = (await api.ask("GET", "/api/servers/ws")).json()
    file.write_text(
        yaml.safe_dump({"image": shown["image"], "ports": shown["ports"], "notes": "new", "env": {"A": "1"}})
    )
    code, out, err = await run("edit", "ws", "-f", str(file))
    assert (code, out) == (0, "changed ws: env, notes\n"), err
    spec = (await api.kube.get(WORKSPACES, api.namespace, "ws"))["spec"]
    assert (spec["notes"], spec["env"]) == ("new", [{"name": "A", "value": "1"}])
    assert "ports" not in spec


async def test_a_change_by_another_while_the_editor_is_open_is_shown_and_kept(run: Run, api: Api, tmp_path: Path):
    """The editor itself makes the other's change: it is asked by a terminal, as a person's is."""
    await api.workspace("ws", owner="alice@example.com", notes="old")
    editor = tmp_path / "editor"
    editor.write_text(f"#!/bin/sh\nsed -i 's/notes: old/notes: mine/' \"$1\"\ntouch {tmp_path}/open\n"
                      f"while [ ! -e {tmp_path}/go ]; do sleep 0.1; done\n")  # fmt: skip
    editor.chmod(0o755)
    editing = asyncio.ensure_future(run("edit", "ws", editor=str(editor)))
    await eventually((tmp_path / "open").exists)
    await api.kube.merge_patch(WORKSPACES, api.namespace, "ws", {"spec": {"notes": "theirs"}})
    (tmp_path / "go").touch()
    code, out, _ = await editing
    assert code == 6, out
    assert "-notes: old" in out
    assert "+notes: theirs" in out
    assert (await api.kube.get(WORKSPACES, api.namespace, "ws"))["spec"]["notes"] == "theirs"


async def test_a_refusal_names_the_field(run: Run, api: Api):
    code, _, err = await run("launch", "acme/tool:1", "--memory", "lots")
    assert (code, "  resources.memory: not an amount above zero" in err) == (1, True)


async def test_logs_once_and_followed(run: Run, api: Api, kubelet: Kubelet):
    await api.workspace("ws", owner="alice@example.com")
    kubelet.write("ws-1", "one", "an error", "three")
    await api.pod("ws", "ws-1")
    assert (await run("logs", "ws", "--grep", "ERROR"))[1] == "an error\n"
    assert (await run("logs", "ws", "-n", "1"))[1] == "three\n"


async def test_a_log_is_followed_until_ctrl_c(run: Run, api: Api, kubelet: Kubelet):
    await api.workspace("ws", owner="alice@example.com")
    kubelet.write("ws-1", "one")
    await api.pod("ws", "ws-1")
    following = asyncio.ensure_future(run("logs", "ws", "-f", until="two"))
    await eventually(lambda: kubelet.follows)
    kubelet.write("ws-1", "two")
    code, out, err = await following
    assert (code, out) == (130, "one\ntwo\n")
    assert "-- main of ws-1 --" in err


async def test_a_list_is_watched_until_ctrl_c(run: Run, api: Api):
    await api.workspace("ws", owner="alice@example.com")
    watching = asyncio.ensure_future(run("list", "--watch", "-o", "json", until='"gone"'))
    viewers = api.services.supervisor.metrics.viewers.labels("servers")
    await eventually(lambda: viewers._value.get() > 0)
    await api.kube.delete(WORKSPACES, api.namespace, "ws")
    code, out, _ = await watching
    assert code == 130
    shown = [json.loads(line) for line in out.splitlines()]
    assert (shown[0]["id"], shown[0]["status"]) == ("ws", "pending")
    assert shown[-1] == {"id": "ws", "status": "gone"}


async def test_what_the_caller_may_do(run: Run, api: Api):
    rows = json.loads((await run("capability", "check", "-o", "json", identity=BOB))[1])
    assert {row["action"] for row in rows if row["allowed"] == "yes"} >= {"list", "launch"}
    assert "bob@example.com" in (await run("capability", "check", identity=BOB))[2]


async def test_completion_knows_the_names(run: Run, api: Api):
    await api.workspace("ws-one", owner="alice@example.com")
    assert (await run("__complete", "open", "ws"))[1] == "ws-one\n"
