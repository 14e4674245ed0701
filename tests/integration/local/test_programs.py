"""Upstream programs built by the real Go compiler, from a module small enough for a test."""

import fcntl
import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from guildnet_local.build import go, pins, programs
from guildnet_local.build.pins import GROUPS, Group, UpstreamError
from guildnet_local.build.runner import Progress
from support.waiting import until

# Without imports, so that there is next to nothing to compile; println writes to standard error.
MAIN = """package main

var version = "unknown"

func main() { println("hello from", version) }
"""


@pytest.fixture
def group(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Group:
    """A group `tiny` of two programs in a module without dependencies; the cache is the test's own."""
    directory = tmp_path / "go" / "tiny"
    for name in ("greet", "part"):
        (directory / "cmd" / name).mkdir(parents=True)
        (directory / "cmd" / name / "main.go").write_text(MAIN)
    (directory / "go.mod").write_text("module example.org/tiny\n\ngo 1.21.0\n\n// example.org/tiny v1.2.3\n")
    (directory / "go.sum").write_text("")
    monkeypatch.setattr(pins, "GO_DIRECTORY", tmp_path / "go")
    # Go's own cache follows XDG_CACHE_HOME; left where it is, the runtime need not be compiled for every test.
    monkeypatch.setenv("GOCACHE", subprocess.check_output(["go", "env", "GOCACHE"], text=True).strip())
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    tiny = Group(
        "tiny", {"greet": "./cmd/greet", "part": "./cmd/part"}, "// example.org/tiny", {"main.version": "{version}"}
    )
    only(tiny, monkeypatch)
    return tiny


def only(group: Group, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let there be no other group."""
    for module in (pins, programs):
        monkeypatch.setattr(module, "GROUPS", {group.name: group})
        monkeypatch.setattr(module, "PROGRAMS", dict.fromkeys(group.programs, group))


def kept(tmp_path: Path) -> list[str]:
    return sorted(path.name for path in (tmp_path / "cache" / "guildnet" / "programs").iterdir())


def test_a_program_is_built_stamped_and_found_again_without_building(group: Group):
    said: list[str] = []
    built = programs.ensure(["greet"], report=said.append)
    greeting = subprocess.run([built["greet"]], capture_output=True, text=True, check=True)
    assert greeting.stderr == "hello from v1.2.3\n"
    assert re.fullmatch(r"building tiny v1\.2\.3 \(greet, part\) with go\S+ …", said[0])
    assert re.fullmatch(r"built tiny v1\.2\.3: \d+ packages, \d+ MB, \S+ s", said[-1])
    said.clear()
    assert programs.ensure(["tiny"], report=said.append)["greet"] == built["greet"]
    assert said == []


def test_one_package_can_be_several_programs_which_share_a_file(group: Group, monkeypatch: pytest.MonkeyPatch):
    several = replace(group, programs={"one": "./cmd/greet", "two": "./cmd/greet", "part": "./cmd/part"})
    only(several, monkeypatch)
    built = programs.ensure(["tiny"], report=lambda _: None)
    assert built["one"].samefile(built["two"])
    assert {path.name for path in built["one"].parent.iterdir()} == {"one", "two", "part", "build.json"}


def test_a_changed_source_is_built_anew_and_the_two_newest_builds_stay(group: Group, tmp_path: Path):
    built = []
    for number in range(3):
        (group.directory / "cmd" / "greet" / "more.go").write_text(f"package main\n\nconst more = {number}\n")
        built.append(programs.ensure(["greet"], report=lambda _: None)["greet"].parent)
        os.utime(built[-1], (number, number))
    assert [path.exists() for path in built] == [False, True, True]


def test_a_build_that_fails_says_which_program_and_why_and_leaves_nothing(group: Group, tmp_path: Path):
    (group.directory / "cmd" / "part" / "main.go").write_text("package main\n\nfunc main() { missing() }\n")
    with pytest.raises(UpstreamError) as refused:
        programs.ensure(["greet"], report=lambda _: None)
    text = str(refused.value)
    assert text.startswith("cannot build part: `go build` of tiny failed in package example.org/tiny/cmd/part")
    assert "cmd/part/main.go:3:15: undefined: missing" in text
    assert kept(tmp_path) == [".lock-tiny"]


def test_the_command_line_prints_the_path_alone_on_its_output(group: Group, capsys: pytest.CaptureFixture[str]):
    assert programs.main(["path", "part"]) == 0
    printed = capsys.readouterr()
    assert printed.out.endswith("/part\n")
    assert printed.out.count("\n") == 1
    assert "building tiny" in printed.err
    assert programs.main(["list"]) == 0
    assert re.search(r"^tiny\s+v1\.2\.3\s+built in \S+ s\s+greet part$", capsys.readouterr().out, re.MULTILINE)
    assert programs.main(["path", "headscale"]) == 1
    assert "no such program" in capsys.readouterr().err


def test_a_second_builder_waits_for_the_first_and_uses_its_build(group: Group, tmp_path: Path):
    said: list[str] = []
    waiting = threading.Event()

    def report(line: str) -> None:
        said.append(line)
        if "waiting" in line:
            waiting.set()

    cache = programs.cache_directory()
    with (cache / ".lock-tiny").open("a+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        second = threading.Thread(target=programs.ensure, args=(["greet"],), kwargs={"report": report})
        second.start()
        assert waiting.wait(30), "the second builder did not notice the first"
        programs.target(group, os.environ).mkdir()
    second.join(30)
    assert len(said) == 1, "the second builder built although the first had"


def slow_build(group: Group, slow: Path, report: Callable[[str], None]) -> go.GroupBuild:
    """A build of the group by `slow` in place of Go, with a heartbeat that a test can wait for."""
    compiler = go.Go(str(slow), "go1.26.8")
    return go.GroupBuild(group, compiler, os.environ, Progress(group.name, report, heartbeat_seconds=0.05))


def test_the_heartbeat_tells_how_far_a_long_build_is(group: Group, tmp_path: Path):
    slow = tmp_path / "slow-go"
    slow.write_text("#!/bin/sh\necho net/http\nexec sleep 0.3\n")
    slow.chmod(0o755)
    said: list[str] = []
    slow_build(group, slow, said.append).run(("build",), "compiling", 12)
    assert re.fullmatch(r"  tiny: compiling: 1 of up to 12 packages \(0\.\d s\)", said[-1])


QUICK = "exec sleep 300"
SLOW_TO_END = "exec >/dev/null 2>&1\ntrap 'sleep 0.4; exit 0' TERM\nwhile :; do sleep 0.05; done"


@pytest.mark.parametrize("work", [QUICK, SLOW_TO_END], ids=["ends at once", "takes its time"])
def test_a_build_that_is_interrupted_leaves_no_compiler_behind(group: Group, tmp_path: Path, work: str):
    pid_file = tmp_path / "pid"
    compiler = tmp_path / "compiler"
    compiler.write_text(f"#!/bin/sh\necho $$ > {pid_file}.new\nmv {pid_file}.new {pid_file}\n{work}\n")
    compiler.chmod(0o755)
    slow = tmp_path / "slow-go"
    slow.write_text(f"#!/bin/sh\n{compiler} &\nwait\n")
    slow.chmod(0o755)

    def interrupt(_: str) -> None:
        if pid_file.exists():
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        slow_build(group, slow, interrupt).run(("build",), "compiling")
    assert not alive(int(pid_file.read_text()))


def test_a_killed_builder_takes_its_compiler_along(group: Group, tmp_path: Path):
    pid_file = tmp_path / "pid"
    slow = tmp_path / "slow-go"
    slow.write_text(f"#!/bin/sh\necho $$ > {pid_file}.new\nmv {pid_file}.new {pid_file}\nexec sleep 300\n")
    slow.chmod(0o755)
    program = (
        "from guildnet_local.build.runner import Command, Progress, run;"
        f"run(Command([{str(slow)!r}], {{'PATH': '/usr/bin:/bin'}}), print, Progress('tiny', print), str)"
    )
    builder = subprocess.Popen([sys.executable, "-c", program])
    until(pid_file.exists, "the compiler started")
    builder.kill()
    builder.wait()
    compiler = int(pid_file.read_text())
    until(lambda: not alive(compiler), "the compiler ended")


def alive(pid: int) -> bool:
    """Whether the process runs; one that has ended but was not waited for by its parent does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_the_real_groups_are_listed_without_building(capsys: pytest.CaptureFixture[str]):
    assert programs.main(["list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == list(GROUPS)
    assert sum("v1.35.4" in line for line in lines) == 2
