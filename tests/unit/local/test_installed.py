"""A kubectl, helm or kind that is installed is used when its version will do."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from guildnet_local.build import installed, pins, programs
from guildnet_local.build.installed import is_enough


@pytest.mark.parametrize("version", ["v1.35.4", "1.35.4", "v1.35.12", "v1.35.4+k3s1"])
def test_the_pinned_minor_version_will_do(version: str):
    assert is_enough(version, "v1.35.4")


@pytest.mark.parametrize(
    "version", ["v1.35.3", "v1.34.9", "v1.36.0", "v2.35.4", "v1.35.5-rc.1", "", "v0.0.0-master+$Format:%H$", "broken"]
)
def test_another_version_will_not(version: str):
    assert not is_enough(version, "v1.35.4")


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory on PATH, where every binary is a copy of `echo` and so answers with its arguments."""
    (tmp_path / "bin").mkdir()
    monkeypatch.setitem(installed._QUESTIONS, "helm", ("v4.1.9",))
    monkeypatch.setitem(installed._QUESTIONS, "kubectl", ('{"clientVersion": {"gitVersion": "v1.35.4"}}',))
    return tmp_path / "bin"


def put(machine: Path, name: str) -> Path:
    shutil.copy("/bin/echo", machine / name)
    return machine / name


def test_a_helm_that_is_installed_is_found(machine: Path):
    helm = put(machine, "helm")
    assert installed.find("helm", "v4.1.4", {"PATH": f"/nowhere:{machine}"}) == helm
    assert installed.find("helm", "v4.2.0", {"PATH": str(machine)}) is None


def test_a_kubectl_says_its_version_in_json(machine: Path):
    kubectl = put(machine, "kubectl")
    assert installed.find("kubectl", "v1.35.4", {"PATH": str(machine)}) == kubectl


def test_one_that_does_not_answer_is_not_used(machine: Path, monkeypatch: pytest.MonkeyPatch):
    put(machine, "kubectl")
    monkeypatch.setitem(installed._QUESTIONS, "kubectl", ("no JSON",))
    assert installed.find("kubectl", "v1.35.4", {"PATH": str(machine)}) is None


def test_a_script_is_not_asked_for_it_might_be_our_own_shim(machine: Path):
    asked = machine / "asked"
    (machine / "helm").write_text(f"#!/bin/sh\ntouch {asked}\necho v4.1.4\n")
    (machine / "helm").chmod(0o755)
    assert installed.find("helm", "v4.1.4", {"PATH": str(machine)}) is None
    assert not asked.exists()


def test_the_cluster_is_never_made_of_installed_programs(machine: Path):
    put(machine, "etcd")
    assert installed.find("etcd", "v3.6.16", {"PATH": str(machine)}) is None


def test_what_is_installed_is_not_built_and_what_was_built_goes_before(
    machine: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    environ = {"PATH": str(machine), "HOME": str(tmp_path)}
    assert programs.missing(["helm", "coredns"], environ) == ("coredns", "helm")
    helm = put(machine, "helm")
    assert programs.missing(["helm", "coredns"], environ) == ("coredns",)
    assert programs.ensure(["helm"], environ=environ) == {"helm": helm}
    built = programs.target(pins.GROUPS["helm"], environ)
    built.mkdir()
    assert programs.ensure(["helm"], environ=environ) == {"helm": built / "helm"}
