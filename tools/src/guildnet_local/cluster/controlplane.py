"""What the control plane runs: the command lines of etcd, API server, controller manager and scheduler. Values only."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from guildnet_local.machine.process import Program
from guildnet_local.settings import API_PORT, CLUSTER_DOMAIN, NAME, NODE_IP, POD_NET, SERVICE_NET, Settings

ETCD = "http://127.0.0.1:2379"
SERVER = f"https://{NODE_IP}:{API_PORT}"
PROGRAMS = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler")


def flags(values: Mapping[str, object]) -> tuple[str, ...]:
    """`--name=value` for each; booleans as Go writes them."""
    return tuple(
        f"--{name}={str(value).lower() if isinstance(value, bool) else value}" for name, value in values.items()
    )


def etcd(settings: Settings, program: Path) -> Program:
    """etcd on the namespace's own loopback, where no pod reaches it."""
    return Program(
        "etcd",
        (
            str(program),
            *flags(
                {
                    "name": NAME,
                    "data-dir": settings.state / "etcd",
                    "listen-client-urls": ETCD,
                    "advertise-client-urls": ETCD,
                    "listen-peer-urls": "http://127.0.0.1:2380",
                    "initial-advertise-peer-urls": "http://127.0.0.1:2380",
                    "initial-cluster": f"{NAME}=http://127.0.0.1:2380",
                    # What a crash of the machine loses is a throw-away cluster; a crash of etcd loses nothing.
                    "unsafe-no-fsync": True,
                    "auto-compaction-retention": "1h",
                    "log-level": "warn",
                }
            ),
        ),
    )


def api_server(settings: Settings, program: Path) -> Program:
    pki = settings.pki
    values: dict[str, object] = {
        "advertise-address": NODE_IP,
        "bind-address": NODE_IP,
        "secure-port": API_PORT,
        "etcd-servers": ETCD,
        "service-cluster-ip-range": SERVICE_NET,
        "authorization-mode": "Node,RBAC",
        "enable-admission-plugins": "NodeRestriction",
        "allow-privileged": True,
        "client-ca-file": pki / "ca.crt",
        "tls-cert-file": pki / "kube-apiserver.crt",
        "tls-private-key-file": pki / "kube-apiserver.key",
        "kubelet-client-certificate": pki / "apiserver-kubelet-client.crt",
        "kubelet-client-key": pki / "apiserver-kubelet-client.key",
        "kubelet-certificate-authority": pki / "ca.crt",
        "kubelet-preferred-address-types": "InternalIP",
        "service-account-issuer": f"https://kubernetes.default.svc.{CLUSTER_DOMAIN}",
        "service-account-key-file": pki / "service-accounts.pub",
        "service-account-signing-key-file": pki / "service-accounts.key",
        "profiling": False,
    }
    policy = ""
    if settings.audit:
        policy = yaml.safe_dump(AUDIT_POLICY, sort_keys=False)
        values |= {
            "audit-policy-file": settings.config / "audit-policy.yaml",
            "audit-log-path": settings.audit_log,
            "audit-log-maxsize": 200,
            "audit-log-maxbackup": 5,
        }
    return Program("kube-apiserver", (str(program), *flags(values)), inputs=(policy,))


# Who asked for what, without bodies: enough to count calls.
AUDIT_POLICY: Mapping[str, Any] = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived"],
    "rules": [{"level": "Metadata"}],
}


def controller_manager(settings: Settings, program: Path) -> Program:
    pki = settings.pki
    return Program(
        "kube-controller-manager",
        (
            str(program),
            *flags(
                {
                    "kubeconfig": settings.config / "kube-controller-manager.kubeconfig",
                    "bind-address": "127.0.0.1",
                    "allocate-node-cidrs": True,
                    "cluster-cidr": POD_NET,
                    "service-cluster-ip-range": SERVICE_NET,
                    "use-service-account-credentials": True,
                    "service-account-private-key-file": pki / "service-accounts.key",
                    "root-ca-file": pki / "ca.crt",
                    "cluster-signing-cert-file": pki / "ca.crt",
                    "cluster-signing-key-file": pki / "ca.key",
                    # One of each: an election would only delay the start.
                    "leader-elect": False,
                    # The default of 20 calls a second is what makes many pods slow to appear.
                    "kube-api-qps": 200,
                    "kube-api-burst": 400,
                    "profiling": False,
                }
            ),
        ),
    )


def scheduler(settings: Settings, program: Path) -> Program:
    return Program(
        "kube-scheduler",
        (
            str(program),
            *flags(
                {
                    "kubeconfig": settings.config / "kube-scheduler.kubeconfig",
                    "bind-address": "127.0.0.1",
                    "leader-elect": False,
                    "kube-api-qps": 200,
                    "kube-api-burst": 400,
                    "profiling": False,
                }
            ),
        ),
    )
