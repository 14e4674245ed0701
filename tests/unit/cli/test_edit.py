"""edit: what is shown, what is sent, and what happens when somebody else was quicker."""

from __future__ import annotations

import re
import shlex
import sys
from pathlib import Path

import pytest
import yaml

from guildnet_cli.verbs import edit

from .conftest import PlayedApi, Run, refusal, reply
from .servers import LAB

pytestmark = pytest.mark.usefixtures("logged_in")


@pytest.fixture
def lab(api: PlayedApi) -> PlayedApi:
    api.on("GET /api/servers/lab", reply(LAB, ETag='"41"'))
    api.on("PATCH /api/servers/lab", reply(LAB, 202))
    return api


def changed(tmp_path: Path, **fields: object) -> str:
    """A file with what the editor shows of LAB, in which these fields are changed."""
    document = {**edit.document(LAB), **fields}  # type: ignore[arg-type]
    file = tmp_path / "new.yaml"
    file.write_text(yaml.safe_dump(document))
    return str(file)


@pytest.mark.parametrize(
    ("fields", "sent"),
    [
        ({"image": "acme/x:2"}, {"image": "acme/x:2"}),
        ({"notes": None}, {"notes": None}),
        ({"args": ["--fast"]}, {"args": ["--fast"]}),
        ({"command": ["sh", "-c", "x"]}, {"command": ["sh", "-c", "x"]}),
        ({"exposure": {"type": "LoadBalancer"}}, {"exposure": {"type": "LoadBalancer"}}),
        ({"env": {"MODE": "slow", "API_TOKEN": "********"}}, {"env": {"MODE": "slow"}}),
        ({"env": {"MODE": "fast", "API_TOKEN": "new"}}, {"env": {"API_TOKEN": "new"}}),
        ({"env": {"API_TOKEN": "********", "B": "1"}}, {"env": {"MODE": None, "B": "1"}}),
        ({"env": {}}, {"env": {"MODE": None, "API_TOKEN": None}}),
        ({"ports": [{"port": 80}]}, {"expose": [{"port": 80}]}),
        ({"labels": {"team": "b"}}, {"labels": {"team": "b"}}),
        ({"storage": {"size": "2Gi"}}, {"storage": {"size": "2Gi"}}),
        ({"resources": {"memory": "2Gi"}}, {"resources": {"memory": "2Gi"}}),
        ({"resources": {"cpu": "1"}}, {"resources": {"memory": None, "cpu": "1"}}),
    ],
)
def test_only_what_was_changed_is_sent_for_the_version_that_was_shown(run: Run, lab: PlayedApi, tmp_path, fields, sent):
    done = run("edit", "lab", "-f", changed(tmp_path, **fields))
    assert (done.code, done.out) == (0, f"changed lab: {', '.join(sent)}\n")
    assert lab.bodies("PATCH") == [sent]
    assert lab.asked[-1].headers["If-Match"] == '"41"'


@pytest.mark.parametrize("text", ["", "# nothing\n", edit.text_of(LAB)])  # type: ignore[arg-type]
def test_an_empty_or_unchanged_text_changes_nothing(run: Run, lab: PlayedApi, tmp_path: Path, text: str):
    file = tmp_path / "same.yaml"
    file.write_text(text)
    assert run("edit", "lab", "-f", str(file)).out == "lab is unchanged\n"
    assert lab.bodies("PATCH") == []


@pytest.mark.parametrize(
    ("text", "said"), [("image: [", "not YAML"), ("- a", "no mapping"), ("imgae: x", "unknown field: imgae")]
)
def test_a_text_that_cannot_be_read_is_told(run: Run, lab: PlayedApi, tmp_path: Path, text: str, said: str):
    file = tmp_path / "bad.yaml"
    file.write_text(text)
    done = run("edit", "lab", "-f", str(file))
    assert (done.code, said in done.err, lab.bodies("PATCH")) == (2, True, [])


def test_a_change_by_another_is_shown_and_kept(run: Run, lab: PlayedApi, tmp_path: Path):
    theirs = reply({**LAB, "image": "guildnet/jupyterlab:0.2.0"}, ETag='"42"')
    lab.on("GET /api/servers/lab", reply(LAB, ETag='"41"'), theirs)
    lab.on("PATCH /api/servers/lab", refusal(409, "stale", "lab has changed since you read it."))
    done = run("edit", "lab", "-f", changed(tmp_path, notes="mine"))
    assert done.code == 6
    assert "-image: guildnet/jupyterlab:0.1.0" in done.err
    assert "+image: guildnet/jupyterlab:0.2.0" in done.err


class Terminal:
    def isatty(self) -> bool:
        return True


def _editor(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, code: str) -> None:
    program = tmp_path / "editor.py"
    program.write_text(f"import pathlib, sys\nfile = pathlib.Path(sys.argv[1])\n{code}\n")
    monkeypatch.setattr("sys.stdin", Terminal())
    monkeypatch.setenv("VISUAL", shlex.join([sys.executable, str(program)]))


def test_the_editor_of_the_person_is_asked(run: Run, lab: PlayedApi, tmp_path: Path, monkeypatch):
    _editor(monkeypatch, tmp_path, "file.write_text(file.read_text().replace('for the course', 'for all'))")
    assert run("edit", "lab").code == 0
    assert lab.bodies("PATCH") == [{"notes": "for all"}]


def test_a_refused_text_is_kept_for_another_try(run: Run, lab: PlayedApi, tmp_path: Path, monkeypatch):
    _editor(monkeypatch, tmp_path, "file.write_text('image: \"\"')")
    lab.on("PATCH /api/servers/lab", refusal(400, "invalid_spec", "See image.", ("image", "too short")))
    done = run("edit", "lab")
    assert "  image: too short" in done.err
    kept = re.search(r"guildnet edit lab -f (\S+)", done.err)
    assert kept is not None
    assert Path(kept[1]).read_text() == 'image: ""'
    Path(kept[1]).unlink()


def test_an_editor_that_fails_changes_nothing(run: Run, lab: PlayedApi, tmp_path: Path, monkeypatch):
    _editor(monkeypatch, tmp_path, "file.unlink(); sys.exit(3)")
    done = run("edit", "lab")
    assert (done.code, "ended with status 3" in done.err, lab.bodies("PATCH")) == (1, True, [])


def test_without_a_terminal_a_file_is_asked_for(run: Run, lab: PlayedApi):
    assert "guildnet edit lab --file FILE" in run("edit", "lab").err
