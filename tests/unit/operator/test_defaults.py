"""Every default of a Workspace, and every decision of the install, one line each."""

from __future__ import annotations

from typing import Any

import pytest

from guildnet.workspace import Workspace
from guildnet_operator.plan.defaults import decide
from guildnet_operator.plan.plan import Claim, PodSettings, Policy, ProbePlan, ServedPort, Timing
from unit.operator.values import NAME, NAMESPACE, UID, workspace

HTTP, HTTPS = ServedPort(8080, "http"), ServedPort(8443, "https")


@pytest.mark.parametrize(
    ("spec", "ports"),
    [
        pytest.param({}, (HTTP, HTTPS), id="unknown image"),
        pytest.param({"image": "ghcr.io/coder/code-server:4.1"}, (HTTP,), id="code-server"),
        pytest.param({"image": "code-server.example.com/app"}, (HTTP, HTTPS), id="registry named code-server"),
        pytest.param({"image": "example.com/app:code-server"}, (HTTP, HTTPS), id="tag named code-server"),
        pytest.param({"image": "tsl0922/ttyd"}, (ServedPort(7681, "http", preserve=True),), id="known image"),
        pytest.param({"ports": [{"containerPort": 3000}]}, (ServedPort(3000, "p-3000"),), id="nameless"),
        pytest.param(
            {"ports": [{"containerPort": 8888, "name": "web", "pathMode": "Preserve"}]},
            (ServedPort(8888, "web", preserve=True),),
            id="given",
        ),
    ],
)
def test_ports(spec, ports):
    assert decide(workspace(**spec), Policy()).ports == ports


def test_a_known_image_is_told_its_base_path_unless_the_spec_says_how_it_starts():
    plan = decide(workspace(image="tsl0922/ttyd"), Policy())
    assert plan.args == ("ttyd", "-W", "-b", "$(GUILDNET_BASE_PATH)", "bash")
    assert plan.env[0].name == "GUILDNET_BASE_PATH"
    assert decide(workspace(image="tsl0922/ttyd", args=["ttyd", "top"]), Policy()).args == ("ttyd", "top")
    env = {item.name: item.value for item in decide(workspace(image="a/streamlit"), Policy()).env}
    assert env["STREAMLIT_SERVER_BASE_URL_PATH"] == "$(GUILDNET_BASE_PATH)"
    assert next(iter(env)) == "GUILDNET_BASE_PATH", "what refers to it has to come after it"


@pytest.mark.parametrize(
    ("spec", "env"),
    [
        pytest.param({}, {"PORT": "8080"}, id="default port"),
        pytest.param({"env": [{"name": "PORT", "value": "1"}]}, {"PORT": "1"}, id="own port"),
        pytest.param({"env": [{"name": "A", "value": ""}]}, {"A": "", "PORT": "8080"}, id="empty value stays"),
        pytest.param({"env": [{"name": " ", "value": "x"}]}, {"PORT": "8080"}, id="blank name goes"),
        pytest.param(
            {"ports": [{"containerPort": 8888, "pathMode": "Preserve"}], "env": [{"name": "A", "value": "1"}]},
            {"GUILDNET_BASE_PATH": f"/proxy/server/{NAME}/", "A": "1", "PORT": "8080"},
            id="base path first",
        ),
        pytest.param(
            {"image": "code-server", "env": [{"name": "PASSWORD", "value": "p"}]},
            {"PASSWORD": "p", "PORT": "8080"},
            id="own password",
        ),
        pytest.param(
            {"image": "code-server"},
            {"PORT": "8080", "PASSWORD": {"secretKeyRef": {"name": f"{NAME}-password", "key": "password"}}},
            id="generated password",
        ),
        pytest.param(
            {"storage": {"size": "1Gi"}}, {"HOME": "/home/workspace", "PORT": "8080"}, id="home on the volume"
        ),
        pytest.param({"storage": {"size": "1Gi", "mountPath": "/data"}}, {"PORT": "8080"}, id="volume elsewhere"),
    ],
)
def test_environment(spec, env):
    plan = decide(workspace(**spec), Policy()).env
    assert {item.name: item.value_from or item.value for item in plan} == env
    assert [item.name for item in plan] == list(env)


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        pytest.param({}, ("tcp", 8080, "/", "http"), id="unknown image is asked by TCP"),
        pytest.param({"image": "code-server"}, ("http", 8080, "/", "http"), id="code-server answers"),
        pytest.param(
            {"image": "jupyterlab", "ports": [{"containerPort": 8888, "pathMode": "Preserve"}]},
            ("http", 8888, f"/proxy/server/{NAME}/", "http"),
            id="below the base path",
        ),
        pytest.param(
            {
                "ports": [{"containerPort": 8888, "pathMode": "Preserve"}],
                "probe": {"type": "http", "path": "/healthz"},
            },
            ("http", 8888, f"/proxy/server/{NAME}/healthz", "http"),
            id="own path below the base path",
        ),
        pytest.param(
            {"ports": [{"containerPort": 8443}], "probe": {"type": "http"}}, ("http", 8443, "/", "https"), id="TLS port"
        ),
        pytest.param(
            {"ports": [{"containerPort": 443}], "probe": {"type": "http"}}, ("http", 443, "/", "https"), id="443 is TLS"
        ),
        pytest.param({"probe": {"type": "tcp", "port": 9}}, ("tcp", 9, "/", "http"), id="own port"),
        pytest.param({"probe": {"type": "none"}}, None, id="none"),
    ],
)
def test_probe(spec, expected):
    probe = decide(workspace(**spec), Policy()).probe
    assert (probe and (probe.type, probe.port, probe.path, probe.scheme)) == expected


def test_a_slow_first_start_has_five_minutes_and_is_noticed_within_a_second():
    probe = decide(workspace(), Policy()).probe
    assert probe is not None
    assert probe.startup.period * probe.startup.failures >= 300
    assert probe.startup.period == 1


@pytest.mark.parametrize(("asked", "failures"), [(None, 300), (1200, 1200), (1, 1)])
def test_a_start_may_take_as_long_as_the_spec_says(asked: int | None, failures: int):
    probe = decide(workspace(probe={"type": "tcp"} | ({"startupSeconds": asked} if asked else {})), Policy()).probe
    assert probe is not None
    assert (probe.startup.period, probe.startup.failures) == (1, failures)


def test_a_probes_own_numbers_are_for_readiness_and_liveness_and_its_delay_for_the_start():
    asked = {"type": "tcp", "initialDelaySeconds": 7, "periodSeconds": 2, "timeoutSeconds": 3, "failureThreshold": 4}
    probe = decide(workspace(probe=asked), Policy()).probe
    assert probe is not None
    assert probe.startup.initial == 7
    for timing in (probe.readiness, probe.liveness):
        assert (timing.period, timing.timeout, timing.failures, timing.initial) == (2, 3, 4, 0)


@pytest.mark.parametrize(
    ("storage", "claim"),
    [
        pytest.param(None, None, id="none"),
        pytest.param({"size": "1Gi"}, Claim(f"{NAME}-storage", "1Gi", "/home/workspace"), id="default path"),
        pytest.param(
            {"size": "1Gi", "storageClassName": "fast", "mountPath": "/data", "retain": True},
            Claim(f"{NAME}-storage", "1Gi", "/data", "fast", retain=True),
            id="everything said",
        ),
    ],
)
def test_storage(storage, claim):
    spec = {"storage": storage} if storage else {}
    assert decide(workspace(**spec), Policy()).claim == claim


def test_a_stopped_workspace_has_no_replicas():
    assert decide(workspace(running=False), Policy()).replicas == 0
    assert decide(workspace(), Policy()).replicas == 1


@pytest.mark.parametrize(
    ("spec", "env"),
    [
        pytest.param(
            {"ports": [{"containerPort": 8888, "pathMode": "Preserve"}],
             "env": [{"name": "GUILDNET_BASE_PATH", "value": "/mine/"}]},
            {"GUILDNET_BASE_PATH": "/mine/", "PORT": "8080"},
            id="own base path",
        ),
        pytest.param(
            {"storage": {"size": "1Gi"}, "env": [{"name": "HOME", "value": "/root"}]},
            {"HOME": "/root", "PORT": "8080"},
            id="own home",
        ),
        pytest.param(
            {"image": "code-server", "ports": [{"containerPort": 8080, "pathMode": "Preserve"}],
             "storage": {"size": "1Gi"}, "env": [{"name": "A", "value": "1"}]},
            {"GUILDNET_BASE_PATH": f"/proxy/server/{NAME}/", "HOME": "/home/workspace", "A": "1", "PORT": "8080",
             "PASSWORD": {"secretKeyRef": {"name": f"{NAME}-password", "key": "password"}}},
            id="all of them, in their order",
        ),
    ],
)  # fmt: skip
def test_what_the_environment_is_completed_with(spec, env):
    plan = decide(workspace(**spec), Policy()).env
    assert [(item.name, item.value_from or item.value) for item in plan] == list(env.items())


def _probe(found: Workspace, policy: Policy | None = None) -> ProbePlan:
    made = decide(found, policy or Policy()).probe
    assert made is not None
    return made


TWO = [{"containerPort": 3000}, {"containerPort": 8443, "name": "tls", "pathMode": "Preserve"}]


@pytest.mark.parametrize(
    ("probe", "expected"),
    [
        pytest.param({"type": "http"}, ("http", 3000, "/", "http"), id="the first port"),
        pytest.param(
            {"type": "http", "port": 8443}, ("http", 8443, f"/proxy/server/{NAME}/", "https"), id="the second"
        ),
        pytest.param({"type": "http", "port": 443}, ("http", 443, "/", "https"), id="one that is not served"),
        pytest.param(
            {"type": "http", "port": 8443, "path": f"/proxy/server/{NAME}/ok"},
            ("http", 8443, f"/proxy/server/{NAME}/ok", "https"),
            id="a path that has the base already",
        ),
        pytest.param({"type": "tcp", "port": 8443}, ("tcp", 8443, f"/proxy/server/{NAME}/", "https"), id="by TCP"),
    ],
)
def test_a_probe_of_one_of_two_ports(probe, expected):
    made = _probe(workspace(ports=TWO, probe=probe))
    assert (made.type, made.port, made.path, made.scheme) == expected


def test_the_timing_of_a_probe_that_says_nothing_of_it():
    specs: tuple[dict[str, Any], ...] = ({}, {"probe": {"type": "tcp"}})
    for spec in specs:
        made = _probe(workspace(**spec))
        assert made.startup == Timing(1, 5, 300)
        assert made.readiness == Timing(5, 5, 3)
        assert made.liveness == Timing(20, 10, 6)


def test_images_that_answer_http_are_the_installs_choice():
    for image, kind in (("a/jupyterlab:1", "http"), ("a/code-server", "http"), ("a/other", "tcp")):
        assert _probe(workspace(image=image)).type == kind
    assert _probe(workspace(image="a/other"), Policy(pod=PodSettings(http_probe_images=("other",)))).type == "http"
    assert _probe(workspace(image="a/code-server"), Policy(pod=PodSettings(http_probe_images=()))).type == "tcp"


def test_what_of_a_plan_is_the_spec_and_the_install_as_they_are():
    spec: dict[str, Any] = {
        "command": ["run"], "args": ["--fast"], "resources": {"requests": {"cpu": "1"}, "limits": {"memory": "1Gi"}},
    }  # fmt: skip
    made = decide(
        workspace(annotations={"guildnet.io/restarted-at": "then"}, **spec),
        Policy(pod=PodSettings(pull_secret="pull", tolerate_control_plane=False)),
    )
    assert (made.name, made.namespace, made.uid, made.image) == (NAME, NAMESPACE, UID, "example.com/app:1")
    assert (made.command, made.args, made.requests, made.limits) == (
        ("run",), ("--fast",), {"cpu": "1"}, {"memory": "1Gi"},
    )  # fmt: skip
    assert (made.pull_secret, made.tolerate_control_plane, made.restarted_at) == ("pull", False, "then")
    assert (made.password_secret, made.base_path, made.main_port) == (None, None, made.ports[0])
    plain = decide(workspace(), Policy())
    assert (plain.pull_secret, plain.tolerate_control_plane, plain.restarted_at) == (None, True, None)


BOTH = Policy(pod=PodSettings(logins=("password", "token")))


@pytest.mark.parametrize(
    ("image", "policy", "name", "secret", "key"),
    [
        pytest.param("guildnet/code-server", BOTH, "PASSWORD", f"{NAME}-login", "password", id="derived password"),
        pytest.param("guildnet/jupyterlab", BOTH, "GUILDNET_WORKSPACE_TOKEN", f"{NAME}-login", "token", id="token"),
        pytest.param(
            "guildnet/code-server", Policy(pod=PodSettings(logins=("token",))), "PASSWORD", f"{NAME}-password",
            "password", id="a password of the install's own",
        ),
        pytest.param("guildnet/jupyterlab", Policy(), None, None, None, id="no key"),
        pytest.param("acme/tool", BOTH, None, None, None, id="an image that asks for neither"),
    ],
)  # fmt: skip
def test_a_login_is_told_by_a_secret_of_the_workspaces_own(image, policy, name, secret, key):
    plan = decide(workspace(image=image), policy)
    assert plan.password_secret == secret
    told = {item.name: item.value_from for item in plan.env if item.value_from}
    assert told == ({name: {"secretKeyRef": {"name": secret, "key": key}}} if name else {})


@pytest.mark.parametrize("name", ["PASSWORD", "GUILDNET_WORKSPACE_TOKEN"])
def test_a_login_of_the_specs_own_stands(name):
    for image in ("code-server", "jupyterlab"):
        plan = decide(workspace(image=image, env=[{"name": name, "value": "mine"}]), BOTH)
        own = (image, name) in {("code-server", "PASSWORD"), ("jupyterlab", "GUILDNET_WORKSPACE_TOKEN")}
        assert (plan.password_secret is None) is own


def test_a_command_of_its_own_is_another_program_than_the_images_and_gets_no_token():
    plan = decide(workspace(image="jupyterlab", command=["python3", "-m", "http.server"]), BOTH)
    assert plan.password_secret is None
    assert _probe(workspace(image="jupyterlab", command=["x"]), BOTH).path == f"/proxy/server/{NAME}/"


def test_what_lets_in_nobody_without_a_token_is_probed_where_it_answers_everybody():
    assert _probe(workspace(image="jupyterlab"), Policy()).path == f"/proxy/server/{NAME}/"
    assert _probe(workspace(image="jupyterlab"), BOTH).path == f"/proxy/server/{NAME}/api"
    asked = workspace(image="jupyterlab", probe={"type": "http", "path": "/lab"})
    assert _probe(asked, BOTH).path == f"/proxy/server/{NAME}/lab"
    assert _probe(workspace(image="code-server"), BOTH).path == "/"
