"""The run that is read next, and the lines that a `q` matches."""

from __future__ import annotations

from dataclasses import replace

import pytest

from guildnet.errors import Invalid
from guildnet_api.logs.matcher import MAX_QUERY_CHARACTERS, Matcher
from guildnet_api.logs.model import Run
from guildnet_api.logs.reader.cursor import Cursor, Step, next_step

CURRENT = Run("0123456789ab", "ws-1", "main", 3)


def run(restart: int) -> Run:
    return replace(CURRENT, restart=restart)


def at(restart: int, container: str = "main", pod: str = "01234567"):
    return Cursor.parse(f"{pod}.{restart}.{container}.5-0")


@pytest.mark.parametrize(
    ("done", "from_", "expected"),
    [
        (None, None, Step(run(3))),
        (None, at(3), Step(run(3))),
        (None, at(2), Step(run(2))),
        (None, at(1), Step(run(2), lost=True)),
        (None, at(0), Step(run(2), lost=True)),
        (None, at(2, pod="other"), Step(run(3), lost=True)),
        (None, at(2, container="other"), Step(run(3), lost=True)),
        (run(3), at(3), Step(None)),
        (run(2), at(2), Step(run(3))),
        (run(1), at(1), Step(run(2))),
        (run(0), at(0), Step(run(2), lost=True)),
        (replace(run(7), pod_uid="before"), at(7, pod="before"), Step(run(3))),
    ],
)
def test_what_is_left_of_earlier_runs_is_read_first_and_what_is_not_is_told(done, from_, expected):
    assert next_step(CURRENT, done, from_) == expected


def test_nothing_to_read_is_nothing_to_do():
    assert next_step(None, run(2), at(2)) == Step(None)


@pytest.mark.parametrize(
    ("text", "line", "found"),
    [
        ("error", "An Error", True),
        ("STRASSE", "straße", True),
        ("a.c", "abc", False),
        ("/a.c/", "abc", True),
        ("/a.c/", "ABC", False),
        ("/a.c/i", "ABC", True),
        ("/^GET .* 5\\d\\d$/", "GET /x 503", True),
        ("/", "a/b", True),
        ("//", "a//b", True),
        ("/var/log", "in /var/log", True),
        ("/etc/x", "in /etc/x", True),
    ],
)
def test_a_query_is_a_piece_of_text_or_an_expression_between_slashes(text: str, line: str, found: bool):
    assert Matcher(text).matches(line) is found


@pytest.mark.parametrize(
    "text",
    ["/(/", "/a**/", "/(?=x)/", "x" * (MAX_QUERY_CHARACTERS + 1), "/(x{1000}){1000}/", "/[ab].{250}[cd].{250}z/"],
)
def test_what_is_no_expression_is_refused_by_the_name_of_the_field(text: str):
    with pytest.raises(Invalid) as caught:
        Matcher(text)
    assert [detail.field for detail in caught.value.details] == ["q"]


@pytest.mark.timeout(60)
def test_an_expression_that_would_never_end_elsewhere_ends_here():
    """One that goes back to try another way would try more of them here than there are seconds."""
    assert not Matcher("/(a+)+$/").matches("a" * 16_000 + "b")
