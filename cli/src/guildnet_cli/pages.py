"""The reference page and the man page, both made of the table of commands: `python -m guildnet_cli.pages md|man`."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from guildnet_cli import VERSION
from guildnet_cli.commands import ENVIRONMENT, Arg, Command, arguments, visible
from guildnet_cli.errors import EXIT_CODES

INTRO = """\
# Command line

`guildnet`, or `kubectl-workspace` as a plug-in of kubectl: launch, reach and look after workspaces without curl, and
without rights in the cluster. It speaks HTTP to the front door, as a browser does. This page is made from the commands
(`pytest tests/unit/docs --update-golden`).

Install it from a checkout with `pipx install ./cli` or `uv tool install ./cli` (`'./cli[keyring]'` keeps tokens in the
system's keyring), or run the single file that `make cli` makes. `make setup` has it as `.venv/bin/guildnet`.

An answer goes to standard output, everything else – progress, next steps, errors – to standard error. An error names
what failed and the next step. There are colours on a terminal alone. `-o json` and `-o yaml` print what the
api says (`/api/openapi.json`), `-o name` a name a line.

"""


def _usage(command: Command) -> str:
    words = [f"guildnet {command.name}"]
    for arg in command.args:
        if not arg.flags[0].startswith("-"):
            shown = arg.options.get("metavar") or "|".join(arg.options.get("choices", ())) or arg.flags[0].upper()
            nargs = arg.options.get("nargs")
            words.append(f"[{shown}]" if nargs in ("?", "*") else f"{shown}..." if nargs == "+" else shown)
    if any(arg.flags[0].startswith("-") for arg in arguments(command)):
        words.append("[OPTIONS]")
    return " ".join(words)


def _flags(arg: Arg) -> str:
    if not arg.flags[0].startswith("-"):
        return str(arg.options.get("metavar", arg.flags[0].upper()))
    value = arg.options.get("metavar") or "|".join(arg.options.get("choices", ()))
    takes = arg.options.get("action") != "store_true"
    return ", ".join(arg.flags) + (f" {value}" if takes and value else "")


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def markdown() -> str:
    """docs/cli.md."""
    return INTRO + "\n".join(_markdown()) + "\n"


def _markdown() -> Iterator[str]:
    yield from ("| command | what it does |", "| --- | --- |")
    for command in visible():
        yield f"| [`{command.name}`](#{command.name}) | {_cell(command.summary)} |"
    yield from ("", "## Exit codes", "", "| code | meaning |", "| --- | --- |")
    yield from (f"| {one.code} | {_cell(one.meaning)} |" for one in EXIT_CODES)
    yield from ("", "## Environment", "", "| name | what it sets |", "| --- | --- |")
    yield from (f"| `{name}` | {text} |" for name, text in ENVIRONMENT)
    for command in visible():
        yield from ("", f"## {command.name}", "", command.summary)
        if command.detail:
            yield from ("", command.detail)
        yield from ("", "```text", _usage(command), *command.examples, "```")
        if arguments(command):
            yield from ("", "| argument | what it is |", "| --- | --- |")
            yield from (f"| `{_cell(_flags(arg))}` | {_cell(arg.help)} |" for arg in arguments(command))


def _roff(text: str) -> str:
    """Text of a man page: nothing in it is a request, hyphens are hyphens."""
    escaped = text.replace("\\", "\\e").replace("-", "\\-").replace("`", "")
    return f"\\&{escaped}" if escaped.startswith((".", "'")) else escaped


def man() -> str:
    """guildnet(1), as man-pages(7) has it."""
    return "\n".join(_man()) + "\n"


def _man() -> Iterator[str]:
    yield f'.TH GUILDNET 1 "" "GuildNet {VERSION}" "User Commands"'
    yield from (".SH NAME", "guildnet \\- launch, reach and look after workspaces")
    yield from (".SH SYNOPSIS", ".B guildnet", _roff("COMMAND [ARGUMENTS]"), ".br", ".B kubectl workspace")
    yield from (_roff("COMMAND [ARGUMENTS]"), ".SH COMMANDS")
    for command in visible():
        yield from (".SS " + _roff(_usage(command)), _roff(f"{command.summary} {command.detail}".strip()))
        for arg in arguments(command):
            yield from (".TP", f".B {_roff(_flags(arg))}", _roff(arg.help))
    yield ".SH EXIT STATUS"
    for one in EXIT_CODES:
        yield from (".TP", f".B {one.code}", _roff(one.meaning))
    yield ".SH ENVIRONMENT"
    for name, text in ENVIRONMENT:
        yield from (".TP", f".B {name}", _roff(text))


if __name__ == "__main__":
    print({"md": markdown, "man": man}[sys.argv[1]](), end="")
