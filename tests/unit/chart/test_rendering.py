"""Claims that hold for every rendering, whatever the values."""

from __future__ import annotations

from collections import Counter
from typing import Any

import kubernetes_validate
import pytest

from unit.chart.rendered import CHART, MATRIX, Render, Rendering

KUBERNETES = "1.35"
NOT_KUBERNETES = {"CustomResourceDefinition", "PodMonitor", "PrometheusRule", "HTTPRoute"}
COMPONENTS = ("api", "proxy", "operator", "valkey")


@pytest.fixture(params=list(MATRIX.values()), ids=list(MATRIX))
def rendering(request: pytest.FixtureRequest, render: Render) -> Rendering:
    return render(request.param)


def containers(rendering: Rendering) -> list[dict[str, Any]]:
    return [c for _, spec in rendering.pod_specs() for c in [*spec["containers"], *spec.get("initContainers", [])]]


@pytest.mark.parametrize("values", MATRIX.values(), ids=MATRIX)
def test_helm_lint_finds_nothing(run_helm, values):
    assert "[WARNING]" not in run_helm("lint", "--strict", str(CHART), values=values)


def test_every_object_is_valid_kubernetes(rendering):
    for o in rendering.objects:
        if o["kind"] not in NOT_KUBERNETES:
            kubernetes_validate.validate(o, KUBERNETES, strict=True)


def test_no_environment_name_is_given_twice(rendering):
    """Helm applies server-side, and there a list keyed by name refuses the second one."""
    for container in containers(rendering):
        counted = Counter(e["name"] for e in container.get("env", []))
        assert not [name for name, times in counted.items() if times > 1]


def test_no_object_is_rendered_twice(rendering):
    counted = Counter((o["kind"], o["metadata"].get("namespace"), o["metadata"]["name"]) for o in rendering.objects)
    assert set(counted.values()) == {1}


def test_every_object_has_the_recommended_labels(rendering):
    for o in rendering.objects:
        labels = o["metadata"]["labels"]
        assert labels["app.kubernetes.io/managed-by"] == "Helm"
        assert labels["app.kubernetes.io/part-of"] == "guildnet"
        assert labels["app.kubernetes.io/component"]


def test_every_selector_finds_exactly_its_own_pods(rendering):
    pods = {o["metadata"]["name"]: o["spec"]["template"]["metadata"]["labels"] for o in rendering.of("Deployment")}
    for o in [*rendering.of("Service"), *rendering.of("Deployment"), *rendering.of("PodDisruptionBudget")]:
        selector = o["spec"]["selector"].get("matchLabels", o["spec"]["selector"])
        found = [name for name, labels in pods.items() if selector.items() <= labels.items()]
        assert found == [o["metadata"]["name"]]


def test_every_named_port_of_a_service_is_one_of_its_pods(rendering):
    for service in rendering.of("Service"):
        container = rendering.container(service["metadata"]["name"].removeprefix("guildnet-"))
        names = {port["name"] for port in container["ports"]}
        assert {port["targetPort"] for port in service["spec"]["ports"]} <= names


def test_every_container_but_the_sidecar_satisfies_pod_security_restricted(rendering):
    for _, pod in rendering.pod_specs():
        context = pod["securityContext"]
        assert context["runAsNonRoot"] is True
        assert context["runAsUser"] == 65532
        assert context["seccompProfile"] == {"type": "RuntimeDefault"}
        for container in [*pod["containers"], *pod.get("initContainers", [])]:
            context = container["securityContext"]
            assert context["allowPrivilegeEscalation"] is False
            assert context["readOnlyRootFilesystem"] is True
            assert context["capabilities"] == {"drop": ["ALL"]}
            assert ("runAsUser" in context) == (container["name"] == "tailscale")


def test_every_container_is_bounded(rendering):
    for container in containers(rendering):
        assert container["resources"]["requests"]["cpu"]
        assert container["resources"]["limits"]["memory"]


def test_every_volume_is_mounted_and_every_mount_has_a_volume(rendering):
    for name, pod in rendering.pod_specs():
        volumes = {volume["name"] for volume in pod.get("volumes", [])}
        every = [*pod["containers"], *pod.get("initContainers", [])]
        assert {mount["name"] for c in every for mount in c.get("volumeMounts", [])} == volumes, name


def test_every_referenced_account_secret_and_configmap_is_rendered_or_named_in_the_values(rendering):
    made = {(o["kind"], o["metadata"]["name"]) for o in rendering.objects}
    own = {"my-keys", "my-valkey", "my-authkey", "my-password", "redis", "identity-proxy"}
    for _, pod in rendering.pod_specs():
        wanted = {("ServiceAccount", pod["serviceAccountName"])} if "serviceAccountName" in pod else set()
        for volume in pod.get("volumes", []):
            if "secret" in volume:
                wanted.add(("Secret", volume["secret"]["secretName"]))
            if "configMap" in volume:
                wanted.add(("ConfigMap", volume["configMap"]["name"]))
        for container in [*pod["containers"], *pod.get("initContainers", [])]:
            for entry in container.get("env", []):
                if "secretKeyRef" in entry.get("valueFrom", {}):
                    wanted.add(("Secret", entry["valueFrom"]["secretKeyRef"]["name"]))
        assert {(kind, name) for kind, name in wanted - made if name not in own} == set()


def test_only_what_holds_data_survives_an_uninstall(rendering):
    kept = {
        (o["kind"], o["metadata"]["name"])
        for o in rendering.objects
        if o["metadata"].get("annotations", {}).get("helm.sh/resource-policy") == "keep"
    }
    assert kept <= {
        ("Namespace", "guildnet-workspaces"),
        ("CustomResourceDefinition", "workspaces.guildnet.io"),
        ("CustomResourceDefinition", "capabilities.guildnet.io"),
        ("Secret", "guildnet-keys"),
        ("Secret", "guildnet-tailnet-state"),
        ("ConfigMap", "guildnet-ports"),
        ("ConfigMap", "guildnet-entries"),
    }
    for kind in ("Namespace", "CustomResourceDefinition"):
        assert {(kind, o["metadata"]["name"]) for o in rendering.of(kind)} <= kept


def test_what_others_write_at_run_time_is_rendered_without_data(rendering):
    """An upgrade applies only what is rendered; anything rendered here would roll a counter or a node key back."""
    for kind, name in (
        ("ConfigMap", "guildnet-ports"),
        ("ConfigMap", "guildnet-entries"),
        ("Secret", "guildnet-tailnet-state"),
    ):
        for o in rendering.of(kind, name):
            assert not o.keys() & {"data", "stringData", "binaryData"}


@pytest.mark.parametrize("component", COMPONENTS)
def test_scheduling_values_reach_the_pod_of_every_component(render, component):
    rendering = render(MATRIX["scheduled"])
    pod = rendering.pod(component)
    assert pod["nodeSelector"] == {"pool": "web"}
    assert pod["tolerations"] == [{"key": "web", "operator": "Exists"}]
    assert pod["affinity"] == {"nodeAffinity": {}}
    assert pod["topologySpreadConstraints"][0]["maxSkew"] == 1
    assert pod["priorityClassName"] == "high"
    assert pod["imagePullSecrets"] == [{"name": "pull"}]
    metadata = rendering.one("Deployment", f"guildnet-{component}")["spec"]["template"]["metadata"]
    assert metadata["annotations"]["note"] == "x"
    assert metadata["labels"]["tier"] == "web"
    assert rendering.env(component)["TZ"] == "UTC"


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        ({}, "guildnet/api:0.1.0"),
        ({"tag": "dev-1"}, "guildnet/api:dev-1"),
        ({"registry": "r.example.com:5000", "tag": "1"}, "r.example.com:5000/guildnet/api:1"),
        ({"repository": "mine/api", "tag": "1", "digest": f"sha256:{'a' * 64}"}, f"mine/api@sha256:{'a' * 64}"),
    ],
    ids=["the chart's version", "tag", "registry", "digest before tag"],
)
def test_an_image_reference_is_completed_from_the_common_values(render, image, expected):
    assert render({"api": {"image": image}}).container("api")["image"] == expected


@pytest.mark.parametrize(
    ("release", "namespace", "prefix"),
    [("guildnet", "guildnet", "guildnet"), ("team", "apps", "team-guildnet"), ("my-guildnet", "x", "my-guildnet")],
)
def test_object_names_start_with_the_release(render, release, namespace, prefix):
    rendering = render(release=release, namespace=namespace)
    names = {o["metadata"]["name"] for o in rendering.of("Deployment")}
    assert names == {f"{prefix}-{component}" for component in COMPONENTS}
    proxy = next(o for o in rendering.of("Deployment") if o["metadata"]["name"] == f"{prefix}-proxy")
    env = {e["name"]: e.get("value") for e in proxy["spec"]["template"]["spec"]["containers"][0]["env"]}
    assert env["API_URL"] == f"http://{prefix}-api:8080"
    assert env["ADMIN_SERVICE_ACCOUNT"] == f"{namespace}:{prefix}-admin"
    assert env["RELEASE_NAMESPACE"] == namespace


def test_two_installs_share_no_cluster_scoped_name(render):
    def cluster_scoped(rendering: Rendering) -> set[str]:
        kinds = ("ClusterRole", "ClusterRoleBinding")
        return {o["metadata"]["name"] for kind in kinds for o in rendering.of(kind)}

    assert not cluster_scoped(render(namespace="one")) & cluster_scoped(render(namespace="two"))


def test_a_budget_exists_only_above_one_replica(render):
    assert render().of("PodDisruptionBudget") == []
    assert {o["metadata"]["name"] for o in render(MATRIX["many"]).of("PodDisruptionBudget")} == {
        "guildnet-api",
        "guildnet-proxy",
    }


def test_the_next_operator_is_ready_to_take_the_lease_before_the_old_one_goes(render):
    deployment = render({"operator": {"replicas": 2}}).one("Deployment", "guildnet-operator")
    assert deployment["spec"]["replicas"] == 2
    assert deployment["spec"]["strategy"]["rollingUpdate"] == {"maxUnavailable": 0, "maxSurge": 1}


def test_the_api_is_replaced_without_a_gap(render):
    strategy = render().one("Deployment", "guildnet-api")["spec"]["strategy"]
    assert strategy == {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}}


@pytest.mark.parametrize(("tailnet", "seconds"), [(False, 7 + 90 + 15), (True, 0 + 5 + 15)], ids=["alone", "tailnet"])
def test_the_kubelet_waits_for_as_long_as_the_proxy_serves_on(render, tailnet, seconds):
    rendering = render({"proxy": {"drain": {"delaySeconds": 7, "graceSeconds": 90}}, "tailnet": {"enabled": tailnet}})
    deployment = rendering.one("Deployment", "guildnet-proxy")
    assert deployment["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] == seconds


def test_the_service_address_can_be_fixed(render):
    values = {"proxy": {"service": {"clusterIP": "10.96.0.80"}}}
    assert render(values).one("Service", "guildnet-proxy")["spec"]["clusterIP"] == "10.96.0.80"
