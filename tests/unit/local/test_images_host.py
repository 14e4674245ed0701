"""What a build borrows from the machine, and what it leaves alone."""

import tomllib

import pytest

from guildnet_local.images.host import (
    CA_INSIDE,
    Mirrors,
    apt_configuration,
    ca_bundle,
    mirrors,
    npm_configuration,
    pip_configuration,
    proxy_lines,
    secrets,
    uv_configuration,
)

LISTED = """\
:env:.cert='/etc/ssl/certs/ca-certificates.crt'
:env:.index-url='https://index.example/simple'
global.index-url='https://old.example/simple'
global.trusted-host='a.example\\nb.example'
global.cert='/etc/other.pem'
global.find-links='/opt/wheels'
"""


def test_pip_is_told_how_to_reach_the_index_and_nothing_else():
    assert pip_configuration(LISTED).splitlines() == [
        "[global]",
        "index-url = https://index.example/simple",
        "trusted-host = a.example b.example",
    ]


def test_uv_is_told_the_same():
    assert tomllib.loads(uv_configuration(LISTED)) == {
        "index-url": "https://index.example/simple",
        "allow-insecure-host": ["a.example", "b.example"],
    }


def test_a_machine_without_a_pip_configuration_gives_an_empty_one():
    assert pip_configuration("") == "[global]\n"
    assert uv_configuration("") == ""


def test_npm_is_told_the_registry_and_the_certificate_authorities_inside_the_step():
    listed = '{"registry": "https://registry.example/", "strict-ssl": true, "proxy": null, "prefix": "/usr"}'
    assert npm_configuration(listed).splitlines() == [
        "registry=https://registry.example/",
        "strict-ssl=true",
        f"cafile={CA_INSIDE}",
    ]


def test_npm_not_being_there_is_no_error():
    assert npm_configuration("") == f"cafile={CA_INSIDE}\n"


DUMPED = """\
Acquire "";
Acquire::http "";
Acquire::http::Proxy "http://proxy.example:3142";
Acquire::http::Proxy::direct.example "DIRECT";
Acquire::https::Proxy "";
Acquire::cdrom::mount "/media/cdrom/";
"""


def test_apt_s_proxies_are_passed_on():
    kept = [
        'Acquire::http::Proxy "http://proxy.example:3142";',
        'Acquire::http::Proxy::direct.example "DIRECT";',
    ]
    assert proxy_lines(DUMPED) == kept
    assert apt_configuration(DUMPED).splitlines() == [*kept, f'Acquire::https::CaInfo "{CA_INSIDE}";']


@pytest.mark.parametrize(
    ("lines", "found"),
    [
        (
            [
                "Debian|http://m.example/debian/",
                "Debian|http://n.example/debian/",
                "Debian-Security|http://s.example/x",
            ],
            Mirrors("http://m.example/debian", "http://s.example/x"),
        ),
        (["Other|http://vendor.example/apt", "|http://unlabelled.example/debian"], Mirrors()),
        (["Ubuntu|http://u.example/ubuntu"], Mirrors()),
        ([], Mirrors()),
    ],
    ids=["first-of-each-label", "other-vendors", "another-distribution", "lists-never-fetched"],
)
def test_the_mirror_is_the_one_whose_release_file_says_debian(lines, found):
    assert mirrors(lines) == found


def test_sources_name_the_new_suite_at_the_machine_s_mirror():
    assert Mirrors("http://m.example/debian", "http://m.example/security").sources("trixie").splitlines() == [
        "deb http://m.example/debian trixie main",
        "deb http://m.example/debian trixie-updates main",
        "deb http://m.example/security trixie-security main",
    ]
    assert Mirrors().sources() == ""


def test_a_named_bundle_comes_before_the_usual_places_unless_it_is_missing(tmp_path):
    bundle = tmp_path / "ca.pem"
    bundle.write_text("x")
    assert ca_bundle({"SSL_CERT_FILE": str(bundle)}) == bundle
    assert ca_bundle({"SSL_CERT_FILE": str(tmp_path / "none")}) == ca_bundle({})


def test_a_build_gets_the_secrets_its_dockerfile_mounts_and_no_others(tmp_path):
    bundle = tmp_path / "ca.pem"
    bundle.write_text("x")
    environ = {"SSL_CERT_FILE": str(bundle)}
    assert secrets("FROM scratch\n", tmp_path / "a", environ) == {}
    mounts = "RUN --mount=type=secret,id=ca,target=/x --mount=type=secret,id=apt,target=/y true\n"
    found = secrets(mounts, tmp_path / "b", environ)
    assert found == {"ca": bundle, "apt": tmp_path / "b" / "apt"}
    assert found["apt"].stat().st_mode & 0o777 == 0o600
