"""The first seconds of `make up`, with played make, Go and `up`: real processes, and what is left of them."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.waiting import until

ROOT = Path(__file__).parents[3]
# Answers for its version; the first build lasts until it is ended.
GO = """#!/bin/sh
[ "$1" = env ] && exec echo go1.26.10
echo $$ > {place}/go.new && mv {place}/go.new {place}/go.pid
exec sleep 300
"""
WAIT_FOR_GO = "while [ ! -e {place}/go.pid ]; do sleep 0.02; done"


class Start:
    """One `prepare` in a process group of its own, as a terminal would start it."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.script("bin/go", GO.format(place=place))
        self.process: subprocess.Popen[str] | None = None

    def script(self, name: str, text: str) -> Path:
        path = self.place / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        path.chmod(0o755)
        return path

    def run(self, make: str, up: str = "exit 0", **environ: str) -> subprocess.Popen[str]:
        """`make` and `up` are shell commands."""
        made = self.script("make", f"#!/bin/sh\n{make.format(place=self.place)}\n")
        upped = self.script("python", f"#!/bin/sh\n{up.format(place=self.place)}\n")
        self.process = subprocess.Popen(
            # A suite that runs in the background of a script inherits an ignored SIGINT, and so would this.
            ["env", "--default-signal=INT", sys.executable, "-m", "guildnet_local.prepare", str(made), str(upped)],
            env={
                "PATH": f"{self.place / 'bin'}:/usr/bin:/bin",
                "PYTHONPATH": str(ROOT / "tools" / "src"),
                "XDG_CACHE_HOME": str(self.place / "cache"),
                **environ,
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            process_group=0,
        )
        return self.process

    def compiler(self) -> int:
        return int((self.place / "go.pid").read_text())

    def half_made(self) -> list[Path]:
        return list((self.place / "cache").glob("guildnet/programs/.build-*"))


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    made = Start(tmp_path)
    yield made
    if made.process is not None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(made.process.pid, signal.SIGKILL)
        made.process.communicate()


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_compilers_are_at_work_while_packages_are_installed_and_when_up_takes_over(start: Start):
    told = "began=$GUILDNET_STARTED ahead=$GUILDNET_COMPILES_AHEAD path=$PYTHONPATH"
    up = f'echo "pid=$$ up=$* {told}"; read x < {{place}}/end'
    os.mkfifo(start.place / "end")
    began = "1000000000.5"
    process = start.run(f"echo make $*; {WAIT_FOR_GO}", up, GUILDNET_STARTED=began)
    assert process.stdout is not None
    said = ""
    while "pid=" not in said:
        said = process.stdout.readline()
        assert said, "it ended before `up` began"
    assert said == f"pid={process.pid} up=-m guildnet_local up began={began} ahead=1 path=\n"
    assert alive(start.compiler())
    assert start.half_made()
    (start.place / "end").write_text("\n")
    assert process.wait(30) == 0
    # What `up` did not wait for ends with it.
    until(lambda: not alive(start.compiler()), "the compiler ended")


def test_lines_of_the_compilers_carry_the_time_since_make_was_typed(start: Start):
    os.mkfifo(start.place / "end")
    process = start.run("read x < {place}/end", GUILDNET_STARTED="1.5")
    assert process.stdout is not None
    # The compilers end with `up`, which ends here as soon as it may: before they have said a word.
    line = next(line for line in process.stdout if "building etcd" in line)
    (start.place / "end").write_text("\n")
    assert process.wait(60) == 0
    assert float(line.split(" s]")[0].removeprefix("[")) > 1_000_000_000


def test_nothing_is_compiled_for_a_cluster_of_the_users(start: Start):
    process = start.run("exit 0", 'echo "ahead=$GUILDNET_COMPILES_AHEAD."', CLUSTER="context:work")
    assert process.communicate(timeout=60)[0] == "ahead=.\n"
    assert not (start.place / "go.pid").exists()


def test_an_installation_that_fails_ends_the_compilers_and_is_the_answer(start: Start):
    process = start.run(f"{WAIT_FOR_GO}; exit 3", "echo up")
    assert process.wait(60) == 3
    assert not alive(start.compiler())
    assert start.half_made() == []


def test_ctrl_c_during_the_installation_leaves_nothing_half_made(start: Start):
    process = start.run(f"{WAIT_FOR_GO}; touch {{place}}/installing; exec sleep 300")
    until((start.place / "installing").exists, "the installation began")
    os.killpg(process.pid, signal.SIGINT)
    assert process.wait(60) == 130
    until(lambda: not alive(start.compiler()), "the compiler ended")
    until(lambda: start.half_made() == [], "what was half made is gone")
    assert "Traceback" not in process.communicate()[0]
    # The next start is as the first one.
    (start.place / "go.pid").unlink()
    assert start.run(WAIT_FOR_GO).wait(60) == 0


def test_ctrl_c_when_up_has_taken_over_reaches_the_compilers(start: Start):
    process = start.run(WAIT_FOR_GO, "touch {place}/upping; exec sleep 300")
    until((start.place / "upping").exists, "`up` began")
    os.killpg(process.pid, signal.SIGINT)
    process.wait(60)
    until(lambda: not alive(start.compiler()), "the compiler ended")
    until(lambda: start.half_made() == [], "what was half made is gone")


def test_a_missing_go_is_left_to_up_to_say(start: Start):
    start.script("bin/go", "#!/bin/sh\necho broken >&2; exit 1\n")
    process = start.run("exit 0", "echo up took over")
    assert process.communicate(timeout=60)[0] == "up took over\n"


def test_an_up_installs_no_package_that_only_tests_use(start: Start):
    assert start.run("echo $* >{place}/asked", CLUSTER="context:work").wait(60) == 0
    target = (start.place / "asked").read_text().split()[-1]
    would = {
        verb: subprocess.run(["make", "--dry-run", verb], cwd=ROOT, capture_output=True, text=True, check=True).stdout
        for verb in (target, "setup")
    }
    assert "machine/packages.txt" in would[target]
    assert "tests/packages.txt" not in would[target]
    assert re.search(r"machine/packages\.txt.*tests/packages\.txt", would["setup"], re.DOTALL)


@pytest.mark.parametrize("cluster", ["kind", "context:work"])
def test_an_up_elsewhere_installs_nothing_that_a_node_runs(cluster: str):
    """Without apt-get, or root, an `up` ended there: it said to use a cluster that one has, which was asked for."""
    asked = subprocess.run(
        ["make", "--dry-run", "setup-up", f"CLUSTER={cluster}"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    always = [line for line in asked.stdout.splitlines() if line.startswith("tools/install-packages")]
    assert always == []
    assert ("skopeo" in asked.stdout) == cluster.startswith("context:"), "to push images, where they are pulled"
