"""What a person reads while Go builds, and when it fails."""

from pathlib import Path

import pytest

from guildnet_local.build.go import Go, GroupBuild, Output, check_go, failure, find_go, go_environment
from guildnet_local.build.pins import Group, UpstreamError
from guildnet_local.build.runner import Progress

GROUP = Group("thing", {"thing": "./cmd/thing"}, "example.org/thing")


def output(*lines: str) -> Output:
    said = Output()
    for line in lines:
        said.take(line)
    return said


def build() -> GroupBuild:
    return GroupBuild(GROUP, Go("/usr/bin/go", "go1.26.8", "linux/amd64"), {}, Progress("thing", print))


def test_packages_and_downloads_are_counted_and_kept_out_of_the_error_text():
    said = output("go: downloading example.org/a v1.0.0", "k8s.io/api/core/v1", "github.com/x/y~z", "net/http")
    assert (said.downloads, said.packages, said.package) == (1, 3, "net/http")
    assert not said.rest


def test_the_heartbeat_says_phase_packages_and_downloads():
    said = output("go: downloading example.org/a v1.0.0", "net/http")
    assert said.progress("compiling", 1893) == "compiling: 1 of up to 1,893 packages, 1 modules downloaded"
    assert output().progress("reading modules", 0) == "reading modules: starting"


def test_a_failure_names_program_package_code_and_the_compilers_words():
    said = output("net/http", "# example.org/thing/broken", "broken/x.go:3:9: undefined: nothing")
    text = failure(build(), "build", 1, said)
    assert text.startswith("cannot build thing: `go build` of thing failed in package example.org/thing/broken after ")
    assert "(exit code 1)" in text
    assert "    broken/x.go:3:9: undefined: nothing" in text


def test_a_killed_compiler_is_told_from_a_failed_one():
    assert "(signal 9)" in failure(build(), "build", -9, output())


def test_only_the_last_lines_of_a_long_failure_are_shown():
    said = output(*(f"line {number} of it" for number in range(100)))
    assert len(said.rest) == 25
    assert said.rest[-1] == "line 99 of it"


def test_an_old_go_is_refused_with_both_versions():
    with pytest.raises(UpstreamError, match=r"1\.21\.5, but building thing needs 1\.26\.0 or newer"):
        check_go(Go("/usr/bin/go", "go1.21.5", "linux/amd64"), GROUP, "go 1.26.0\n")
    check_go(Go("/usr/bin/go", "go1.26", "linux/amd64"), GROUP, "go 1.26\n")


def test_a_missing_go_is_a_clear_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("guildnet_local.build.go._USUAL_GO", tmp_path / "go")
    with pytest.raises(UpstreamError, match="Go is missing: install Go"):
        find_go({"PATH": str(tmp_path)})


def test_a_go_that_does_not_work_is_told_with_its_words(tmp_path: Path):
    (tmp_path / "go").write_text("#!/bin/sh\necho broken installation >&2\nexit 3\n")
    (tmp_path / "go").chmod(0o755)
    with pytest.raises(UpstreamError, match="does not work: broken installation"):
        find_go({"PATH": str(tmp_path)})


def test_the_callers_go_settings_do_not_reach_the_build():
    environment = go_environment(
        {"GOFLAGS": "-race", "GOARCH": "mips", "CGO_ENABLED": "1", "GOPROXY": "https://mirror"}
    )
    assert environment["GOFLAGS"] == "-mod=readonly"
    assert environment["CGO_ENABLED"] == "0"
    assert environment["GOPROXY"] == "https://mirror"
    assert "GOARCH" not in environment
