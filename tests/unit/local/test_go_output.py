"""What a person reads while Go builds, and when it fails."""

from pathlib import Path

import pytest

from guildnet_local.build.go import (
    Go,
    GroupBuild,
    Output,
    collector,
    failure,
    find_go,
    go_environment,
    target_platform,
)
from guildnet_local.build.pins import Group, UpstreamError
from guildnet_local.build.runner import Progress

GROUP = Group("thing", {"thing": "./cmd/thing"}, "example.org/thing")


def output(*lines: str) -> Output:
    said = Output()
    for line in lines:
        said.take(line)
    return said


def build() -> GroupBuild:
    return GroupBuild(GROUP, Go("/usr/bin/go", "go1.26.8"), {}, Progress("thing", print))


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


def installed_go(directory: Path, script: str) -> dict[str, str]:
    """The environment of a machine whose `go` is that script."""
    (directory / "go").write_text(f"#!/bin/sh\n{script}\n")
    (directory / "go").chmod(0o755)
    return {"PATH": f"{directory}:/usr/bin:/bin"}


def test_a_go_that_cannot_fetch_the_pinned_release_is_refused_with_both_versions(tmp_path: Path):
    with pytest.raises(
        UpstreamError, match=r"is 1\.20\.14: 1\.21 or newer is needed, which then fetches go1\.\d+\.\d+"
    ):
        find_go(installed_go(tmp_path, "echo go1.20.14"))
    assert find_go(installed_go(tmp_path, "echo go1.21.0")).version == "go1.21.0"


def test_the_installed_go_is_asked_for_its_own_version_without_fetching_another(tmp_path: Path):
    environment = installed_go(tmp_path, 'test "$GOTOOLCHAIN" = local && echo go1.24.4')
    assert find_go(environment).version == "go1.24.4"


@pytest.mark.parametrize(("machine", "name"), [("x86_64", "linux/amd64"), ("aarch64", "linux/arm64")])
def test_the_platform_is_named_as_go_does(machine: str, name: str):
    assert target_platform(machine) == name


@pytest.mark.parametrize(
    ("gib", "processors", "collects"),
    [(24, 2, "off"), (4.5, 2, "off"), (4.4, 2, "400"), (24, 16, "400"), (0, 1, "400")],
)
def test_compilers_collect_no_garbage_where_memory_is_plenty(gib: float, processors: int, collects: str):
    assert collector({}, int(gib * (1 << 30)), processors) == collects


def test_a_garbage_collector_that_the_caller_wants_stays():
    assert collector({"GOGC": "50"}, 1 << 40, 2) == "50"


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
