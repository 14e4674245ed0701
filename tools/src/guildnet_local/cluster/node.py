"""What the node runs and reads: containerd, kubelet, kube-proxy and their configuration. Values only."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from guildnet_local.cluster.controlplane import flags
from guildnet_local.machine.process import Program
from guildnet_local.settings import (
    CLUSTER_DOMAIN,
    DNS_IP,
    NAME,
    NODE_IP,
    NODE_NAME,
    NODE_POD_NET,
    POD_NET,
    Settings,
)

CNI_PROGRAMS = "/usr/lib/cni"
MAX_PODS = 200


def containerd_config(settings: Settings, pause: str) -> str:
    """containerd with root, state and socket of its own: Debian's service, if it runs, is another one.

    `pause` is the image of pod sandboxes; it has to be imported before the first pod starts.
    """
    return f"""\
version = 2
root = "{settings.state}/containerd"
state = "{settings.run}/containerd"
oom_score = 0
disabled_plugins = [
  "io.containerd.snapshotter.v1.aufs",
  "io.containerd.snapshotter.v1.btrfs",
  "io.containerd.snapshotter.v1.devmapper",
  "io.containerd.snapshotter.v1.zfs",
  "io.containerd.tracing.processor.v1.otlp",
  "io.containerd.internal.v1.tracing",
]

[grpc]
  address = "{settings.containerd_socket}"

[ttrpc]
  address = "{settings.containerd_socket}.ttrpc"

[plugins."io.containerd.internal.v1.opt"]
  path = "{settings.state}/containerd-opt"

[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{pause}"
  # Without CAP_SYS_RESOURCE runc may not lower a score, and dies with "can't get final child's PID from pipe: EOF".
  restrict_oom_score_adj = true
  netns_mounts_under_state_dir = true
  disable_tcp_service = true
  stream_server_address = "127.0.0.1"

  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "{CNI_PROGRAMS}"
    conf_dir = "{settings.config}/cni"

  [plugins."io.containerd.grpc.v1.cri".registry]
    config_path = "{settings.registries}"

  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "overlayfs"
    default_runtime_name = "runc"

    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"

      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
        SystemdCgroup = false
"""


def cni_config(settings: Settings) -> str:
    """Pods on a bridge of their own; hairpin, so that a pod reaches itself through its Service."""
    return json.dumps(
        {
            "cniVersion": "0.4.0",
            "name": NAME,
            "plugins": [
                {
                    "type": "bridge",
                    "bridge": "pods0",
                    "isGateway": True,
                    "hairpinMode": True,
                    "ipMasq": False,
                    "ipam": {
                        "type": "host-local",
                        "dataDir": str(settings.run / "ipam"),
                        "ranges": [[{"subnet": NODE_POD_NET}]],
                        "routes": [{"dst": "0.0.0.0/0"}],
                    },
                },
                {"type": "portmap", "capabilities": {"portMappings": True}},
            ],
        },
        indent=2,
    )


def kubelet_config(settings: Settings) -> Mapping[str, Any]:
    pki = settings.pki
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "address": NODE_IP,
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True},
            "x509": {"clientCAFile": str(pki / "ca.crt")},
        },
        "authorization": {"mode": "Webhook"},
        "tlsCertFile": str(pki / "kubelet.crt"),
        "tlsPrivateKeyFile": str(pki / "kubelet.key"),
        "containerRuntimeEndpoint": f"unix://{settings.containerd_socket}",
        "clusterDNS": [DNS_IP],
        "clusterDomain": CLUSTER_DOMAIN,
        # The machine's resolvers are out of reach from here; an empty file keeps them out of pods.
        "resolvConf": str(settings.config / "resolv.conf"),
        "cgroupRoot": f"/{NAME}",
        "cgroupDriver": "cgroupfs",
        # Version 1 control groups are still what some machines have.
        "failCgroupV1": False,
        "failSwapOn": False,
        "podLogsDir": str(settings.state / "pod-logs"),
        "volumePluginDir": str(settings.state / "volume-plugins"),
        "maxPods": MAX_PODS,
        # It is a person's machine: give up late, and never throw away images that cannot be pulled again.
        # Room on the machine's disk is what `up` checks before it starts. A node that taints itself while an image is
        # being unpacked leaves the only pod there is to start unscheduled for five minutes.
        "evictionHard": {"memory.available": "200Mi", "nodefs.available": "0%", "imagefs.available": "0%"},
        "imageGCHighThresholdPercent": 100,
        "imageGCLowThresholdPercent": 99,
        "seccompDefault": True,
        "serializeImagePulls": False,
        "enableSystemLogHandler": False,
        "enableDebuggingHandlers": True,
        "oomScoreAdj": 0,
        "kubeAPIQPS": 200,
        "kubeAPIBurst": 400,
        "readOnlyPort": 0,
        "shutdownGracePeriod": "0s",
    }


def kube_proxy_config(settings: Settings) -> Mapping[str, Any]:
    return {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "mode": "nftables",
        "bindAddress": NODE_IP,
        "clientConnection": {"kubeconfig": str(settings.config / "kube-proxy.kubeconfig"), "qps": 50, "burst": 100},
        "clusterCIDR": POD_NET,
        "hostnameOverride": NODE_NAME,
        "healthzBindAddress": "127.0.0.1:10256",
        "metricsBindAddress": "127.0.0.1:10249",
        # The table's size belongs to the machine, not to this namespace.
        "conntrack": {"maxPerCore": 0, "min": 0},
        "oomScoreAdj": 0,
        # A new Service answers this much later than its endpoints are known.
        "nftables": {"minSyncPeriod": "0s", "syncPeriod": "30s"},
    }


def files(settings: Settings, pause: str) -> dict[Path, str]:
    """Every configuration file of the node."""
    return {
        settings.config / "containerd.toml": containerd_config(settings, pause),
        settings.config / "cni" / "10-guildnet.conflist": cni_config(settings),
        settings.config / "kubelet.yaml": yaml.safe_dump(dict(kubelet_config(settings)), sort_keys=False),
        settings.config / "kube-proxy.yaml": yaml.safe_dump(dict(kube_proxy_config(settings)), sort_keys=False),
        settings.config / "resolv.conf": "",
    }


def containerd(settings: Settings, pause: str) -> Program:
    return Program(
        "containerd",
        ("/usr/bin/containerd", "--config", str(settings.config / "containerd.toml"), "--log-level", "warn"),
        inputs=(containerd_config(settings, pause),),
    )


def kubelet(settings: Settings, program: Path) -> Program:
    return Program(
        "kubelet",
        (
            str(program),
            *flags(
                {
                    "config": settings.config / "kubelet.yaml",
                    "kubeconfig": settings.config / "kubelet.kubeconfig",
                    "hostname-override": NODE_NAME,
                    "node-ip": NODE_IP,
                    "root-dir": settings.state / "kubelet",
                    "cert-dir": settings.state / "kubelet" / "pki",
                }
            ),
        ),
        inputs=(yaml.safe_dump(dict(kubelet_config(settings))),),
    )


def kube_proxy(settings: Settings, program: Path) -> Program:
    return Program(
        "kube-proxy",
        (str(program), *flags({"config": settings.config / "kube-proxy.yaml"})),
        inputs=(yaml.safe_dump(dict(kube_proxy_config(settings))),),
    )
