"""edit: the fields of a workspace that can be changed, as YAML in an editor. Only what was changed is sent."""

from __future__ import annotations

import difflib
import os
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

import yaml

from guildnet_cli.call import Call
from guildnet_cli.errors import CONFLICT, FAILED, NOT_FOUND, OK, USAGE, CliError
from guildnet_cli.output import note, plain, say
from guildnet_cli.wire import Server

FIELDS: Final = ("image", "command", "args", "env", "resources", "ports", "storage", "exposure", "labels", "notes")
_KEY_BY_KEY: Final = frozenset({"env", "labels", "resources"})
_ON_THE_WIRE: Final = {"ports": "expose"}
MASK: Final = "********"
_HEAD: Final = """\
# Workspace {name}. Save and close to change it; close without a change, or empty the file, to leave it.
# A change of anything but notes, labels and exposure replaces its pod. What is shown as ******** is secret, and stays.
# A port is `port`, and if you like `name` and `pathMode` (Strip or Preserve).
"""


def document(server: Server) -> dict[str, Any]:
    """What the editor shows: every field that can be changed, those that are not set as null."""
    return {field: server.get(field) for field in FIELDS}


def text_of(server: Server) -> str:
    body = yaml.safe_dump(document(server), sort_keys=False, allow_unicode=True, width=100)
    return _HEAD.format(name=server["id"]) + body


def parse(text: str) -> dict[str, Any]:
    """Raises CliError for what is no mapping of the fields."""
    try:
        found = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise CliError(USAGE, f"not YAML: {plain(error)}", "put it right and try again") from None
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise CliError(USAGE, "the text is no mapping of fields", f"fields: {', '.join(FIELDS)}")
    if unknown := [str(key) for key in found if key not in FIELDS]:
        raise CliError(USAGE, f"unknown field: {', '.join(unknown)}", f"fields: {', '.join(FIELDS)}")
    return found


def patch(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    """The body of PATCH: fields that differ. A field that was taken out of the text is null; env goes key by key."""
    changed: dict[str, Any] = {}
    for field in FIELDS:
        was, now = old.get(field), new.get(field)
        if was == now or (not was and not now):
            continue
        changed[_ON_THE_WIRE.get(field, field)] = _merged(was or {}, now or {}) if field in _KEY_BY_KEY else now
    return {field: value for field, value in changed.items() if value or field not in _KEY_BY_KEY}


def _merged(was: dict[str, Any], now: dict[str, Any]) -> dict[str, Any]:
    gone = {key: None for key in was if key not in now}
    return {**gone, **{key: value for key, value in now.items() if was.get(key) != value and value != MASK}}


def run(call: Call) -> int:
    name = call.asked.workspace
    server, etag = call.client.server_with_etag(name)
    shown = text_of(server)
    kept: Path | None = None
    if call.asked.file:
        edited = _read(call.asked.file)
    else:
        kept, edited = _in_editor(call, name, shown)
    try:
        new = parse(edited)
        wanted = patch(document(server), new) if new else {}
        if not wanted:
            say(f"{name} is unchanged")
        else:
            call.client.change(name, wanted, etag)
            say(f"changed {name}: {', '.join(wanted)}")
    except CliError as problem:
        if problem.api_code == "stale":
            raise _conflict(call, shown, name, kept) from None
        if kept is not None:
            problem.hint = f"put it right, then: guildnet edit {name} -f {kept}"
        raise
    if kept is not None:
        kept.unlink()
    return OK


def _conflict(call: Call, shown: str, name: str, kept: Path | None) -> CliError:
    """What the others changed, as a diff."""
    now = text_of(call.client.server(name))
    lines = difflib.unified_diff(shown.splitlines(), now.splitlines(), "when you began", "now", lineterm="", n=1)
    diff = "\n".join(f"  {plain(line)}" for line in lines) or "  (nothing that can be edited)"
    again = f"guildnet edit {name}" + (
        f" -f {kept}   (your text; it takes theirs back where it differs)" if kept else ""
    )
    return CliError(CONFLICT, f"somebody else changed {name} meanwhile:\n{diff}", again)


def _read(file: str) -> str:
    if file == "-":
        return sys.stdin.read()
    try:
        return Path(file).read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise CliError(NOT_FOUND, f"{file} cannot be read: {error}", "give a file of YAML") from None


def _in_editor(call: Call, name: str, text: str) -> tuple[Path, str]:
    """The file, which stays until the change is made, and its text. Raises CliError when the editor fails."""
    if not sys.stdin.isatty():
        raise CliError(USAGE, "there is no terminal for an editor", f"guildnet edit {name} --file FILE")
    editor = call.environ.get("VISUAL") or call.environ.get("EDITOR") or "vi"
    handle, path = tempfile.mkstemp(prefix=f"{name}-", suffix=".yaml")
    with os.fdopen(handle, "w") as file:
        file.write(text)
    kept = Path(path)
    try:
        status = subprocess.run([*shlex.split(editor), path], check=False).returncode
    except (OSError, ValueError) as error:
        kept.unlink()
        raise CliError(NOT_FOUND, f"editor {editor!r} cannot be run: {error}", "set EDITOR") from None
    if status != 0:
        note(f"note:  your text is in {kept}")
        raise CliError(FAILED, f"{editor} ended with status {status}; nothing was changed", f"guildnet edit {name}")
    return kept, kept.read_text()
