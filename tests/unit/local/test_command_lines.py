"""The command lines and configuration of the cluster's programs: what a machine like this one needs of them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from guildnet_local.cluster import controlplane, dns, node
from guildnet_local.settings import LocalError, Settings, load

PROGRAM = Path("/programs/x")


@pytest.fixture
def settings() -> Settings:
    return load({"HOME": "/home/somebody"})


def test_flags_are_written_the_way_go_reads_them():
    assert controlplane.flags({"a": True, "b": 3, "c": Path("/x")}) == ("--a=true", "--b=3", "--c=/x")


def test_etcd_listens_where_no_pod_reaches_it(settings: Settings):
    listening = [a for a in controlplane.etcd(settings, PROGRAM).argv if a.startswith(("--listen", "--advertise"))]
    assert listening
    assert all("//127.0.0.1:" in argument for argument in listening)


def test_the_api_server_authorizes_nodes_and_roles(settings: Settings):
    argv = controlplane.api_server(settings, PROGRAM).argv
    assert "--authorization-mode=Node,RBAC" in argv
    assert "--enable-admission-plugins=NodeRestriction" in argv


def test_an_audit_log_is_kept_only_when_asked_for():
    plain, audited = load({"HOME": "/h"}), load({"HOME": "/h", "GUILDNET_AUDIT": "1"})
    assert not [a for a in controlplane.api_server(plain, PROGRAM).argv if "audit" in a]
    assert f"--audit-log-path={audited.audit_log}" in controlplane.api_server(audited, PROGRAM).argv


def test_turning_the_audit_log_on_restarts_the_api_server():
    plain, audited = load({"HOME": "/h"}), load({"HOME": "/h", "GUILDNET_AUDIT": "1"})
    assert controlplane.api_server(plain, PROGRAM).digest != controlplane.api_server(audited, PROGRAM).digest


def test_the_controller_manager_gives_nodes_their_pod_ranges(settings: Settings):
    argv = controlplane.controller_manager(settings, PROGRAM).argv
    assert {"--allocate-node-cidrs=true", "--cluster-cidr=10.124.0.0/16"} <= set(argv)
    assert "--use-service-account-credentials=true" in argv


def test_the_kubelet_runs_with_version_1_control_groups_below_our_own(settings: Settings):
    config = node.kubelet_config(settings)
    assert config["failCgroupV1"] is False
    assert (config["cgroupDriver"], config["cgroupRoot"]) == ("cgroupfs", "/guildnet")


def test_the_kubelet_never_removes_images_that_cannot_be_pulled_again(settings: Settings):
    assert node.kubelet_config(settings)["imageGCHighThresholdPercent"] == 100


def test_the_kubelet_writes_nowhere_but_in_our_directories(settings: Settings):
    config = node.kubelet_config(settings)
    paths = [config[key] for key in ("podLogsDir", "volumePluginDir", "resolvConf")]
    arguments = [a.partition("=")[2] for a in node.kubelet(settings, PROGRAM).argv if "-dir=" in a]
    assert len(arguments) == 2
    assert all(Path(path).is_relative_to(settings.state) for path in (*paths, *arguments))


def test_containerd_keeps_clear_of_the_machines_own(settings: Settings):
    config = node.containerd_config(settings, "pause:1")
    paths = [line.split('"')[1] for line in config.splitlines() if '= "/' in line and "bin_dir" not in line]
    assert paths
    assert all(path.startswith((str(settings.state), str(settings.run))) for path in paths)


@pytest.mark.parametrize("line", ["restrict_oom_score_adj = true", "netns_mounts_under_state_dir = true"])
def test_containerd_has_the_setting_without_which_it_fails_or_leaks_here(settings: Settings, line: str):
    assert line in node.containerd_config(settings, "pause:1")


def test_kube_proxy_uses_nftables_and_leaves_the_machines_table_size_alone(settings: Settings):
    config = node.kube_proxy_config(settings)
    assert config["mode"] == "nftables"
    assert config["conntrack"] == {"maxPerCore": 0, "min": 0}


def test_pod_addresses_are_taken_from_the_nodes_range(settings: Settings):
    bridge = json.loads(node.cni_config(settings))["plugins"][0]
    assert bridge["ipam"]["ranges"] == [[{"subnet": "10.124.0.0/24"}]]
    assert Path(bridge["ipam"]["dataDir"]).is_relative_to(settings.run)


def test_a_changed_configuration_file_is_a_changed_program(settings: Settings):
    assert node.containerd(settings, "pause:1").digest != node.containerd(settings, "pause:2").digest


def test_every_configuration_file_is_ours_and_readable_by_its_program(settings: Settings):
    files = node.files(settings, "pause:1")
    assert all(path.is_relative_to(settings.state) for path in files)
    assert yaml.safe_load(files[settings.config / "kubelet.yaml"])["kind"] == "KubeletConfiguration"


def test_dns_is_at_the_address_that_the_kubelet_hands_out(settings: Settings):
    service = next(item for item in dns.manifests("coredns:1") if item["kind"] == "Service")
    assert [service["spec"]["clusterIP"]] == node.kubelet_config(settings)["clusterDNS"]


def test_dns_says_that_outside_names_do_not_exist():
    inside, outside = dns.COREFILE.split(".:5353 {\n")
    assert "template" not in inside, "it would answer before the kubernetes plugin"
    assert "NXDOMAIN" in outside
    assert "forward" not in dns.COREFILE


@pytest.mark.parametrize("text", ["x", "-1", "0", "65536", "8080 ", "1e3", "٣"])
def test_a_port_that_is_none_is_refused_by_the_name_of_its_variable(text: str):
    with pytest.raises(LocalError, match="GUILDNET_PORT"):
        load({"HOME": "/h", "GUILDNET_PORT": text})


def test_the_three_ports_have_to_differ():
    with pytest.raises(LocalError, match="three different ports"):
        load({"HOME": "/h", "GUILDNET_PORT": "16443"})


def test_the_control_origin_follows_the_port():
    assert load({"HOME": "/h"}).origin == "http://guildnet.localhost:8080"
    assert load({"HOME": "/h", "GUILDNET_PORT": "80"}).origin == "http://guildnet.localhost"


def test_a_relative_cache_directory_is_ignored_as_xdg_says():
    assert load({"HOME": "/h", "XDG_CACHE_HOME": "here"}).cache == Path("/h/.cache/guildnet")
    assert load({"HOME": "/h", "XDG_CACHE_HOME": "/c"}).cache == Path("/c/guildnet")
