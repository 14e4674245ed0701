"""Every setting of every service is reachable from a chart value, and the chart sets no name that nobody reads."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from guildnet import settings
from guildnet_api import settings as api
from guildnet_operator import settings as operator
from guildnet_proxy import settings as proxy
from unit.chart.rendered import CHART, MATRIX, RefusedError, Render

SERVICES: dict[str, type[settings.Settings]] = {
    "api": api.Settings,
    "proxy": proxy.Settings,
    "operator": operator.Settings,
}
NOT_SET_BY_THE_CHART = {"KUBECONFIG", "KUBERNETES_SERVICE_HOST"}  # the latter is the kubelet's


@pytest.mark.parametrize("service", SERVICES)
def test_the_chart_sets_exactly_the_names_the_service_reads(render: Render, service):
    known = {row.env for row in settings.table(SERVICES[service])}
    values = {"workspaces": {"defaultPassword": {"value": "x"}}}
    assert set(render(values).env(service)) == known - NOT_SET_BY_THE_CHART


@pytest.mark.parametrize("values", MATRIX.values(), ids=MATRIX)
@pytest.mark.parametrize("service", SERVICES)
def test_what_the_chart_sets_is_accepted_by_the_service(render: Render, service, values):
    given = {
        name: value if isinstance(value, str) else "redis://:x@elsewhere:6379/0"  # from a Secret
        for name, value in render(values).env(service).items()
        if name != "TZ"
    }
    assert settings.load(SERVICES[service], given)


@pytest.mark.parametrize(
    ("values", "component", "expected"),
    [
        ({"log": {"level": "debug", "format": "console"}}, "api", {"LOG_LEVEL": "debug", "LOG_FORMAT": "console"}),
        ({"opsPort": 9191}, "operator", {"OPS_PORT": "9191"}),
        ({"workspaces": {"namespace": "ws"}}, "proxy", {"K8S_NAMESPACE": "ws"}),
        ({"access": {"default": "owner"}}, "proxy", {"ACCESS_DEFAULT": "owner"}),
        ({"access": {"default": "owner"}}, "api", {"ACCESS_DEFAULT": "owner"}),
        ({"api": {"logs": {"bytes": 8388608, "lingerSeconds": 1.5}}}, "api", {"LOG_BYTES": "8388608"}),
        ({"proxy": {"allowedTargets": ["10.0.0.1/32:80", "10.0.0.2/32:81"]}}, "proxy",
         {"ALLOWED_TARGETS": "10.0.0.1/32:80,10.0.0.2/32:81"}),
        ({"proxy": {"disableApiProxy": True}}, "proxy", {"HOSTAPP_DISABLE_API_PROXY": "true"}),
        ({"proxy": {"firstByteSeconds": 2.5, "streamsPerWorkspace": 9, "accessLog": False}}, "proxy",
         {"FIRST_BYTE_SECONDS": "2.5", "STREAMS_PER_WORKSPACE": "9", "ACCESS_LOG": "false"}),
        ({"proxy": {"processes": 3}}, "proxy", {"PROCESSES": "3"}),
        ({"proxy": {"requestsPerIdentity": 20, "upgradesPerIdentity": 10}}, "proxy",
         {"REQUESTS_PER_IDENTITY": "20", "UPGRADES_PER_IDENTITY": "10"}),
        ({"proxy": {"drain": {"delaySeconds": 7, "graceSeconds": 90}}}, "proxy",
         {"DRAIN_DELAY_SECONDS": "7", "DRAIN_SECONDS": "90"}),
        ({"proxy": {"drain": {"delaySeconds": 7, "graceSeconds": 90}}, "tailnet": {"enabled": True}}, "proxy",
         {"DRAIN_DELAY_SECONDS": "0", "DRAIN_SECONDS": "5"}),
        ({"proxy": {"upstreamCA": "PEM"}}, "proxy", {"UPSTREAM_CA_FILE": "/etc/guildnet/upstream/ca.crt"}),
        ({"entries": {"crossSite": True}}, "proxy", {"CROSS_SITE": "true"}),
        ({"entries": {"pathTrusted": True}}, "proxy", {"PATH_TRUSTED": "true"}),
        ({"entries": {"frontendOrigin": "https://ui.example.com"}}, "proxy", {"FRONTEND_ORIGIN": "https://ui.example.com"}),
        ({"entries": {"uiDevOrigin": "http://127.0.0.1:5173"}}, "proxy", {"UI_DEV_ORIGIN": "http://127.0.0.1:5173"}),
        ({"entries": {"identityProxy": {"enabled": True, "from": ["10.0.0.1/32", "::1/128"], "adminGroups": ["ops"]}}},
         "proxy", {"IDENTITY_PROXY_LISTEN": "0.0.0.0:8082", "IDENTITY_PROXY_FROM": "10.0.0.1/32,::1/128",
                   "IDENTITY_PROXY_TLS": "", "IDENTITY_PROXY_USER_HEADER": "X-Forwarded-Email",
                   "IDENTITY_PROXY_ADMIN_GROUPS": "ops"}),
        ({"entries": {"identityProxy": {"from": ["10.0.0.1/32"]}}}, "proxy", {"IDENTITY_PROXY_LISTEN": ""}),
        ({"entries": {"local": {"origin": ""}}, "tailnet": {"enabled": True}}, "operator", {"LOCAL_ORIGIN": ""}),
        ({"workspaces": {"loadBalancer": {"enabled": True, "pool": "p"}}}, "operator",
         {"WORKSPACE_LB": "true", "WORKSPACE_LB_POOL": "p"}),
        ({"workspaces": {"ingress": {"domain": "d", "className": "c", "certManagerIssuer": "i", "tlsSecret": "t"}}},
         "operator", {"WORKSPACE_DOMAIN": "d", "INGRESS_CLASS_NAME": "c", "CERT_MANAGER_ISSUER": "i",
                      "WORKSPACE_TLS_SECRET": "t"}),
        ({"workspaces": {"ingress": {"allowedClasses": ["a", "b"], "allowedIssuers": ["c"]}}}, "operator",
         {"INGRESS_CLASS_NAMES": "a,b", "CERT_MANAGER_ISSUERS": "c", "WORKSPACE_NETWORK_POLICY": "true",
          "INGRESS_CONTROLLER_NAMESPACES": "ingress-nginx"}),
        ({"workspaces": {"networkPolicy": {"enabled": False, "ingressController": {"namespaces": ["a", "b"]}}}},
         "operator", {"WORKSPACE_NETWORK_POLICY": "false", "INGRESS_CONTROLLER_NAMESPACES": "a,b"}),
        ({"workspaces": {"ingress": {"authUrl": "a", "authSignin": "b"}}}, "operator",
         {"INGRESS_AUTH_URL": "a", "INGRESS_AUTH_SIGNIN": "b"}),
        ({"workspaces": {"imagePullSecret": "pull", "portBase": 30000, "tolerateControlPlane": False}}, "operator",
         {"K8S_IMAGE_PULL_SECRET": "pull", "PORT_BASE": "30000", "TOLERATE_CONTROL_PLANE": "false"}),
        ({"operator": {"leaseSeconds": 30}}, "operator",
         {"LEASE_SECONDS": "30", "LEASE_NAME": "guildnet-operator",
          "LEASE_IDENTITY": {"fieldRef": {"fieldPath": "metadata.name"}}}),
        ({"workspaces": {"httpProbeImages": ["a", "b"], "directExposure": True}}, "operator",
         {"HTTP_PROBE_IMAGES": "a,b", "DIRECT_EXPOSURE": "true"}),
        ({"workspaces": {"defaultPassword": {"value": "pw"}}}, "operator",
         {"AGENT_DEFAULT_PASSWORD": {"secretKeyRef": {"name": "guildnet-workspace-password", "key": "password"}}}),
        ({"redis": {"url": "rediss://r:6380/1"}, "valkey": {"enabled": False}}, "api",
         {"REDIS_URL": {"secretKeyRef": {"name": "guildnet-redis", "key": "url"}}}),
        ({"redis": {"existingSecret": "r"}, "valkey": {"enabled": False}}, "api",
         {"REDIS_URL": {"secretKeyRef": {"name": "r", "key": "url"}}}),
        ({}, "api", {"REDIS_URL": {"secretKeyRef": {"name": "guildnet-valkey", "key": "url"}}}),
        ({"valkey": {"enabled": False}}, "api", {"REDIS_URL": ""}),
    ],
)  # fmt: skip
def test_a_value_arrives_as_its_setting(render: Render, values, component, expected):
    assert render(values).env(component).items() >= expected.items()


def test_an_extra_entry_takes_the_place_of_the_charts_and_the_last_of_a_name_wins(render: Render):
    extra = [{"name": n, "value": v} for n, v in (("LOG_LEVEL", "info"), ("A", "$(LOG_LEVEL)"), ("LOG_LEVEL", "debug"))]
    env = render({"api": {"extraEnv": extra}}).container("api")["env"]
    assert [e for e in env if e["name"] in ("A", "LOG_LEVEL")] == extra[1:]


def test_one_domain_origin_gives_the_domain_its_entries_and_its_routes(render: Render):
    rendering = render(MATRIX["domain"])
    names = ["guildnet.example.com", "*.guildnet.example.com"]
    assert rendering.env("api")["DOMAIN"] == "guildnet.example.com"
    assert rendering.env("proxy")["DOMAIN_ORIGIN"] == "https://guildnet.example.com"
    ingress = rendering.one("Ingress", "guildnet")["spec"]
    assert [rule["host"] for rule in ingress["rules"]] == names
    assert ingress["tls"] == [{"secretName": "wildcard", "hosts": names}]
    route = rendering.one("HTTPRoute", "guildnet")["spec"]
    assert route["hostnames"] == names
    assert route["rules"][0]["backendRefs"] == [{"name": "guildnet-proxy", "port": 80}]


def test_in_path_mode_there_is_no_wildcard_name(render: Render):
    domain = {"origin": "https://g.example.com:8443", "mode": "path", "ingress": {"enabled": True}}
    ingress = render({"entries": {"domain": domain}}).one("Ingress", "guildnet")
    assert [rule["host"] for rule in ingress["spec"]["rules"]] == ["g.example.com"]


def test_an_identity_proxy_has_a_port_of_its_own_and_the_certificates_of_its_secret(render: Render):
    rendering = render(MATRIX["domain"])
    ports = {port["name"]: port["containerPort"] for port in rendering.container("proxy")["ports"]}
    service = {port["name"]: port["targetPort"] for port in rendering.one("Service", "guildnet-proxy")["spec"]["ports"]}
    assert (ports["identity-proxy"], service["identity-proxy"]) == (8082, "identity-proxy")
    mounts = {mount["name"]: mount["mountPath"] for mount in rendering.container("proxy")["volumeMounts"]}
    volumes = {volume["name"]: volume for volume in rendering.pod("proxy")["volumes"]}
    assert volumes["identity-proxy-tls"]["secret"]["secretName"] == "identity-proxy"
    assert rendering.env("proxy")["IDENTITY_PROXY_TLS"] == mounts["identity-proxy-tls"]
    assert rendering.env("proxy")["IDENTITY_PROXY_NAMES"] == "oauth2-proxy.auth"
    assert "identity-proxy" not in {port["name"] for port in render({}).container("proxy")["ports"]}


@pytest.mark.parametrize(
    ("given", "word"),
    [
        ({}, "anybody could say who they are"),
        ({"from": ["10.0.0.1/32"], "clientNames": ["a"]}, "set entries.identityProxy.tlsSecret"),
        ({"from": ["10.0.0.1/32"], "port": 8080}, "8080 is a port of the proxy's own"),
    ],
)
def test_an_identity_proxy_that_anybody_could_be_is_refused(
    run_helm: Callable[..., str], given: dict[str, Any], word: str
):
    with pytest.raises(RefusedError, match=word):
        run_helm("template", "g", str(CHART), values={"entries": {"identityProxy": {"enabled": True, **given}}})
