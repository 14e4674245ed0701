"""From words to a command: only the parser of the command that is meant is built, and only its module imported."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from typing import NoReturn

from guildnet_cli import VERSION
from guildnet_cli.commands import COMMANDS, Command, arguments, visible
from guildnet_cli.errors import FAILED, INTERRUPTED, OK, USAGE, CliError

HEAD = """\
usage: guildnet COMMAND [ARGUMENTS]      also: kubectl workspace COMMAND [ARGUMENTS]

Workspaces on GuildNet: launch, reach, share and forget about them.
"""


class _Parser(argparse.ArgumentParser):
    """Its complaints are ours: on standard error, with the next step, exit code 2."""

    def error(self, message: str) -> NoReturn:
        raise CliError(USAGE, message, f"{self.prog} --help")


def overview() -> str:
    """What `guildnet --help` prints."""
    rows = [f"  {one.name:<12}{one.summary}" for one in visible()]
    first = ["", "First:  guildnet login URL      Then:  guildnet launch PRESET --open", ""]
    return "\n".join([HEAD, *rows, *first, "`guildnet COMMAND --help` says more of each; `guildnet --version`."])


def parser(command: Command) -> argparse.ArgumentParser:
    """The parser of one command."""
    examples = "\n".join(["examples:", *(f"  {one}" for one in command.examples)]) if command.examples else None
    text = f"{command.summary} {command.detail}".strip()
    made = _Parser(
        prog=f"guildnet {command.name}",
        description=text if not examples else _filled(text),
        epilog=examples,
        allow_abbrev=False,
        formatter_class=argparse.RawDescriptionHelpFormatter if examples else argparse.HelpFormatter,
    )
    for arg in arguments(command):
        made.add_argument(*arg.flags, help=arg.help.replace("%", "%%"), **arg.options)
    return made


def _filled(text: str) -> str:
    import textwrap

    return textwrap.fill(text, 78)


def find(name: str) -> Command:
    """Raises CliError for a command that there is not, with the one that may be meant."""
    for one in COMMANDS:
        if one.name == name:
            return one
    import difflib

    near = difflib.get_close_matches(name, [one.name for one in visible()], n=1)
    hint = f"did you mean `guildnet {near[0]}`?" if near else "guildnet --help   (the commands there are)"
    raise CliError(USAGE, f"there is no command {name!r}", hint)


def run(words: Sequence[str]) -> int:
    """Run a command line. Raises CliError; SystemExit for the help of a command."""
    if not words or words[0] in ("-h", "--help", "help"):
        if len(words) > 1 and words[0] == "help":
            parser(find(words[1])).print_help()
            return OK
        print(overview())
        return OK if words else USAGE
    if words[0] == "--version":
        print(f"guildnet {VERSION}")
        return OK
    command = find(words[0])
    if command.name == "__complete":
        # The words so far are anything, options too: no parser may take them for its own.
        asked = argparse.Namespace(typed=list(words[1:]))
    else:
        asked = parser(command).parse_args(words[1:])
    asked.verb = command.name
    module, _, function = command.run.partition(":")
    import importlib

    from guildnet_cli.call import Call

    call: Callable[[Call], int] = getattr(importlib.import_module(f"guildnet_cli.{module}"), function)
    return call(Call(asked, os.environ))


def main(words: Sequence[str]) -> int:
    """Run a command line and say what went wrong; the exit code is one of `errors.EXIT_CODES`."""
    try:
        return run(words)
    except CliError as problem:
        complain(problem)
        return problem.code
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read our answer has read enough; nothing may be written when the interpreter ends either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED


def complain(problem: CliError) -> None:
    """What failed, and the next step, on standard error."""
    print(f"error: {problem.message}", file=sys.stderr)
    if problem.hint:
        print(f"next:  {problem.hint}", file=sys.stderr)
