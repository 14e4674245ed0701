"""Which unit tests reach which lines of the targets: one run of them all under a tracer, before anything is changed."""

from __future__ import annotations

import json
import os
import sys
import threading
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from proofs import ROOT
from proofs.mutating import examples
from proofs.mutating.targets import PACKAGES, TARGETS, TESTS, source_of

Lines = dict[str, dict[int, set[str]]]
"""Module → line → ids of the tests that reach it."""


@dataclass(slots=True)
class Coverage:
    """What the run without a change showed."""

    lines: Lines = field(default_factory=lambda: defaultdict(lambda: defaultdict(set)))
    seconds: dict[str, float] = field(default_factory=dict)
    """How long each test took."""
    failed: list[str] = field(default_factory=list)
    loaded: list[str] = field(default_factory=list)
    """Modules of the product that the tests loaded."""

    def reaching(self, module: str, first: int, last: int, *, at_import: bool) -> list[str]:
        """The tests that reach one of these lines, quickest first.

        What runs at import may matter to every test of the files that have one which reaches the module.
        """
        wanted = self.lines[module]
        numbers = list(wanted) if at_import else [number for number in wanted if first <= number <= last]
        found = set().union(*(wanted[number] for number in numbers)) if numbers else set()
        if at_import:
            files = {test.partition("::")[0] for test in found}
            found = {test for test in self.seconds if test.partition("::")[0] in files} or found
        return sorted(found, key=lambda test: (self.seconds.get(test, 0.0), test))


class Tracer:
    """Notes lines of the targets while a test runs. A plugin of pytest."""

    def __init__(self) -> None:
        self.coverage = Coverage()
        self._files = {str(source_of(module)): module for module in TARGETS}
        self._test = ""

    def _call(self, frame: FrameType, event: str, _: Any) -> Any:
        module = self._files.get(frame.f_code.co_filename)
        if module is None:
            return None
        lines, test = self.coverage.lines[module], self._test

        def line(inner: FrameType, event: str, _: Any) -> Any:
            if event == "line":
                lines[inner.f_lineno].add(test)
            return line

        return line

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        self._test = item.nodeid
        threading.settrace(self._call)
        sys.settrace(self._call)
        try:
            return (yield)
        finally:
            sys.settrace(None)
            threading.settrace(None)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        seconds = self.coverage.seconds
        seconds[report.nodeid] = seconds.get(report.nodeid, 0.0) + report.duration
        if report.failed:
            self.coverage.failed.append(report.nodeid)


def trace(tests: list[str], out: Path) -> int:
    """Run these tests under the tracer in this process and write what it noted."""
    tracer = Tracer()
    examples.register()
    arguments = ["-q", "--tb=short", "--no-header", "-p", "no:cacheprovider", *examples.ARGUMENTS]
    code = pytest.main([*arguments, *tests], plugins=[tracer])
    coverage = tracer.coverage
    loaded = sorted(name for name in sys.modules if name.split(".")[0] in PACKAGES)
    out.write_text(
        json.dumps(
            {
                "lines": {
                    module: {number: sorted(tests) for number, tests in lines.items()}
                    for module, lines in coverage.lines.items()
                },
                "seconds": coverage.seconds,
                "failed": coverage.failed,
                "loaded": loaded,
            }
        )
    )
    return int(code)


def merged(files: list[Path]) -> Coverage:
    """What several runs noted, as one."""
    coverage = Coverage()
    for file in files:
        noted = json.loads(file.read_text())
        for module, lines in noted["lines"].items():
            for number, tests in lines.items():
                coverage.lines[module][int(number)].update(tests)
        coverage.seconds.update(noted["seconds"])
        coverage.failed += noted["failed"]
        coverage.loaded = sorted({*coverage.loaded, *noted["loaded"]})
    return coverage


if __name__ == "__main__":
    os.chdir(ROOT)
    sys.exit(trace(sys.argv[2:] or list(TESTS), Path(sys.argv[1])))
