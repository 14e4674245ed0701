"""What decides an image's key, and what a build context holds."""

import os
import re
from dataclasses import replace
from pathlib import Path

import pytest

from guildnet_local.images import base
from guildnet_local.images.builder import BASE_DOCKERFILE, CHECKOUT
from guildnet_local.images.context import Entry, entries, key, lay_out, tree
from guildnet_local.images.recipes import RECIPES, SERVICES_DOCKERFILE, USUAL, ImageError, Recipe, recipe


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    for place, text in {
        "Dockerfile": "FROM scratch\n",
        "src/package/module.py": "1",
        "src/package/__pycache__/module.pyc": "x",
        "src/package.egg-info/PKG-INFO": "x",
        "start": "#!/bin/sh\n",
    }.items():
        (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / place).write_text(text)
    return tmp_path


RECIPE = Recipe("thing", "Dockerfile", ("src", "start"))


def test_a_context_holds_what_the_recipe_names_without_what_tools_leave_behind(checkout):
    found = entries(RECIPE, checkout, {})
    assert [entry.place for entry in found] == ["Dockerfile", "src/package/module.py", "start"]


def test_a_missing_input_is_named(checkout):
    with pytest.raises(ImageError, match="nowhere is missing"):
        list(tree("nowhere", checkout / "nowhere"))


def _content(checkout: Path) -> None:
    (checkout / "src/package/module.py").write_text("2")


def _name(checkout: Path) -> None:
    (checkout / "start").rename(checkout / "src/start")


def _mode(checkout: Path) -> None:
    (checkout / "start").chmod(0o755)


def _dockerfile(checkout: Path) -> None:
    (checkout / "Dockerfile").write_text("FROM scratch\nUSER 1\n")


@pytest.mark.parametrize("change", [_content, _mode, _dockerfile], ids=lambda change: change.__name__[1:])
def test_the_key_changes_with(checkout, change):
    before = key(entries(RECIPE, checkout, {}), {})
    change(checkout)
    assert key(entries(RECIPE, checkout, {}), {}) != before


def test_the_key_changes_with_a_file_s_place_and_with_a_build_argument(checkout):
    file = checkout / "start"
    keys = {
        key((Entry("a", file),), {}),
        key((Entry("b", file),), {}),
        key((Entry("a", file),), {"BASE": "x"}),
        key((Entry("a", file),), {"BASE": "y"}),
    }
    assert len(keys) == 4
    assert all(re.fullmatch("[0-9a-f]{12}", one) for one in keys)


def test_times_and_the_checkout_s_path_do_not_count_so_a_second_clone_finds_the_image(checkout, tmp_path):
    before = key(entries(RECIPE, checkout, {}), {})
    os.utime(checkout / "start", (1, 1))
    (checkout / "src/package/__pycache__/other.pyc").write_text("y")
    copy = tmp_path / "elsewhere"
    lay_out(entries(RECIPE, checkout, {}), copy)
    assert key(entries(RECIPE, copy, {}), {}) == before


def test_a_laid_out_context_is_the_same_whenever_it_is_made(checkout, tmp_path):
    (checkout / "start").chmod(0o750)
    first, second = tmp_path / "first", tmp_path / "second"
    files = entries(RECIPE, checkout, {})
    copies = lay_out(files, first)
    (checkout / "start").touch()
    lay_out(files, second)
    assert key(copies, {}) == key(files, {})
    for path in first.rglob("*"):
        twin = second / path.relative_to(first)
        assert (path.stat().st_mtime, path.stat().st_mode) == (twin.stat().st_mtime, twin.stat().st_mode)
    assert (first / "start").stat().st_mode & 0o777 == 0o755


def test_an_unknown_image_is_answered_with_the_names_there_are():
    with pytest.raises(ImageError, match=r"no such image: 'nginx' \(there are .*jupyterlab.*\)"):
        recipe("nginx")


def test_every_recipe_s_files_are_in_the_repository():
    for one in RECIPES.values():
        for path in (one.dockerfile, *one.inputs):
            assert (CHECKOUT / path).exists(), f"{one.name}: {path}"


def _reached(text: str) -> str:
    """The stages that the last one is made of."""
    stages = re.split(r"^(?=FROM )", text, flags=re.MULTILINE)[1:]
    named = {name[1]: stage for stage in stages if (name := re.match(r"FROM \S+ AS (\S+)", stage))}
    found: list[str] = []
    following = [stages[-1]]
    while following:
        stage = following.pop()
        if stage not in found:
            found.append(stage)
            following += [named[name] for name in re.findall(r"(?:^FROM |--from=)(\S+)", stage) if name in named]
    return "".join(found)


def test_a_dockerfile_declares_the_bases_its_recipe_gives_and_copies_only_what_the_context_holds():
    for one in RECIPES.values():
        text = (CHECKOUT / one.dockerfile).read_text()
        for name, value in one.arguments.items():
            assert f"\nARG {name}\n" in text
            text = text.replace(f"${{{name}}}", value)
        assert set(re.findall(r"^ARG (\w*BASE)=", text, re.MULTILINE)) == set(one.bases), one.name
        held = [*one.inputs, *one.programs, *one.files.values(), *(["ui/dist"] if one.ui else [])]
        for copied in re.findall(r"^COPY (?!--from)(.+)$", _reached(text), re.MULTILINE):
            for source in copied.split()[:-1]:
                assert any(f"{place}/".startswith(f"{source}/") for place in held), f"{one.name}: COPY {source}"


def test_every_base_that_a_recipe_names_can_be_made():
    named = {variant for one in RECIPES.values() for variant in one.bases.values()}
    assert named <= set(base.VARIANTS)


def test_code_server_is_built_only_when_it_is_asked_for():
    assert "code-server" not in USUAL
    assert {"api", "proxy", "operator", "jupyterlab", "pause"} <= set(USUAL)


@pytest.mark.parametrize("name", ["api", "proxy", "operator"])
def test_a_control_plane_image_runs_as_nobody_in_particular(name):
    text = (CHECKOUT / RECIPES[name].dockerfile).read_text()
    assert "\nUSER 65532:65532\n" in text
    assert f'FROM runtime AS {name}\nENTRYPOINT ["guildnet-{name}"]' in text
    assert text.split("FROM ")[-1].startswith("${SERVICE}\n"), "the last stage continues that of the service"
    assert RECIPES[name].limit_bytes == 150_000_000


def test_only_the_stage_of_the_api_takes_the_ui():
    stages = (CHECKOUT / SERVICES_DOCKERFILE).read_text().split("\nFROM ")
    assert [stage.split("\n")[0] for stage in stages if "COPY ui/dist " in stage] == ["runtime AS api"]
    assert [name for name, one in RECIPES.items() if one.ui] == ["api"]


def test_a_base_s_name_changes_with_its_packages_and_those_it_begins_with_and_not_with_the_mirror():
    dockerfile = (CHECKOUT / BASE_DOCKERFILE).read_bytes()
    python, build = base.VARIANTS["python"], base.VARIANTS["build"]
    before = base.reference(python, dockerfile), base.reference(build, dockerfile)
    assert before == (base.reference(python, dockerfile), base.reference(build, dockerfile))
    more = replace(python, packages=(*python.packages, "curl"))
    assert base.reference(more, dockerfile) != before[0]
    assert base.reference(replace(build, begins=more), dockerfile) != before[1]


def _hooks(variant: str) -> list[str]:
    command = base.command(base.VARIANTS[variant], Path("/x"))
    return [part.removeprefix("--customize-hook=") for part in command if part.startswith("--customize-hook=")]


def test_a_base_without_apt_is_left_without_its_configuration():
    (removing,) = _hooks("python")
    assert '"$1"/etc/apt ' in removing
    assert '"$1"/etc/apt ' not in _hooks("build")[-1]


def test_the_base_that_another_begins_as_is_written_in_its_run_before_more_is_added():
    written, adding, _ = _hooks("build")
    assert written.startswith("tar ")
    assert "--file=/x/python.tar " in written
    assert "--exclude=./etc/apt " in written
    assert adding.endswith(" install " + " ".join(base.VARIANTS["build"].packages))
    assert "python3,ca-certificates,libstdc++6" in " ".join(base.command(base.VARIANTS["build"], Path("/x")))


def test_what_a_base_leaves_out_is_told_to_dpkg_alone():
    command = base.command(base.VARIANTS["build"], Path("/x"))
    assert not [part for part in command if part.startswith("--dpkgopt=path")], "mmdebstrap then filters each archive"
    (hook,) = (part for part in command if part.startswith("--extract-hook="))
    assert "path-exclude=/usr/share/doc/*" in hook
    assert hook.endswith('>>"$1"/etc/dpkg/dpkg.cfg.d/99mmdebstrap')
    assert 'rm -rf "$1"/usr/share/doc/* ' in hook
