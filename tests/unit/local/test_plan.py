"""The plan of an `up`: everything it compiles is begun ahead, the cluster starts before the last of it is there."""

from __future__ import annotations

from pathlib import Path

import pytest

from guildnet_local import plan, prepare
from guildnet_local.build import programs
from guildnet_local.machine.journal import Journal
from guildnet_local.machine.steps import Clock, Step, check
from guildnet_local.settings import load


@pytest.fixture
def compiled(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was asked of the compilers, in order; nothing is there yet."""
    asked: list[str] = []

    def ensure(names: tuple[str, ...], **_: object) -> dict[str, Path]:
        asked.extend(names)
        return {name: Path("/built") / name for name in names}

    monkeypatch.setattr(programs, "ensure", ensure)
    monkeypatch.setattr(programs, "missing", tuple)
    return asked


def steps(tmp_path: Path, only: str = "all") -> dict[str, Step]:
    settings = load({"HOME": str(tmp_path)})
    found = plan.Plan(settings, Clock(lambda _: None), only).steps(Journal(tmp_path / "journal"))
    check(found)
    return {step.name: step for step in found}


def needed_by(planned: dict[str, Step], name: str) -> set[str]:
    """The step and all that has to be done before."""
    return {name}.union(*(needed_by(planned, need) for need in planned[name].needs))


@pytest.mark.parametrize("only", plan.PARTS)
def test_every_plan_can_be_run_and_ends_where_it_says(tmp_path: Path, compiled: list[str], only: str):
    planned = steps(tmp_path, only)
    ends = {"node": "cluster", "tailnet": "tailnet", "chart": "chart", "workspace": "all"}
    reached = plan.PARTS[: plan.PARTS.index(only) + 1]
    assert {name: name in planned for name in ends} == {name: part in reached for name, part in ends.items()}


def test_what_is_compiled_is_what_is_begun_ahead_in_the_same_order(tmp_path: Path, compiled: list[str]):
    for step in steps(tmp_path).values():
        if step.lane == "compilers":
            step.run()
    assert tuple(compiled) == prepare.PROGRAMS


def test_the_cluster_and_the_images_wait_for_no_more_programs_than_they_run(tmp_path: Path, compiled: list[str]):
    planned = steps(tmp_path)
    compilers = {name for name, step in planned.items() if step.lane == "compilers"}
    assert needed_by(planned, "control plane") & compilers == {"Kubernetes"}
    assert needed_by(planned, "node") & compilers == {"Kubernetes", "CoreDNS"}
    for images in ("api image", "proxy image", "images"):
        assert needed_by(planned, f"{images} imported") & compilers == set()
    assert needed_by(planned, "workspace images") & compilers == set()
    assert needed_by(planned, "workspace") & compilers == {"Kubernetes", "CoreDNS", "Tailscale", "Helm"}
    assert needed_by(planned, "chart") & compilers == {"Kubernetes", "CoreDNS", "Tailscale", "Helm"}


def test_when_nothing_has_to_be_compiled_the_images_of_the_cluster_come_first(
    tmp_path: Path, compiled: list[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(programs, "missing", lambda _: ())
    planned = steps(tmp_path)
    for images in ("images", "proxy image", "workspace images"):
        assert "cluster images" in needed_by(planned, images)


def test_no_other_image_waits_for_the_data_path_to_be_compiled(tmp_path: Path, compiled: list[str]):
    planned = steps(tmp_path)
    assert {name for name, step in planned.items() if step.lane == planned["proxy image"].lane} == {"proxy image"}
    waiting = {name for name in planned if "proxy image" in needed_by(planned, name)}
    assert waiting.isdisjoint({"images imported", "workspace images imported", "storage", "node"})
    assert "chart" in waiting


def test_nothing_is_applied_to_a_node_that_lacks_its_image(tmp_path: Path, compiled: list[str]):
    planned = steps(tmp_path)
    images = {step.name for step in planned.values() if step.name.endswith(" imported")}
    assert needed_by(planned, "storage applied") >= {"storage image imported", "workspace images imported"}
    assert needed_by(planned, "workspace applied") >= images - {"storage image imported"}
    assert needed_by(planned, "node") & images == {"cluster images imported"}


def test_images_are_imported_one_set_after_the_other(tmp_path: Path, compiled: list[str]):
    imports = [step for step in steps(tmp_path).values() if step.name.endswith(" imported")]
    assert len(imports) == 7
    assert {step.lane for step in imports} == {"imports"}


def test_building_something_is_noted_so_that_the_run_is_not_counted_as_warm(tmp_path: Path, monkeypatch):
    def ensure(names: tuple[str, ...], *, report) -> dict[str, Path]:
        report("building it …")
        return {}

    monkeypatch.setattr(programs, "ensure", ensure)
    monkeypatch.setattr(programs, "missing", tuple)
    started = plan.Plan(load({"HOME": str(tmp_path)}), Clock(lambda _: None))
    next(step for step in started.steps(Journal(tmp_path / "journal")) if step.name == "Helm").run()
    assert started.built == {"programs"}
