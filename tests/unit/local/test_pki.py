"""The cluster's certificates say what each part needs and nothing more."""

from __future__ import annotations

import ipaddress
import stat
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from guildnet_local.cluster import pki


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("pki")
    pki.make(made)
    return made


def certificate(directory: Path, name: str) -> x509.Certificate:
    return x509.load_pem_x509_certificate((directory / f"{name}.crt").read_bytes())


def names(found: x509.Certificate) -> set[str]:
    value = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return set(value.get_values_for_type(x509.DNSName)) | set(map(str, value.get_values_for_type(x509.IPAddress)))


def test_the_api_server_can_be_reached_by_service_node_and_relay(directory: Path):
    assert names(certificate(directory, "kube-apiserver")) >= {
        "127.0.0.1", "10.96.0.1", "10.123.0.1", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local",
    }  # fmt: skip


@pytest.mark.parametrize("name", sorted(pki.SUBJECTS))
def test_every_certificate_is_signed_by_the_authority_for_its_subject(directory: Path, name: str):
    found, authority = certificate(directory, name), certificate(directory, "ca")
    found.verify_directly_issued_by(authority)
    subject = pki.SUBJECTS[name]
    assert found.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value == subject.common_name
    organizations = [item.value for item in found.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)]
    assert organizations == ([subject.organization] if subject.organization else [])


@pytest.mark.parametrize("name", sorted(pki.SUBJECTS))
def test_only_servers_may_serve(directory: Path, name: str):
    purposes = certificate(directory, name).extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    serves = ExtendedKeyUsageOID.SERVER_AUTH in purposes
    assert serves is bool(pki.SUBJECTS[name].servers)


def test_the_node_is_who_the_node_authorizer_expects(directory: Path):
    found = certificate(directory, "kubelet")
    assert found.subject.rfc4514_string() in (
        "CN=system:node:guildnet,O=system:nodes",
        "O=system:nodes,CN=system:node:guildnet",
    )
    assert names(found) == {"guildnet", "10.123.0.1"}


def test_keys_are_for_root_alone(directory: Path):
    assert {stat.S_IMODE(path.stat().st_mode) for path in directory.glob("*.key")} == {0o600}


def test_a_second_run_keeps_everything_and_completes_what_is_missing(tmp_path: Path):
    pki.make(tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    (tmp_path / "kubelet.crt").unlink()
    pki.make(tmp_path)
    after = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert set(after) == set(before)
    assert {name for name in after if after[name] != before[name]} == {"kubelet.crt", "kubelet.key"}
    key = serialization.load_pem_private_key(after["kubelet.key"], None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    assert certificate(tmp_path, "kubelet").public_key() == key.public_key()


def test_a_kubeconfig_holds_all_it_needs(directory: Path):
    made = pki.kubeconfig(directory, "admin", "https://127.0.0.1:16443")
    assert made["clusters"][0]["cluster"]["server"] == "https://127.0.0.1:16443"
    assert not [key for key in (*made["users"][0]["user"], *made["clusters"][0]["cluster"]) if key.endswith("-file")]
    assert made["current-context"] == made["contexts"][0]["name"]


def test_addresses_are_addresses_and_names_are_names():
    made = pki._names(["10.0.0.1", "kubernetes", "::1"])
    assert made == [
        x509.IPAddress(ipaddress.ip_address("10.0.0.1")), x509.DNSName("kubernetes"),
        x509.IPAddress(ipaddress.ip_address("::1")),
    ]  # fmt: skip
