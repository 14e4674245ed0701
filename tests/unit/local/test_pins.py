"""Which programs there are, how they are built, and when a kept build no longer counts."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from guildnet_local import prepare
from guildnet_local.build import pins
from guildnet_local.build.pins import (
    GO_RELEASE,
    GROUPS,
    PROGRAMS,
    UpstreamError,
    build_arguments,
    built_name,
    go_release,
    groups_of,
    key,
    link_flags,
    pinned_version,
    programs_of,
    required_go,
    sources,
)

GO_MOD = """module example/tools

go 1.26.0

tool example.org/thing/cmd/thing

require (
	example.org/thing v1.2.3 // indirect
	example.org/thing/api v0.9.0 // indirect
)

replace example.org/other => example.org/other v0.5.0
"""


@pytest.fixture
def group(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> pins.Group:
    monkeypatch.setattr(pins, "GO_DIRECTORY", tmp_path)
    directory = tmp_path / "thing"
    (directory / "cmd" / "own").mkdir(parents=True)
    (directory / "go.mod").write_text(GO_MOD)
    (directory / "go.sum").write_text("example.org/thing v1.2.3 h1:x=\n")
    (directory / "cmd" / "own" / "main.go").write_text("package main\n")
    programs = {"thing": "example.org/thing/cmd/thing", "own": "./cmd/own"}
    return pins.Group("thing", programs, "example.org/thing", {"example.org/thing/version": "{version}"})


def test_names_are_programs_or_groups_and_come_back_once_in_building_order():
    assert programs_of(["kubectl", "etcd", "kubectl"]) == ("etcd", "kubectl")
    assert programs_of(["tailnet", "control-server"]) == tuple(GROUPS["tailnet"].programs)
    wanted = ["coredns", "kubectl", "kubelet"]
    assert [group.name for group in groups_of(wanted)] == ["kubernetes", "coredns", "kubectl"]


def test_an_unknown_name_is_refused_with_the_known_ones():
    with pytest.raises(UpstreamError, match=r"'headscale'.*kubectl"):
        programs_of(["headscale"])


def test_every_program_belongs_to_one_group_and_every_group_has_its_pins():
    assert sum(len(group.programs) for group in GROUPS.values()) == len(PROGRAMS)
    for group in GROUPS.values():
        assert (group.directory / "go.mod").is_file(), group.name
        assert (group.directory / "go.sum").is_file(), group.name


@pytest.mark.parametrize(
    "directory", sorted({group.directory for group in GROUPS.values()}), ids=lambda path: path.name
)
def test_the_tool_lines_of_a_module_are_the_upstream_packages_built(directory: Path):
    text = (directory / "go.mod").read_text()
    found = set(re.findall(r"^tool (\S+/\S+)$", text, re.MULTILINE))
    for block in re.findall(r"^tool \((.*?)^\)", text, re.MULTILINE | re.DOTALL):
        found |= set(block.split())
    groups = [group for group in GROUPS.values() if group.directory == directory]
    upstream = {package for group in groups for package in group.programs.values() if not package.startswith("./")}
    assert found == upstream


def test_what_an_up_compiles_shares_one_module():
    assert {PROGRAMS[program].folder for program in programs_of(prepare.PROGRAMS)} == {"cluster"}


@pytest.mark.parametrize("name", GROUPS)
def test_the_pinned_compiler_is_new_enough_for_every_group(name: str):
    assert required_go((GROUPS[name].directory / "go.mod").read_text()) <= go_release(GO_RELEASE)


@pytest.mark.parametrize("name", GROUPS)
def test_no_go_mod_names_a_path_of_this_machine(name: str):
    text = (GROUPS[name].directory / "go.mod").read_text()
    assert not [line for line in text.splitlines() if "=> /" in line or "=> ." in line]


def test_the_pinned_version_is_that_of_the_very_module():
    assert pinned_version(GO_MOD, "example.org/thing") == "v1.2.3"
    assert pinned_version("require example.org/one v2.0.0\n", "example.org/one") == "v2.0.0"
    with pytest.raises(UpstreamError, match=r"example\.org/none"):
        pinned_version(GO_MOD, "example.org/none")


@pytest.mark.parametrize(
    ("version", "release"),
    [("go1.26.8", (1, 26, 8)), ("go1.27rc1 X:nocoverageredesign", (1, 27)), ("devel go1.28-abc", (999,))],
)
def test_a_go_version_reads_as_numbers(version: str, release: tuple[int, ...]):
    assert go_release(version) == release


def test_the_go_line_tells_the_oldest_go():
    assert required_go(GO_MOD) == (1, 26, 0)


def test_the_linker_is_told_the_upstream_version(group: pins.Group):
    assert link_flags(group, "v1.2.3") == "-s -w -X example.org/thing/version=v1.2.3"
    parts = replace(group, stamps={"a.major": "{major}", "a.minor": "{minor}", "a.number": "{number}"})
    assert link_flags(parts, "v1.35.4") == "-s -w -X a.major=1 -X a.minor=35 -X a.number=1.35.4"


def test_one_call_builds_all_programs_of_a_group_with_the_same_flags_as_every_other(group: pins.Group):
    arguments = build_arguments(group, Path("/out"))
    everywhere, library = "-gcflags=all=-dwarf=false -l", "-gcflags=std=-dwarf=false"
    assert arguments[:6] == ("build", "-v", "-trimpath", "-buildvcs=false", everywhere, library)
    assert arguments[-6:-4] == ("-ldflags", "-s -w -X example.org/thing/version=v1.2.3")
    assert arguments[-4:] == ("-o", "/out/", "example.org/thing/cmd/thing", "./cmd/own")


@pytest.mark.parametrize(
    ("package", "name"),
    [("go.etcd.io/etcd/server/v3", "server"), ("sigs.k8s.io/kind", "kind"), ("./cmd/control-server", "control-server")],
)
def test_a_main_package_is_built_under_its_last_element(package: str, name: str):
    assert built_name(package) == name


def test_the_key_is_steady_and_tells_compilers_and_platforms_apart(group: pins.Group, monkeypatch: pytest.MonkeyPatch):
    assert key(group, "linux/amd64") == key(group, "linux/amd64")
    assert key(group, "linux/amd64") != key(group, "linux/arm64")
    before = key(group, "linux/amd64")
    monkeypatch.setattr(pins, "GO_ENVIRONMENT", {**pins.GO_ENVIRONMENT, "GOTOOLCHAIN": "go1.26.99"})
    assert key(group, "linux/amd64") != before


@pytest.mark.parametrize("changed", ["go.mod", "go.sum", "cmd/own/main.go", "cmd/own/more.go"])
def test_the_key_changes_with_every_source(group: pins.Group, changed: str):
    before = key(group, "go")
    with (group.directory / changed).open("a") as file:
        file.write("// changed\n")
    assert key(group, "go") != before


def test_the_key_changes_with_the_stamps_and_the_programs(group: pins.Group):
    assert key(replace(group, stamps={}), "go") != key(group, "go")
    assert key(replace(group, programs={"own": "./cmd/own"}), "go") != key(group, "go")
    assert key(replace(group, tags=("ts_omit_ssh",)), "go") != key(group, "go")


def test_the_tags_of_a_group_reach_the_compiler(group: pins.Group):
    assert "-tags=one,two" in build_arguments(replace(group, tags=("one", "two")), Path("/out"))
    assert not [part for part in build_arguments(group, Path("/out")) if part.startswith("-tags")]


def test_another_groups_own_program_does_not_change_the_key(group: pins.Group):
    other = group.directory / "cmd" / "other"
    other.mkdir()
    before = key(group, "go")
    (other / "main.go").write_text("package main\n")
    assert key(group, "go") == before
    assert key(pins.Group("other", {"other": "./cmd/other"}, group.module, folder="thing"), "go") != before


def test_tests_and_notes_beside_the_sources_do_not_change_the_key(group: pins.Group):
    before = key(group, "go")
    (group.directory / "cmd" / "own" / "main_test.go").write_text("package main\n")
    (group.directory / "README.md").write_text("notes\n")
    assert key(group, "go") == before
    assert [path.name for path in sources(group)] == ["main.go", "go.mod", "go.sum"]
