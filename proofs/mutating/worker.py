"""Plays the mutants of one module, each in a forked process; the checkout is never written to.

`quick` loads the module and its tests once, and gives the functions of each child the changed code. What runs while a
module is loaded cannot be changed so, and what was kept from then might hide a change: such mutants, and those that
`quick` calls survivors, are played again by `whole`, whose children load the changed module themselves.

A job comes on standard input; one line of JSON goes to the file it names for each mutant.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import resource
import select
import signal
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import spec_from_file_location
from pathlib import Path
from types import CodeType
from typing import Any, Final, Literal

import grimp
import pytest

from proofs import ROOT
from proofs.mutating import examples
from proofs.mutating.operators import mutated
from proofs.mutating.swap import Loaded
from proofs.mutating.targets import PACKAGES, source_of

MAX_MEMORY_BYTES: Final = 4 * 1024**3
UNCHANGED: Final = -1
"""In place of a mutant's number: the module as it is."""
PYTEST: Final = (
    "-q", "--no-header", "--tb=short", "--show-capture=no", *examples.ARGUMENTS,
    "-p", "no:cacheprovider", "-p", "no:xdist",
)  # fmt: skip

Ending = Literal["killed", "survived", "slow", "unswappable", "broken"]
"""`slow`: it was ended by the time limit, which a change that never ends is. `unswappable`: for `whole` to play.
`broken`: the run itself says nothing."""


@dataclass(frozen=True, slots=True)
class Job:
    """The mutants to play, each with its tests (quickest first) and the seconds it may take."""

    module: str
    loaded: list[str]
    """Modules that the tests load."""
    mutants: list[tuple[int, list[str], float]]
    out: Path


@dataclass(slots=True)
class Outcome:
    """What became of one mutant."""

    number: int
    ending: Ending
    seconds: float
    by: str = ""
    """The test that noticed, or what is wrong with the run."""


@dataclass(eq=False, slots=True)
class Notes:
    """What pytest did in a child. A plugin: runs the chosen tests in the given order, and counts."""

    tests: Sequence[str]
    ran: int = 0
    failed: list[str] = field(default_factory=list)

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        items[:] = chosen(items, self.tests)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.ran += 1
        if report.failed:
            self.failed.append(report.nodeid)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self.failed.append(report.nodeid)

    def told(self, code: int, *, used: bool) -> dict[str, Any]:
        return {"code": code, "ran": self.ran, "failed": self.failed[:1], "used": used}


def chosen(items: Sequence[pytest.Item], tests: Sequence[str]) -> list[pytest.Item]:
    """These tests in this order. Where a change gave a test another id, its whole file is run."""
    place = {test: at for at, test in enumerate(tests)}
    lost = {test.partition("::")[0] for test in place.keys() - {item.nodeid for item in items}}
    kept = [item for item in items if item.nodeid in place or item.nodeid.partition("::")[0] in lost]
    return sorted(kept, key=lambda item: place.get(item.nodeid, len(place)))


class Changed(SourceFileLoader):
    """Loads the changed tree instead of the file, and says that it did."""

    def __init__(self, module: str, number: int) -> None:
        super().__init__(module, str(source_of(module)))
        self.used = False
        self._number = number

    def get_code(self, fullname: str) -> CodeType:
        self.used = True
        tree = mutated(Path(self.path).read_text(), self._number)
        code: CodeType = compile(tree, self.path, "exec", dont_inherit=True)
        return code

    def find_spec(self, fullname: str, path: Any, target: Any = None) -> ModuleSpec | None:
        """Of `sys.meta_path`: this one module is ours."""
        return spec_from_file_location(fullname, self.path, loader=self) if fullname == self.name else None


@dataclass(eq=False, slots=True)
class Quick:
    """A plugin: instead of running the collected tests once, runs them in a child for each mutant."""

    job: Job
    played: bool = False

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        source = source_of(self.job.module)
        loaded = Loaded.of(str(source), source.read_text())
        gc.freeze()
        for number, tests, limit in self.job.mutants:
            items = chosen(session.items, tests)
            told = in_child(partial(_in_place, loaded, number, items), number, limit)
            tell(self.job, told)
        self.played = True
        return True


def _in_place(loaded: Loaded, number: int, items: list[pytest.Item]) -> dict[str, Any]:
    """In the child of a loaded module: the changed code, then the tests up to the first that fails."""
    if number != UNCHANGED:
        try:
            loaded.swap(mutated(Path(loaded.file).read_text(), number))
        except (ValueError, KeyError):
            return {"unswappable": True}
    notes = Notes(())
    items[0].config.pluginmanager.register(notes)
    for item, after in zip(items, [*items[1:], None], strict=True):
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=after)
        if notes.failed:
            break
    return notes.told(int(bool(notes.failed)), used=True)


def quick(job: Job) -> None:
    """The mutants of what is inside functions."""
    plugin = Quick(job)
    files = sorted({test.partition("::")[0] for _, tests, _ in job.mutants for test in tests})
    pytest.main([*PYTEST, *files], plugins=[plugin])
    assert plugin.played, f"the tests of {job.module} could not be collected"


def whole(job: Job) -> None:
    """Any mutants, each loaded anew with all that imports it."""
    for name in preloadable(job.module, job.loaded):
        importlib.import_module(name)
    assert job.module not in sys.modules, f"{job.module} was loaded before it could be changed"
    gc.freeze()
    for number, tests, limit in job.mutants:
        told = in_child(partial(_anew, job.module, number, tests), number, limit)
        tell(job, told)


def preloadable(module: str, loaded: Sequence[str]) -> list[str]:
    """What a child need not load again: the modules that do not load the changed one, not even by detour.

    A module's packages are loaded before it, and whatever they import."""
    graph = grimp.build_graph(*PACKAGES, cache_dir=None)
    for one in sorted(graph.modules):
        package = one.rpartition(".")[0]
        if package and package != module:
            graph.add_import(importer=one, imported=package)
    itself = {module, module.rpartition(".")[0]}
    return [name for name in loaded if name not in itself | graph.find_downstream_modules(module)]


def _anew(module: str, number: int, tests: Sequence[str]) -> dict[str, Any]:
    loader = Changed(module, number) if number != UNCHANGED else None
    if loader is not None:
        sys.meta_path.insert(0, loader)
    notes = Notes(tests)
    files = sorted({test.partition("::")[0] for test in tests})
    code = int(pytest.main([*PYTEST, "-x", *files], plugins=[notes]))
    return notes.told(code, used=loader is None or loader.used)


def in_child(play: Callable[[], dict[str, Any]], number: int, limit: float) -> Outcome:
    """What `play` tells in a forked process of its own, which is ended after `limit` seconds."""
    began = time.monotonic()
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        _child(play, writer)
    os.close(writer)
    told = _ended(child, reader, limit)
    return outcome(told, number, round(time.monotonic() - began, 2))


def _child(play: Callable[[], dict[str, Any]], writer: int) -> None:
    told: dict[str, Any] = {"problem": "the child ended early"}
    try:
        os.setsid()
        resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY_BYTES, MAX_MEMORY_BYTES))
        nowhere = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(nowhere, stream)
        told = play()
    except BaseException as error:  # noqa: BLE001  told to the parent, which calls the run broken
        told = {"problem": repr(error)}
    finally:
        os.write(writer, json.dumps(told).encode())
        os._exit(0)


def _ended(child: int, reader: int, limit: float) -> dict[str, Any]:
    readable, _, _ = select.select([reader], [], [], limit)
    text = os.read(reader, 65536) if readable else b""
    os.close(reader)
    if not readable:
        os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    told: dict[str, Any] = {"slow": limit} if not readable else json.loads(text or b'{"problem": "the child died"}')
    return told


def outcome(told: dict[str, Any], number: int, seconds: float) -> Outcome:
    """A kill is a test that failed, or could not be loaded, with the change in force; anything else odd is no kill."""
    if "slow" in told:
        return Outcome(number, "slow", seconds, f"not done within {told['slow']:.0f} s")
    if "unswappable" in told:
        return Outcome(number, "unswappable", seconds)
    if "problem" in told:
        return Outcome(number, "broken", seconds, told["problem"])
    if not told["used"]:
        return Outcome(number, "broken", seconds, "the changed module was never loaded")
    if told["failed"]:
        return Outcome(number, "killed", seconds, told["failed"][0])
    if told["code"] != int(pytest.ExitCode.OK) or not told["ran"]:
        return Outcome(number, "broken", seconds, f"pytest ended with {told['code']} after {told['ran']} reports")
    return Outcome(number, "survived", seconds)


def tell(job: Job, found: Outcome) -> None:
    with job.out.open("a") as file:
        file.write(json.dumps(asdict(found)) + "\n")


def main() -> None:
    os.chdir(ROOT)
    examples.register()
    raw = json.load(sys.stdin)
    mutants = [(number, tests, limit) for number, tests, limit in raw["mutants"]]
    {"quick": quick, "whole": whole}[sys.argv[1]](Job(raw["module"], raw["loaded"], mutants, Path(raw["out"])))


if __name__ == "__main__":
    main()
