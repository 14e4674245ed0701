"""The bill of materials: what an image holds is read from whatever says so, and nothing else."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from guildnet_local.images.sbom import Component, document, of_dpkg, of_go, of_host_files, of_image, of_npm_lock, wanted

STATUS = """\
Package: libc6
Status: install ok installed
Architecture: amd64
Version: 2.41-12+deb13u1

Package: gone
Status: deinstall ok config-files
Version: 1.0

Package: tzdata
Status: install ok installed
Version: 2026a-0+deb13u1
Description: the word Version: 9 in it
"""
GO = """\
/x/tailscaled: go1.26.8
\tpath\ttailscale.com/cmd/tailscaled
\tmod\ttailscale.com\tv1.102.5\th1:abc=
\tdep\tgithub.com/a/b\tv1.2.3\th1:def=
\tdep\tk8s.io/api\tv0.0.0
\t=>\tk8s.io/api\tv0.35.4\th1:ghi=
\tdep\texample.com/own\t(devel)
\tbuild\t-compiler=gc
"""
METADATA = b"Metadata-Version: 2.4\nName: Charset_Normalizer\nVersion: 3.5.2\nLicense-Expression: MIT\n\nName: no\n"


def test_installed_debian_packages_are_found_with_their_versions():
    assert list(of_dpkg(STATUS)) == [
        Component("deb", "libc6", "2.41-12+deb13u1"),
        Component("deb", "tzdata", "2026a-0+deb13u1"),
    ]


def test_go_modules_are_those_that_were_compiled_in():
    assert sorted((one.name, one.version) for one in of_go(GO)) == [
        ("github.com/a/b", "v1.2.3"),
        ("k8s.io/api", "v0.35.4"),
        ("stdlib", "1.26.8"),
        ("tailscale.com", "v1.102.5"),
    ]


def test_a_lock_names_what_is_bundled_and_not_what_builds_it():
    lock = {
        "packages": {
            "": {"name": "ui", "version": "0.1.0"},
            "node_modules/solid-js": {"version": "1.9.19", "license": "MIT"},
            "node_modules/a/node_modules/@b/c": {"version": "2.0.0"},
            "node_modules/vite": {"version": "8.3.8", "dev": True},
        }
    }
    assert list(of_npm_lock(json.dumps(lock).encode())) == [
        Component("npm", "solid-js", "1.9.19", "MIT"),
        Component("npm", "@b/c", "2.0.0"),
    ]


def test_the_files_of_an_image_are_read_by_what_they_are():
    files = {
        "var/lib/dpkg/status": STATUS.encode(),
        "opt/guildnet/lib/python3.13/site-packages/charset_normalizer-3.5.2.dist-info/METADATA": METADATA,
        "opt/code-server/node_modules/@b/c/package.json": b'{"name": "@b/c", "version": "2.0.0", "license": "MIT"}',
        "opt/code-server/node_modules/x/package.json": b'{"type": "module"}',
    }
    assert all(map(wanted, files))
    assert sorted(of_image(files)) == [
        Component("deb", "libc6", "2.41-12+deb13u1"),
        Component("deb", "tzdata", "2026a-0+deb13u1"),
        Component("npm", "@b/c", "2.0.0", "MIT"),
        Component("pypi", "charset-normalizer", "3.5.2", "MIT"),
    ]


@pytest.mark.parametrize(
    "path", ["etc/passwd", "var/lib/dpkg/status-old", "opt/app/package.json", "a/node_modules/x/lib/package.json"]
)
def test_other_files_are_not_read(path: str):
    assert not wanted(path)


@pytest.mark.parametrize(
    ("component", "purl"),
    [
        (Component("deb", "libc6", "2:2.41-12+deb13u1"), "pkg:deb/debian/libc6@2%3A2.41-12%2Bdeb13u1"),
        (Component("pypi", "google-re2", "1.1"), "pkg:pypi/google-re2@1.1"),
        (Component("npm", "@solidjs/router", "1.0.0"), "pkg:npm/%40solidjs/router@1.0.0"),
        (Component("golang", "go.etcd.io/etcd/server/v3", "v3.6.16"), "pkg:golang/go.etcd.io/etcd/server/v3@v3.6.16"),
    ],
)
def test_a_package_url_is_what_scanners_know_it_by(component: Component, purl: str):
    assert component.purl == purl


def test_a_bill_is_the_same_whatever_the_order_and_names_a_package_once():
    parts = [Component("pypi", "a", "1"), Component("npm", "b", "2", "MIT"), Component("pypi", "a", "1", "MIT")]
    bill = document("api", "0123", parts)
    assert bill == document("api", "0123", reversed(parts))
    read = json.loads(bill)
    assert (read["bomFormat"], read["specVersion"]) == ("CycloneDX", "1.6")
    assert [one["bom-ref"] for one in read["components"]] == ["pkg:npm/b@2", "pkg:pypi/a@1"]
    assert read["components"][1]["licenses"] == [{"license": {"name": "MIT"}}]


def test_a_file_that_no_package_owns_has_no_component(tmp_path: Path):
    assert list(of_host_files([str(tmp_path / "x")])) == []
