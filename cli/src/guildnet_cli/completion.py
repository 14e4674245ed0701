"""Shell completion. The scripts ask `guildnet __complete WORDS…`, so they never need to be written anew."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Final

from guildnet_cli.call import Call
from guildnet_cli.commands import COMMANDS, Arg, Command, arguments, visible
from guildnet_cli.errors import OK, CliError

Names = Callable[[], list[str]]
SECONDS: Final = 2.0
"""A shell that waits for longer looks broken."""

_SCRIPTS: Final = {
    "bash": """\
_guildnet() {
  local IFS=$'\\n'
  local found="$(guildnet __complete "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)"
  COMPREPLY=($(compgen -W "$found" -- "${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _guildnet guildnet
""",
    "zsh": """\
#compdef guildnet
_guildnet() {
  local -a found
  found=("${(@f)$(guildnet __complete "${(@)words[2,CURRENT]}" 2>/dev/null)}")
  compadd -a found
}
compdef _guildnet guildnet
""",
    "fish": """\
complete -c guildnet -f -a '(guildnet __complete (commandline -opc)[2..] (commandline -ct) 2>/dev/null)'
""",
}


def script(call: Call) -> int:
    print(_SCRIPTS[call.asked.shell], end="")
    return OK


def words(call: Call) -> int:
    """One word a line; nothing at all where something is wrong, since nobody could read it."""
    typed = list(call.asked.typed) or [""]
    with suppress(CliError):
        for word in candidates(typed, lambda: workspace_names(call), lambda: list(call.installs.known)):
            if word.startswith(typed[-1]):
                print(word)
    return OK


def workspace_names(call: Call) -> list[str]:
    return [server["id"] for server in call.client_within(SECONDS).servers()]


def candidates(typed: list[str], workspaces: Names, installs: Names) -> Iterator[str]:
    """What may stand for the last of the words typed, before it is narrowed to those that begin like it."""
    if len(typed) == 1:
        yield from (one.name for one in visible())
        return
    command = next((one for one in COMMANDS if one.name == typed[0]), None)
    if command is None:
        return
    before = _option(command, typed[-2]) if len(typed) > 2 else None
    if before is not None and before.options.get("action") != "store_true":
        yield from _values(before, workspaces, installs)
    elif typed[-1].startswith("-"):
        yield from (flag for arg in arguments(command) for flag in arg.flags if flag.startswith("-"))
    else:
        arg = _positional(command, typed[1:-1])
        if arg is not None:
            given = set(typed[1:-1])
            yield from (word for word in _values(arg, workspaces, installs) if word not in given)


def _values(arg: Arg, workspaces: Names, installs: Names) -> list[str]:
    if "choices" in arg.options:
        return list(arg.options["choices"])
    if arg.flags[0] in ("workspace", "workspaces"):
        return workspaces()
    return installs() if arg.flags[0] in ("--install", "name") else []


def _option(command: Command, flag: str) -> Arg | None:
    return next((arg for arg in arguments(command) if flag in arg.flags and flag.startswith("-")), None)


def _positional(command: Command, before: list[str]) -> Arg | None:
    """The positional argument whose turn it is after these words."""
    count, skip = 0, False
    for word in before:
        option = _option(command, word)
        if skip:
            skip = False
        elif option is not None:
            skip = option.options.get("action") != "store_true"
        elif not word.startswith("-"):
            count += 1
    positionals = [arg for arg in command.args if not arg.flags[0].startswith("-")]
    if not positionals:
        return None
    last = positionals[-1]
    return (
        positionals[count] if count < len(positionals) else (last if last.options.get("nargs") in ("+", "*") else None)
    )
