"""Each command before a played api: what it asks, prints and returns."""

from __future__ import annotations

import json
import re

import pytest
import yaml

from guildnet_cli import commands, errors

from .conftest import ME, PlayedApi, Run, frames, refusal, reply
from .servers import LAB, PENDING, condition

pytestmark = pytest.mark.usefixtures("logged_in")
PRESETS = [{"name": "jupyterlab", "label": "JupyterLab", "image": "guildnet/jupyterlab:0.1.0"}]


# ---- the command line itself ----------------------------------------------------------------------------------------


def test_help_lists_every_command(run: Run):
    done = run("--help")
    assert done.code == 0
    assert re.findall(r"^  ([a-z]+) ", done.out, re.MULTILINE) == [one.name for one in commands.visible()]


@pytest.mark.parametrize("name", [one.name for one in commands.visible()])
def test_every_command_has_help(run: Run, name: str):
    done = run(name, "--help")
    assert (done.code, f"usage: guildnet {name}" in done.out) == (0, True)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("lisst",), "did you mean `guildnet list`?"),
        (("xyzzy",), "guildnet --help"),
        (("list", "-o", "xml"), "guildnet list --help"),
        (("stop",), "guildnet stop --help"),
        (("launch", "jupyterlab", "-e", "MODE"), "--env NAME=value"),
        (("launch", "acme/x:1", "-p", "http"), "--port 3000"),
        (("launch", "acme/x:1", "--timeout", "soon"), "--timeout 10m"),
        (("logs", "lab", "-f", "--since", "yesterday"), "--since 10m"),
        (("logs", "lab", "-n", "-3"), "--lines 200"),
    ],
)
def test_a_mistake_is_named_with_the_next_step(run: Run, api: PlayedApi, words: tuple[str, ...], said: str):
    api.on("GET /api/images", PRESETS)
    done = run(*words)
    assert done.code == errors.USAGE
    assert re.fullmatch(r"error: .+\nnext:  .+\n", done.err, re.DOTALL)
    assert said in done.err
    assert [one for one in api.asked if one.method != "GET"] == []


@pytest.mark.parametrize(
    ("status", "code"), [(401, 4), (403, 5), (404, 3), (409, 6), (503, 7), (502, 7), (504, 7), (400, 1), (500, 1)]
)
def test_a_refusal_has_its_exit_code_and_the_servers_words(run: Run, api: PlayedApi, status: int, code: int):
    api.on("GET /api/servers", refusal(status, "some_code", "This is why.", ("q", "too long")))
    done = run("list")
    assert done.code == code
    assert done.err.startswith("error: This is why.\n  q: too long\n")


def test_the_exit_codes_that_are_documented_are_those_there_are():
    listed = [one.code for one in errors.EXIT_CODES]
    values = [value for name, value in vars(errors).items() if name.isupper() and isinstance(value, int)]
    assert sorted(listed) == sorted(values)
    assert len(set(listed)) == len(listed)


def test_an_install_that_does_not_answer_is_unreachable(run: Run, api: PlayedApi):
    api.down = ConnectionRefusedError(111, "Connection refused")
    done = run("list")
    assert (done.code, "does not answer: Connection refused" in done.err, "guildnet doctor" in done.err) == (
        7,
        True,
        True,
    )


def test_what_is_not_guildnet_is_told(run: Run, api: PlayedApi):
    api.on("GET /api/servers", reply(b"<html>"))
    assert "does not answer as GuildNet does" in run("list").err


def test_requests_carry_the_token_and_the_name_of_the_install(run: Run, api: PlayedApi):
    api.on("GET /api/servers", [])
    run("list")
    assert api.asked[0].headers["Authorization"] == "Bearer secret-token"
    assert api.asked[0].headers["Host"] == "guildnet.test"


# ---- list -----------------------------------------------------------------------------------------------------------


def test_list_is_a_table_without_colours_in_a_pipe(run: Run, api: PlayedApi):
    api.on("GET /api/servers", [LAB, PENDING])
    lines = run("list").out.splitlines()
    assert lines[0].split() == ["NAME", "STATUS", "OWNER", "AGE", "IMAGE", "REASON"]
    assert lines[1].split()[:3] == ["lab", "running", "alice@example.com"]
    assert lines[2].split()[-1] == "Unschedulable"
    assert "\x1b" not in "".join(lines)


def test_list_in_the_other_formats_is_what_the_api_says(run: Run, api: PlayedApi):
    api.on("GET /api/servers", [LAB])
    assert json.loads(run("list", "-o", "json").out) == [LAB]
    assert yaml.safe_load(run("list", "-o", "yaml").out) == [LAB]
    assert run("list", "-o", "name").out == "lab\n"


def test_list_hands_its_filters_on(run: Run, api: PlayedApi):
    api.on("GET /api/servers", [])
    done = run("list", "--status", "running,failed", "--owner", "bob", "-q", "data")
    assert api.asked[0].query == {"q": "data", "status": "running,failed", "owner": "bob"}
    assert (done.out, "no workspaces" in done.err) == ("", True)


def test_a_table_obeys_no_escape_sequence_of_a_workspace(run: Run, api: PlayedApi):
    api.on("GET /api/servers", [{**LAB, "image": "x\x1b]0;evil\x07\ny"}])
    out = run("list").out
    assert "\x1b" not in out
    assert out.count("\n") == 2


def test_watch_shows_each_change_once_and_goes_on_after_a_break(run: Run, api: PlayedApi):
    first = frames(("server", LAB, ""), ("server", PENDING, ""), ("synced", {"full": True, "ids": ["lab", "new"]}, "7"))
    second = frames(("server", {**PENDING, "status": "running"}, "8"), ("gone", {"id": "lab"}, "9"))
    api.on("GET /sse/servers", reply(first), reply(second), refusal(401, "bad_token", "The token is not valid."))
    done = run("list", "--watch")
    assert [line.split()[:2] for line in done.out.splitlines()] == [
        ["NAME", "STATUS"], ["lab", "running"], ["new", "pending"], ["new", "running"], ["lab", "gone"],
    ]  # fmt: skip
    assert [one.headers.get("Last-Event-ID") for one in api.asked] == [None, "7", "9"]
    assert done.code == 4


def test_watch_waits_out_an_install_that_is_away_but_not_one_that_never_was_there(run: Run, api: PlayedApi):
    away = refusal(503, "not_ready", "Not yet.")
    ended = refusal(403, "forbidden", "No more.")
    api.on("GET /sse/servers", reply(frames(("server", LAB, "1"))), away, away, ended)
    assert run("list", "-w").code == 5
    assert len(api.asked) == 4
    api.on("GET /sse/servers", away)
    assert run("list", "-w").code == 7


def test_watch_tells_of_one_that_leaves_the_filter(run: Run, api: PlayedApi):
    stream = frames(("server", LAB, "1"), ("server", PENDING, "2"), ("server", {**LAB, "status": "stopped"}, "3"))
    api.on("GET /sse/servers", reply(stream), refusal(403, "forbidden", "End."))
    lines = run("list", "-w", "--status", "running", "-o", "json").out.splitlines()
    assert [(one["id"], one["status"]) for one in map(json.loads, lines)] == [("lab", "running"), ("lab", "stopped")]


# ---- launch and open ------------------------------------------------------------------------------------------------


def test_launch_of_a_preset(run: Run, api: PlayedApi):
    api.on("GET /api/images", PRESETS)
    api.on("POST /api/jobs", reply({"id": "lab", "status": "pending"}, 202))
    api.on("GET /api/servers/lab", {**LAB, "status": "pending"})
    done = run("launch", "jupyterlab", "--name", "lab", "-e", "MODE=a=b", "--storage", "10Gi", "--memory", "2Gi",
               "-p", "8888", "-p", "9000:admin", "-l", "team=data", "--command", "run 'a b'", "--arg=--x")  # fmt: skip
    assert (done.code, done.out) == (0, "lab\n")
    assert api.bodies("POST") == [
        {
            "image": "guildnet/jupyterlab:0.1.0", "presetsRef": "jupyterlab", "name": "lab", "env": {"MODE": "a=b"},
            "storage": {"size": "10Gi"}, "resources": {"memory": "2Gi"}, "command": ["run", "a b"], "args": ["--x"],
            "expose": [{"port": 8888}, {"port": 9000, "name": "admin"}], "labels": {"team": "data"},
        }
    ]  # fmt: skip


def test_launch_without_a_volume_says_so_to_the_api(run: Run, api: PlayedApi):
    api.on("GET /api/images", [])
    api.on("POST /api/jobs", reply({"id": "x-1"}, 202))
    api.on("GET /api/servers/x-1", PENDING)
    run("launch", "acme/x:1", "--storage", "none")
    assert api.bodies("POST") == [{"image": "acme/x:1", "storage": None}]


@pytest.mark.parametrize(
    ("said", "asked"),
    [("LoadBalancer", {"type": "LoadBalancer"}), ("Ingress:a.b", {"type": "Ingress", "domain": "a.b"})],
)
def test_launch_asks_for_a_way_past_the_proxy(run: Run, api: PlayedApi, said: str, asked: dict[str, str]):
    api.on("GET /api/images", [])
    api.on("POST /api/jobs", reply({"id": "x-1"}, 202))
    api.on("GET /api/servers/x-1", PENDING)
    run("launch", "acme/x:1", "--exposure", said)
    assert api.bodies("POST") == [{"image": "acme/x:1", "exposure": asked}]


def test_a_word_that_is_no_preset_is_not_taken_for_an_image(run: Run, api: PlayedApi):
    api.on("GET /api/images", PRESETS)
    done = run("launch", "jupiterlab")
    assert (done.code, "this install has: jupyterlab" in done.err, api.bodies("POST")) == (3, True, [])


def test_launch_shows_each_condition_once_until_it_is_ready(run: Run, api: PlayedApi):
    waiting = condition("Ready", "False", "Starting", "The container runs.")
    api.on("GET /api/images", PRESETS)
    api.on("POST /api/jobs", reply({"id": "new"}, 202))
    api.on(
        "GET /api/servers/new",
        {**PENDING, "conditions": [waiting]},
        refusal(503, "not_ready", "A restart of the api is waited out."),
        {**PENDING, "conditions": [waiting, condition("Scheduled", "True", "Scheduled", "Placed on node a.")]},
        {**PENDING, "status": "running", "conditions": [condition("Ready", "True", "Ready", "It answers.")]},
    )
    done = run("launch", "jupyterlab", "--wait")
    assert done.code == 0
    steps = [line.split(" s  ")[1].split()[0] for line in done.err.splitlines() if " s  " in line]
    assert steps == ["Ready", "Scheduled", "Ready", "ready"]
    assert "guildnet open new" in done.err


def test_launch_that_fails_says_what_to_do(run: Run, api: PlayedApi):
    api.on("GET /api/images", PRESETS)
    api.on("POST /api/jobs", reply({"id": "new"}, 202))
    crash = condition("Degraded", "True", "CrashLoop", "The container ended with 1.")
    api.on("GET /api/servers/new", {**PENDING, "status": "failed", "message": "It ended.", "conditions": [crash]})
    done = run("launch", "jupyterlab", "--wait")
    assert (done.code, done.err.splitlines()[-1]) == (1, "next:  guildnet logs new --previous")


def test_launch_that_takes_too_long_is_told_apart(run: Run, api: PlayedApi):
    api.on("GET /api/images", PRESETS)
    api.on("POST /api/jobs", reply({"id": "new"}, 202))
    api.on("GET /api/servers/new", PENDING)
    done = run("launch", "jupyterlab", "--wait", "--timeout", "0")
    assert (done.code, "guildnet why new" in done.err) == (8, True)


def test_open_prints_the_address(run: Run, api: PlayedApi):
    api.on("GET /api/servers/lab", LAB)
    assert run("open", "lab").out == "http://lab-0123.guildnet.test/\n"
    assert run("open", "lab", "--port", "9000").out == "http://guildnet.test/proxy/server/lab/~9000/\n"
    missing = run("open", "lab", "--port", "1")
    assert (missing.code, "it has 8888, 9000" in missing.err) == (3, True)


def test_open_shows_a_person_the_password_and_no_pipe(run: Run, api: PlayedApi, monkeypatch: pytest.MonkeyPatch):
    api.on("GET /api/servers/lab", LAB)
    api.on("GET /api/servers/lab/login", {"password": "opensesame"})
    assert "opensesame" not in run("open", "lab").err
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    done = run("open", "lab", "--print")
    assert (done.out, done.err) == (
        "http://lab-0123.guildnet.test/\n", "note:  if it asks for a password: opensesame\n",
    )  # fmt: skip


def test_open_shows_no_password_where_none_is_known(run: Run, api: PlayedApi, monkeypatch: pytest.MonkeyPatch):
    api.on("GET /api/servers/lab", LAB)
    refused = {"code": "no_login", "message": "No password of lab is known here."}
    api.on("GET /api/servers/lab/login", reply(refused, 404))
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    done = run("open", "lab", "--print")
    assert (done.code, done.err) == (0, "")


def test_open_of_what_does_not_run_says_why(run: Run, api: PlayedApi):
    stopped = [condition("Ready", "False", "Stopped", "It is stopped.")]
    api.on("GET /api/servers/lab", {**LAB, "status": "stopped", "conditions": stopped})
    done = run("open", "lab")
    assert (done.code, done.err) == (6, "error: lab is stopped: It is stopped.\nnext:  guildnet start lab\n")


# ---- logs -----------------------------------------------------------------------------------------------------------


def test_logs_hand_every_filter_on(run: Run, api: PlayedApi):
    api.on("GET /api/servers/lab/logs", [{"t": "2026-01-01T00:00:00Z", "lvl": "info", "msg": "hello"}])
    done = run(
        "logs", "lab", "--since", "10m", "--grep", "/x/i", "-c", "main", "--previous", "-n", "5", "--level", "error"
    )
    assert done.out == "hello\n"
    assert api.asked[0].query == {
        "limit": "5", "since": "10m", "q": "/x/i", "level": "error", "container": "main", "previous": "true",
    }  # fmt: skip


def test_logs_follow_goes_on_at_the_next_line(run: Run, api: PlayedApi):
    source = ("source", {"pod": "lab-1", "container": "main", "restart": 2}, "")
    first = frames(source, ("", {"msg": "one"}, "a1"), ("", {"msg": "two"}, "a2"))
    gap = ("gap", {"reason": "lost", "message": "3 lines are lost", "after": "a2"}, "")
    api.on("GET /sse/logs", reply(first), reply(frames(gap, ("", {"msg": "six"}, "a6"), ("end", {}, ""))))
    done = run("logs", "lab", "-f", "--grep", "o")
    assert done.out == "one\ntwo\nsix\n"
    assert done.err == "-- main of lab-1, restart 2 --\n-- gap: 3 lines are lost --\n"
    assert [one.headers.get("Last-Event-ID") for one in api.asked] == [None, "a2"]
    assert api.asked[0].query == {"target": "lab", "tail": "200", "q": "o"}


def test_a_reader_that_was_cut_goes_on_where_the_server_says(run: Run, api: PlayedApi):
    cut = ("cut", {"reason": "slow", "message": "Too slow.", "lastEventId": "a9"}, "")
    api.on("GET /sse/logs", reply(frames(("", {"msg": "x"}, "a2"), cut)), reply(frames(("end", {}, ""))))
    assert run("logs", "lab", "-f").code == 0
    assert api.asked[1].headers["Last-Event-ID"] == "a9"


def test_following_since_a_time_drops_what_is_older(run: Run, api: PlayedApi):
    lines = [("", {"t": f"2026-01-01T00:00:0{n}.123456789Z", "msg": str(n)}, f"a{n}") for n in (1, 2, 3)]
    api.on("GET /sse/logs", reply(frames(*lines, ("end", {}, ""))))
    assert run("logs", "lab", "-f", "--since", "2026-01-01T00:00:02Z").out == "2\n3\n"


def test_logs_as_json_are_an_object_a_line(run: Run, api: PlayedApi):
    line = {"t": "2026-01-01T00:00:00Z", "msg": "a\x1b[31mb", "container": "main"}
    api.on("GET /api/servers/lab/logs", [line])
    assert json.loads(run("logs", "lab", "-o", "json").out) == line
    assert run("logs", "lab", "-t", "-c", "*").out == "2026-01-01T00:00:00Z [main] a\x1b[31mb\n"


# ---- stop, start, restart, delete -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("verb", "said"), [("stop", "stopped"), ("start", "starting"), ("restart", "restarting")])
def test_several_are_changed_and_the_first_failure_is_the_exit_code(run: Run, api: PlayedApi, verb: str, said: str):
    api.on(f"POST /api/servers/a/{verb}", reply(LAB, 202))
    api.on(f"POST /api/servers/b/{verb}", refusal(409, "conflict", "b is being deleted."))
    api.on(f"POST /api/servers/c/{verb}", reply(LAB, 202))
    done = run(verb, "a", "b", "c", "a")
    assert (done.code, done.out) == (6, f"{said} a\n{said} c\n")
    assert "error: b is being deleted." in done.err
    assert len(api.asked) == 3


def test_delete_asks_nobody_in_a_script(run: Run, api: PlayedApi):
    done = run("delete", "a", "b")
    assert (done.code, "guildnet delete a b --yes" in done.err, api.asked) == (2, True, [])
    api.on("DELETE /api/servers/a", {"deleted": "a"})
    assert run("delete", "a", "--yes").out == "deleted a\n"


@pytest.mark.parametrize(("answer", "deleted"), [("y\n", 1), ("n\n", 0), ("\n", 0)])
def test_delete_asks_a_person(run: Run, api: PlayedApi, monkeypatch: pytest.MonkeyPatch, answer: str, deleted: int):
    class Terminal:
        def isatty(self) -> bool:
            return True

        def readline(self) -> str:
            return answer

    monkeypatch.setattr("sys.stdin", Terminal())
    api.on("DELETE /api/servers/a", {"deleted": "a"})
    assert "delete a, volumes included? [y/N]" in run("delete", "a").err
    assert len(api.asked) == deleted


# ---- capability check -----------------------------------------------------------------------------------------------


def test_capability_check_says_what_is_allowed(run: Run, api: PlayedApi):
    done = run("capability", "check", "-o", "json")
    allowed = [row["action"] for row in json.loads(done.out) if row["allowed"] == "yes"]
    assert (done.code, sorted(allowed)) == (0, sorted(ME["actions"]))


@pytest.mark.parametrize(
    ("verdict", "code", "allowed", "rule"),
    [
        ({"verdict": "forward", "access": "capability/team"}, 0, "yes", "capability/team"),
        ({"verdict": "refused", "status": 403, "code": "forbidden", "rule": "no-capability"}, 5, "no", "no-capability"),
    ],
)
def test_capability_check_of_a_workspace_names_the_rule(run: Run, api: PlayedApi, verdict, code, allowed, rule):
    api.on("GET /api/proxy-debug", verdict)
    done = run("capability", "check", "lab", "-o", "json")
    row = next(one for one in json.loads(done.out) if one["action"] == "proxy")
    assert (done.code, row) == (code, {"action": "proxy", "allowed": allowed, "rule": rule})


def test_capability_check_of_what_is_not_there(run: Run, api: PlayedApi):
    api.on("GET /api/proxy-debug", {"verdict": "refused", "status": 404, "code": "not_found", "rule": "unknown"})
    assert run("capability", "check", "nope").code == 3


def test_events_are_a_table(run: Run, api: PlayedApi):
    api.on(
        "GET /api/servers/lab/events",
        [{"t": "T", "type": "Warning", "reason": "BackOff", "message": "m", "object": "Pod/x"}],
    )
    assert run("events", "lab").out.splitlines()[1].split() == ["T", "Warning", "BackOff", "Pod/x", "-", "m"]
