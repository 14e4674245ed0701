"""The cluster's throw-away certificate authority and its certificates; everything is made new for a new cluster.

Keys are readable by root alone. Refuses to replace what exists: a second run completes a half-made set.
"""

from __future__ import annotations

import base64
import datetime as dt
import ipaddress
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from guildnet_local.settings import CLUSTER_DOMAIN, KUBERNETES_IP, NODE_IP, NODE_NAME

CERTIFICATE_LIFETIME = dt.timedelta(days=365)
# A machine's clock may step back after the certificates were made.
CLOCK_SKEW = dt.timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Subject:
    """Who a certificate speaks for. `servers` are names and addresses it may serve; with none it is for clients."""

    common_name: str
    organization: str = ""
    servers: tuple[str, ...] = ()


# The API server is reached inside by its node and Service addresses, from the host through the relay on 127.0.0.1.
API_SERVER_NAMES = (
    "kubernetes", "kubernetes.default", "kubernetes.default.svc", f"kubernetes.default.svc.{CLUSTER_DOMAIN}",
    "localhost", KUBERNETES_IP, NODE_IP, "127.0.0.1",
)  # fmt: skip

SUBJECTS: Mapping[str, Subject] = {
    "kube-apiserver": Subject("kube-apiserver", servers=API_SERVER_NAMES),
    "apiserver-kubelet-client": Subject("kube-apiserver-kubelet-client", "system:masters"),
    "admin": Subject("guildnet-local-admin", "system:masters"),
    "kube-controller-manager": Subject("system:kube-controller-manager"),
    "kube-scheduler": Subject("system:kube-scheduler"),
    "kubelet": Subject(f"system:node:{NODE_NAME}", "system:nodes", servers=(NODE_NAME, NODE_IP)),
    "kube-proxy": Subject("system:kube-proxy"),
}


def make(directory: Path) -> None:
    """The authority, every certificate of SUBJECTS and the key that signs service account tokens."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    authority, key = _authority(directory)
    for name, subject in SUBJECTS.items():
        if not (directory / f"{name}.crt").exists():
            own = ec.generate_private_key(ec.SECP256R1())
            _write(directory / f"{name}.key", _pem(own))
            _write(directory / f"{name}.crt", _certificate(subject, own, authority, key))
    if not (directory / "service-accounts.pub").exists():
        own = ec.generate_private_key(ec.SECP256R1())
        _write(directory / "service-accounts.key", _pem(own))
        public = own.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        _write(directory / "service-accounts.pub", public)


def _authority(directory: Path) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    if (directory / "ca.crt").exists():
        certificate = x509.load_pem_x509_certificate((directory / "ca.crt").read_bytes())
        key = serialization.load_pem_private_key((directory / "ca.key").read_bytes(), None)
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise TypeError(f"{directory}/ca.key is not an elliptic curve key")
        return certificate, key
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "guildnet-local")])
    certificate = (
        _builder(name, name, key)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(authority=True), critical=True)
        .sign(key, hashes.SHA256())
    )
    _write(directory / "ca.key", _pem(key))
    _write(directory / "ca.crt", certificate.public_bytes(serialization.Encoding.PEM))
    return certificate, key


def _builder(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    now = dt.datetime.now(dt.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - CLOCK_SKEW)
        .not_valid_after(now + CERTIFICATE_LIFETIME)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _certificate(
    subject: Subject, key: ec.EllipticCurvePrivateKey, authority: x509.Certificate, issuer: ec.EllipticCurvePrivateKey
) -> bytes:
    organization = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, subject.organization)] if subject.organization else []
    name = x509.Name([*organization, x509.NameAttribute(NameOID.COMMON_NAME, subject.common_name)])
    purposes = [ExtendedKeyUsageOID.CLIENT_AUTH] + ([ExtendedKeyUsageOID.SERVER_AUTH] if subject.servers else [])
    builder = (
        _builder(name, authority.subject, key)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(authority=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage(purposes), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.public_key()), critical=False
        )
    )  # fmt: skip
    if subject.servers:
        builder = builder.add_extension(x509.SubjectAlternativeName(_names(subject.servers)), critical=False)
    return builder.sign(issuer, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def _names(servers: Sequence[str]) -> list[x509.GeneralName]:
    return [_name(server) for server in servers]


def _name(server: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(server))
    except ValueError:
        return x509.DNSName(server)


def _usage(*, authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True, key_cert_sign=authority, crl_sign=authority, content_commitment=False,
        key_encipherment=False, data_encipherment=False, key_agreement=False, encipher_only=False, decipher_only=False,
    )  # fmt: skip


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _write(path: Path, content: bytes) -> None:
    """Write a file in one step, readable by root alone, so that a crash never leaves half a key behind."""
    aside = path.with_suffix(path.suffix + ".new")
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    aside.replace(path)


def kubeconfig(directory: Path, name: str, server: str) -> dict[str, Any]:
    """A kubeconfig for the subject `name` at the API server's address `server`, with everything in it."""

    def data(file: str) -> str:
        return base64.b64encode((directory / file).read_bytes()).decode()

    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [
            {"name": "guildnet-local", "cluster": {"server": server, "certificate-authority-data": data("ca.crt")}}
        ],
        "users": [
            {
                "name": name,
                "user": {
                    "client-certificate-data": data(f"{name}.crt"),
                    "client-key-data": data(f"{name}.key"),
                },
            }
        ],
        "contexts": [
            {"name": "guildnet-local", "context": {"cluster": "guildnet-local", "user": name, "namespace": "default"}}
        ],
        "current-context": "guildnet-local",
    }


def write_kubeconfig(path: Path, directory: Path, name: str, server: str) -> str:
    """Write the kubeconfig, unless it says so already, and give its text."""
    text = yaml.safe_dump(kubeconfig(directory, name, server), sort_keys=False)
    if not path.exists() or path.read_text() != text:
        _write(path, text.encode())
    return text
