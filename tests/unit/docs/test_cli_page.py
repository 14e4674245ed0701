"""docs/cli.md is made from the commands: `pytest tests/unit/docs --update-golden` writes it anew."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from guildnet_cli import commands, pages
from guildnet_cli.errors import EXIT_CODES
from guildnet_cli.main import parser

PAGE = Path(__file__).resolve().parents[3] / "docs" / "cli.md"


def test_the_page_of_the_command_line_is_current(update_golden: bool):
    if update_golden:
        PAGE.write_text(pages.markdown())
    assert PAGE.read_text() == pages.markdown(), "run: pytest tests/unit/docs --update-golden"


@pytest.mark.parametrize("command", commands.visible(), ids=lambda command: command.name)
def test_page_and_man_page_have_every_option_that_the_parser_takes(command: commands.Command):
    flags = {flag for action in parser(command)._actions for flag in action.option_strings} - {"-h", "--help"}
    section = pages.markdown().partition(f"\n## {command.name}\n")[2].partition("\n## ")[0]
    assert {flag for flag in flags if flag not in section} == set()
    assert {flag for flag in flags if flag.replace("-", "\\-") not in pages.man()} == set()


def test_every_exit_code_is_in_page_and_man_page():
    for one in EXIT_CODES:
        assert f"| {one.code} | " in pages.markdown()
        assert f".B {one.code}\n" in pages.man()


def test_the_man_page_is_one():
    """No line of text begins like a request, and a formatter, where there is one, complains of nothing."""
    requests = {line.split()[0] for line in pages.man().splitlines() if line.startswith((".", "'"))}
    assert requests <= {".TH", ".SH", ".SS", ".TP", ".B", ".br"}
    if groff := shutil.which("groff"):
        done = subprocess.run(
            [groff, "-man", "-Tascii", "-ww"], input=pages.man(), capture_output=True, text=True, check=True
        )
        assert done.stderr == ""


def test_every_example_is_a_command_that_parses():
    for command in commands.visible():
        for example in command.examples:
            words = (
                re.sub(r"^source <\((.*)\)$", r"\1", example)
                .replace('"$(make -s url)"', "http://x/login?token=t")
                .split()
            )
            assert words[:2] == ["guildnet", command.name]
            parser(command).parse_args(words[2:])


def test_the_verbs_of_a_later_service_are_free():
    assert not {"exec", "terminal", "ssh", "cp", "copy"} & {one.name for one in commands.COMMANDS}
