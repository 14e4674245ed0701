"""Streams, tables, colours; and that the types are those of the api."""

from __future__ import annotations

import io
import json
import tomllib
from pathlib import Path
from typing import Any

import pytest

from guildnet.access import Action
from guildnet_cli import VERSION, output, sse, wire
from guildnet_cli.client import address
from guildnet_cli.errors import CliError
from guildnet_cli.verbs.capability import ACTIONS
from guildnet_cli.verbs.login import origin_and_token

OPENAPI = json.loads((Path(__file__).resolve().parents[1] / "api" / "openapi.json").read_text())["components"][
    "schemas"
]
TYPES = {
    "Server": wire.Server, "ServerPort": wire.ServerPort, "ServerCondition": wire.Condition, "Me": wire.Me,
    "Login": wire.Login, "Right": wire.Right,
    "WorkspaceEvent": wire.WorkspaceEvent, "LogLine": wire.LogLine, "ImagePreset": wire.ImagePreset,
}  # fmt: skip


@pytest.mark.parametrize("name", TYPES)
def test_a_type_has_the_fields_that_the_api_documents(name: str):
    assert set(TYPES[name].__annotations__) == set(OPENAPI[name]["properties"])


def test_the_actions_are_those_that_a_capability_can_allow():
    assert sorted(ACTIONS) == sorted(action.value for action in Action)


def test_the_package_and_the_program_have_one_version():
    project = tomllib.loads((Path(__file__).resolve().parents[3] / "cli" / "pyproject.toml").read_text())["project"]
    assert project["version"] == VERSION


class Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("stream", "environ", "colours"),
    [
        (Screen(), {"TERM": "xterm"}, True),
        (Screen(), {"TERM": "xterm", "NO_COLOR": "1"}, False),
        (Screen(), {"TERM": "dumb"}, False),
        (io.StringIO(), {"TERM": "xterm"}, False),
    ],
)
def test_colours_are_for_terminals_that_want_them(monkeypatch: pytest.MonkeyPatch, stream, environ, colours: bool):
    monkeypatch.delenv("NO_COLOR", raising=False)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    assert output.coloured(stream) is colours


def test_a_log_line_keeps_its_colours_and_loses_what_a_terminal_would_obey():
    assert output.safe_line("\x1b[31mred\x1b[0m\x1b]0;title\x07\x1b[2J") == "\x1b[31mred\x1b[0m ]0;title [2J\x1b[0m"
    assert output.safe_line("a\tb\r\n") == "a    b "


def test_a_table_is_as_wide_as_its_cells_and_says_what_is_not_known():
    columns = [output.Column("A", "a"), output.Column("B", "b")]
    assert output.table([{"a": "long cell", "b": 1}, {"a": None}], columns) == [
        "A          B",
        "long cell  1",
        "-          -",
    ]


@pytest.mark.parametrize(
    ("seconds", "shown"), [(0, "0s"), (119, "119s"), (120, "2m"), (7200, "2h"), (172800, "2d"), (-5, "0s")]
)
def test_ages_are_as_kubectl_shows_them(seconds: float, shown: str):
    assert output.age(seconds) == shown


def test_events_are_read_as_the_standard_says():
    stream = b": ping\n\nretry: 5\n\nid: 1\nevent: server\ndata: {\ndata: }\n\ndata: 2\n\nevent: cut off\ndata: 3\n"
    assert list(sse.events(io.BytesIO(stream))) == [sse.Event("server", {}, "1"), sse.Event("", 2, "1")]


@pytest.mark.parametrize(
    ("url", "where"),
    [
        ("http://guildnet.localhost:8080", ("127.0.0.1", 8080, "guildnet.localhost:8080")),
        ("https://g.example.ts.net", ("g.example.ts.net", 443, "g.example.ts.net")),
        ("http://localhost", ("127.0.0.1", 80, "localhost")),
        ("https://user:pw@g.example", ("g.example", 443, "g.example")),
    ],
)
def test_where_an_install_is_connected_to(url: str, where: tuple[str, int, str]):
    found = address(url)
    assert (found.host, found.port, found.authority) == where


@pytest.mark.parametrize("url", ["", "ftp://x", "https://", "http://x:port", "http://[::1"])
def test_what_is_no_address_of_an_install(url: str):
    with pytest.raises(CliError):
        address(url)


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ("http://g.test:1/login?token=t.t&next=/", ("http://g.test:1", "t.t")),
        ("g.example.ts.net", ("https://g.example.ts.net", "")),
        ("https://g.test/", ("https://g.test", "")),
    ],
)
def test_an_address_may_be_a_login_url(given: str, found: tuple[str, str]):
    assert origin_and_token(given) == found


def test_every_value_of_a_row_is_on_one_line():
    rows: list[dict[str, Any]] = [{"a": "x\r\ny\x9b"}]
    assert output.table(rows, [output.Column("A", "a")])[1] == "x y"
