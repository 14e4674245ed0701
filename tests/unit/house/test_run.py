"""`make test` and the cluster it runs on: a process of its own, with a played local cluster and a played pytest."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import run
from support.waiting import until

ROOT = Path(__file__).resolve().parents[3]
# A cluster is the file `cluster`; every command that was given is a line of `told`.
CLUSTER = """
import os, pathlib, sys, time
told, cluster = pathlib.Path(os.environ["TOLD"]), pathlib.Path(os.environ["TOLD"]).parent / "cluster"
verb = sys.argv[1]
with told.open("a") as file:
    print(verb, file=file)
if verb == "status":
    sys.exit(0 if cluster.exists() else 3)
if verb == "up":
    cluster.touch()
    if os.environ.get("SLOW") == "up":
        try:
            time.sleep(60)
        except KeyboardInterrupt:
            sys.exit(130)
    sys.exit(int(os.environ.get("UP_STATUS", "0")))
if verb == "down":
    time.sleep(0.5)
    cluster.unlink()
"""
# Takes a second to take away what it made, longer than `subprocess.run` gives the child of an interrupted program.
PYTEST = """
import os, pathlib, sys, time
told = pathlib.Path(os.environ["TOLD"])
def tell(text):
    with told.open("a") as file:
        print(text, file=file)
try:
    tell(" ".join(["pytest", *sys.argv[1:]]))
    if os.environ.get("SLOW") == "pytest":
        time.sleep(60)
except KeyboardInterrupt:
    time.sleep(1)
    tell("tidied up")
    sys.exit(2)
"""


class Played:
    """`tests/run.py e2e` in front of played programs."""

    def __init__(self, directory: Path, **environ: str) -> None:
        for name, text in (("guildnet_local", CLUSTER), ("pytest", PYTEST)):
            (directory / name).mkdir()
            # What is not played is the real package's.
            (directory / name / "__init__.py").write_text(
                "from pkgutil import extend_path\n__path__ = extend_path(__path__, __name__)\n"
            )
            (directory / name / "__main__.py").write_text(text)
        self.cluster, self._told = directory / "cluster", directory / "told"
        self._environ = {**os.environ, **environ, "PYTHONPATH": str(directory), "TOLD": str(self._told)}
        self.process: subprocess.Popen[str]

    @property
    def told(self) -> list[str]:
        return self._told.read_text().splitlines() if self._told.exists() else []

    def start(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, str(ROOT / "tests" / "run.py"), "e2e"],
            env=self._environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
        )  # fmt: skip

    def await_word(self, word: str) -> None:
        until(lambda: any(line.startswith(word) for line in self.told), word)

    def ended(self) -> tuple[int, str]:
        output, _ = self.process.communicate(timeout=60)
        return self.process.returncode, output


@pytest.fixture
def played(tmp_path: Path) -> Iterator[Callable[..., Played]]:
    started: list[Played] = []

    def make(*, there: bool = False, **environ: str) -> Played:
        made = Played(tmp_path, **environ)
        if there:
            made.cluster.touch()
        started.append(made)
        made.start()
        return made

    yield make
    for one in started:
        if one.process.poll() is None:
            one.process.kill()
            one.process.wait()


RINGS = [
    "pytest tests/e2e --durations=10 --ignore=tests/e2e/afterwards",
    "pytest tests/e2e/afterwards --durations=10",
]


def test_a_cluster_that_the_run_brought_up_goes_away_with_it(played: Callable[..., Played]):
    one = played()
    assert one.ended()[0] == 0
    assert one.told == ["status", "up", *RINGS, "down"]
    assert not one.cluster.exists()


def test_a_cluster_that_was_there_stays_and_the_run_says_what_it_does_to_it(played: Callable[..., Played]):
    one = played(there=True)
    status, said = one.ended()
    assert status == 0
    assert one.told == ["status", "up", *RINGS]
    assert "Your workspaces stay" in said


def test_a_cluster_that_could_not_be_brought_up_is_taken_down(played: Callable[..., Played]):
    one = played(UP_STATUS="1")
    assert one.ended()[0] == 1
    assert one.told == ["status", "up", "down"]


@pytest.mark.parametrize("signal_", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP], ids=lambda one: one.name)
@pytest.mark.parametrize("moment", ["up", "pytest"])
def test_an_interrupted_run_leaves_no_cluster_that_was_not_there(
    played: Callable[..., Played], moment: str, signal_: signal.Signals
):
    one = played(SLOW=moment)
    one.await_word(moment)
    os.killpg(one.process.pid, signal_)
    status, said = one.ended()
    assert status == 130
    assert one.told[-1] == "down"
    assert not one.cluster.exists()
    assert said.rstrip().endswith("interrupted")


def test_an_interrupted_ring_takes_away_what_it_made_on_a_cluster_that_stays(played: Callable[..., Played]):
    one = played(there=True, SLOW="pytest")
    one.await_word("pytest")
    os.killpg(one.process.pid, signal.SIGINT)
    assert one.ended()[0] == 130
    assert one.told[-1] == "tidied up"
    assert one.cluster.exists()


def test_a_second_interrupt_does_not_stop_the_cluster_from_being_taken_down(played: Callable[..., Played]):
    one = played(SLOW="pytest")
    one.await_word("pytest")
    os.killpg(one.process.pid, signal.SIGINT)
    one.await_word("down")
    os.killpg(one.process.pid, signal.SIGINT)
    assert one.ended()[0] == 130
    assert not one.cluster.exists()


def test_what_a_command_beside_says_comes_after_the_rest_and_its_failure_counts(capfd: pytest.CaptureFixture[str]):
    one = run.Run()
    with one.beside("crash plans", [sys.executable, "-c", "print('of the plans', flush=True); raise SystemExit(1)"]):
        assert one.phase("e2e", ["sleep", "0.3"])
    said = capfd.readouterr().out
    assert said.index("e2e") < said.index("crash plans") < said.index("of the plans")
    assert [(name, passed) for name, _, passed in one.phases] == [("e2e", True), ("crash plans", False)]
    assert one.failed == ["crash plans"]
    one.report()
    told = capfd.readouterr().out
    assert told.index("of the plans") < told.index("phase ")


def test_what_passed_beside_is_not_said_again(capfd: pytest.CaptureFixture[str]):
    one = run.Run()
    with one.beside("crash plans", [sys.executable, "-c", "print('of the plans', flush=True)"]):
        pass
    capfd.readouterr()
    one.report()
    assert "of the plans" not in capfd.readouterr().out


def test_a_command_beside_has_its_say_before_an_interrupted_run_ends(tmp_path: Path):
    script = """
import pathlib, sys, time
here = pathlib.Path(sys.argv[1])
try:
    (here / "began").touch()
    time.sleep(60)
except KeyboardInterrupt:
    time.sleep(0.5)
    (here / "tidied up").touch()
"""

    def interrupted() -> None:
        with run.Run().beside("plans", [sys.executable, "-c", script, str(tmp_path)]):
            until((tmp_path / "began").exists, "it began")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert (tmp_path / "tidied up").exists()


def test_it_is_told_how_much_of_a_phase_was_waiting():
    one = run.Run()
    one.phase("waits", ["sleep", "0.3"])
    assert 0 <= one.idle["waits"] <= 1
    idle, all_ = run.processor_time()
    assert 0 < idle < all_


class Commands(run.Run):
    """A run that notes its phases and runs nothing but what installing would leave behind."""

    def phase(self, name: str, *commands: list[str], cwd: Path = ROOT) -> bool:
        self.phases.append((name, 0.0, True))
        if name == "ui: install":
            (cwd / "node_modules").mkdir(exist_ok=True)
        return True


def test_the_packages_of_the_ui_are_installed_again_when_their_lock_file_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(run, "UI", tmp_path)
    lock = tmp_path / "package-lock.json"

    def phases() -> list[str]:
        found = Commands()
        run.ui(found)
        return [name for name, _, _ in found.phases]

    lock.write_text("{}")
    assert phases() == ["ui: install", "ui"]
    assert phases() == ["ui"]
    lock.write_text("{ }")
    assert phases() == ["ui: install", "ui"]
    (tmp_path / "node_modules" / ".installed-from").write_text(hashlib.sha256(b"").hexdigest())
    assert phases() == ["ui: install", "ui"]


def test_packages_that_could_not_be_installed_are_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    class Failing(Commands):
        def phase(self, name: str, *commands: list[str], cwd: Path = ROOT) -> bool:
            super().phase(name, *commands, cwd=cwd)
            return False

    monkeypatch.setattr(run, "UI", tmp_path)
    (tmp_path / "package-lock.json").write_text("{}")
    for _ in range(2):
        found = Failing()
        run.ui(found)
        assert [name for name, _, _ in found.phases] == ["ui: install"]
