"""Defaults: a Workspace and the install's policy make one `Plan`. Pure; the only place where a default is chosen.

The rules are the first generation's, written down in the reference of the Workspace resource; where one is deliberately
different, its reason stands beside it.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from functools import lru_cache
from typing import Final

from guildnet.image import repository_has
from guildnet.names import ANNOTATION_RESTARTED_AT, claim_name
from guildnet.workspace import EnvVar, Probe, Storage, Workspace, app_login, ports, well_known
from guildnet_operator.plan import extras
from guildnet_operator.plan.exposure import reach
from guildnet_operator.plan.plan import (
    Claim,
    Plan,
    PodSettings,
    Policy,
    ProbePlan,
    ServedPort,
    Timing,
)

BASE_PATH_ENV: Final = "GUILDNET_BASE_PATH"
PORT_ENV: Final = "PORT"
PORT_DEFAULT: Final = "8080"
OPEN_PATH: Final = "/api"
"""Where a Jupyter server says its version to anybody."""
HOME_ENV: Final = "HOME"
HOME: Final = "/home/workspace"
"""Where a volume without a mount path appears. The image's own home is not known from outside, so it becomes this."""

# A first start may unpack, compile or index for minutes; asked every second, it is noticed at once when it is over.
# Five minutes of failures in all, because liveness would otherwise restart a slow start for ever.
STARTUP: Final = Timing(period=1, timeout=5, failures=300)
READINESS: Final = Timing(period=5, timeout=5, failures=3)
# A failed liveness probe costs the user every unsaved buffer and running kernel: two minutes of silence, not less.
LIVENESS: Final = Timing(period=20, timeout=10, failures=6)


def decide(workspace: Workspace, policy: Policy, *, admitted: bool = True) -> Plan:
    """Fill in what the spec leaves open; one that is not `admitted` does not run, whatever its spec says."""
    spec = well_known.completed(workspace.spec)
    served = tuple(
        ServedPort(port.container_port, port.name or "", port.protocol, port.path_mode == "Preserve")
        for port in ports.served_ports(spec)
    )
    base_path = f"{ports.base_path(workspace.name)}/" if any(port.preserve for port in served) else None
    answers_http = repository_has(spec.image, *policy.pod.http_probe_images)
    installs = extras.read(policy.pod.extras)
    requests, limits = extras.resources(installs, spec.resources.requests, spec.resources.limits)
    login = login_env(workspace, policy.pod.logins)
    return Plan(
        name=workspace.name,
        namespace=workspace.namespace,
        uid=workspace.uid,
        image=spec.image,
        command=spec.command,
        args=spec.args,
        env=environment(spec.env, base_path, login, home=spec.storage is not None and not spec.storage.mount_path),
        ports=served,
        requests=requests,
        limits=limits,
        replicas=1 if spec.running and admitted else 0,
        probe=probe_plan(
            spec.probe, served, base_path, answers_http=answers_http, open_path=OPEN_PATH if _keeps_out(login) else "/"
        ),
        claim=claim(workspace.name, spec.storage),
        reach=reach(workspace.name, spec.exposure, policy),
        password_secret=secret_of(login),
        pull_secret=policy.pod.pull_secret or None,
        tolerate_control_plane=policy.pod.tolerate_control_plane,
        restarted_at=workspace.annotations.get(ANNOTATION_RESTARTED_AT),
        base_path=base_path,
        owner=workspace.owner,
        settings=record(policy.pod),
        extras=policy.pod.extras,
        ca_configmap=policy.pod.ca_configmap,
        reserved_secrets=frozenset({policy.pod.pull_secret, policy.tls_secret} - {""}),
    )


@lru_cache(maxsize=64)
def record(settings: PodSettings) -> str:
    """The settings as text, alike for alike settings."""
    return json.dumps(asdict(settings), sort_keys=True, separators=(",", ":"))


def environment(
    env: tuple[EnvVar, ...], base_path: str | None, login: EnvVar | None, *, home: bool
) -> tuple[EnvVar, ...]:
    """The given variables without nameless ones, and ours: the base path first, so that others can refer to it."""
    given = tuple(item for item in env if item.name.strip())
    names = {item.name for item in given}
    base = (EnvVar(BASE_PATH_ENV, base_path),) if base_path and BASE_PATH_ENV not in names else ()
    at_home = (EnvVar(HOME_ENV, HOME),) if home and HOME_ENV not in names else ()
    port = (EnvVar(PORT_ENV, PORT_DEFAULT),) if PORT_ENV not in names else ()
    return (*base, *at_home, *given, *port, *((login,) if login else ()))


def login_env(workspace: Workspace, derived: tuple[str, ...]) -> EnvVar | None:
    """The variable by which its image is told a password or a token, from a Secret of the workspace's own. A password
    that is not among the `derived` is made up. None for an image that asks for neither."""
    if app_login.asks_for_password(workspace):
        own = f"{workspace.name}-password"
        secret = app_login.secret_name(workspace.name) if app_login.PASSWORD_KEY in derived else own
        return _from_secret(app_login.PASSWORD_ENV, secret, app_login.PASSWORD_KEY)
    if app_login.TOKEN_KEY in derived and app_login.asks_for_token(workspace):
        return _from_secret(app_login.TOKEN_ENV, app_login.secret_name(workspace.name), app_login.TOKEN_KEY)
    return None


def _from_secret(env: str, secret: str, key: str) -> EnvVar:
    return EnvVar(env, value_from={"secretKeyRef": {"name": secret, "key": key}})


def secret_of(login: EnvVar | None) -> str | None:
    """The name of the Secret that `login_env` refers to."""
    return login.value_from["secretKeyRef"]["name"] if login and login.value_from else None


def _keeps_out(login: EnvVar | None) -> bool:
    """Does the image answer 403 to who sends no token, the kubelet among them?"""
    return login is not None and login.name == app_login.TOKEN_ENV


def probe_plan(
    probe: Probe | None,
    served: tuple[ServedPort, ...],
    base_path: str | None,
    *,
    answers_http: bool,
    open_path: str,
) -> ProbePlan | None:
    """The probe asked for; else HTTP for images known to answer it and TCP for others, since a 401 or 404 fails one.
    `open_path` is what answers everybody."""
    kind = probe.type if probe else "http" if answers_http else "tcp"
    if kind == "none":
        return None
    number = (probe.port if probe else None) or served[0].number
    port = next((item for item in served if item.number == number), ServedPort(number, ""))
    path = (probe.path if probe else None) or open_path
    return ProbePlan(
        type="http" if kind == "http" else "tcp",
        port=number,
        path=_below(base_path, path) if base_path and port.preserve else path,
        scheme=port.scheme,
        startup=_startup(probe),
        readiness=_timing(probe, READINESS),
        liveness=_timing(probe, LIVENESS),
    )


def _below(base_path: str, path: str) -> str:
    return path if path.startswith(base_path) else base_path + path.lstrip("/")


def _startup(probe: Probe | None) -> Timing:
    """The initial delay belongs here: readiness and liveness wait for the startup probe anyway."""
    initial = (probe.initial_delay_seconds if probe else None) or 0
    seconds = (probe.startup_seconds if probe else None) or STARTUP.failures
    return Timing(STARTUP.period, STARTUP.timeout, seconds, initial)


def _timing(probe: Probe | None, default: Timing) -> Timing:
    if probe is None:
        return default
    return Timing(
        probe.period_seconds or default.period,
        probe.timeout_seconds or default.timeout,
        probe.failure_threshold or default.failures,
    )


def claim(name: str, storage: Storage | None) -> Claim | None:
    if storage is None:
        return None
    return Claim(
        name=claim_name(name),
        size=storage.size,
        mount_path=storage.mount_path or HOME,
        storage_class=storage.storage_class_name,
        retain=storage.retain,
    )
