"""What any caller can find out about an install: name, connection, certificate, answer, login, the api's own checks."""

from __future__ import annotations

import email.utils
import json
import socket
import ssl
import time
from collections.abc import Iterator
from typing import Final

from guildnet_cli.client import Client, told
from guildnet_cli.doctor.finding import Finding, fault, ok, unknown
from guildnet_cli.errors import NOT_LOGGED_IN, CliError

SECONDS: Final = 5.0
"""How long each connection and answer may take."""
SOON_DAYS: Final = 10
MAX_SKEW_SECONDS: Final = 60
_READY_FIXES: Final = {
    "kubernetes": "the api cannot reach the cluster's API server: look at its pod's log and NetworkPolicy",
    "crds": "helm upgrade with crds.enabled=true, or kubectl apply -f crds/",
    "redis": "look at the valkey pod, or at redis.url and its password",
    "cache": "wait; when it stays, the api may not list workspaces: helm upgrade restores its role",
}


def checks(client: Client) -> Iterator[Finding]:
    """In the order in which they need each other; ends at the first without which the next cannot succeed."""
    for check in (name, connection, certificate, answer):
        found = check(client)
        if found is not None:
            yield found
            if found.state == "fault":
                return
    yield login(client)
    yield from readiness(client)


def name(client: Client) -> Finding:
    host = client.address.host
    try:
        found = socket.getaddrinfo(host, client.address.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        fix = "make a DNS record for it"
        if host.endswith(".ts.net"):
            fix = "tailscale status   (is this device on the tailnet, and MagicDNS switched on?)"
        return fault("dns", f"{host} has no address", fix)
    return ok("dns", f"{host} is {found[0][4][0]}")


def connection(client: Client) -> Finding:
    where = client.address
    try:
        socket.create_connection((where.host, where.port), SECONDS).close()
    except OSError as error:
        fix = "does the proxy run, and does its Service, Ingress or tailnet device lead to it?"
        return fault("connection", f"port {where.port} of {where.host}: {told(error)}", fix)
    return ok("connection", f"port {where.port} of {where.host} is open")


def certificate(client: Client) -> Finding | None:
    """None where there is none, as the install is spoken to in the clear."""
    where = client.address
    if where.scheme != "https":
        return None
    try:
        with (
            socket.create_connection((where.host, where.port), SECONDS) as plain,
            ssl.create_default_context().wrap_socket(plain, server_hostname=where.host) as wrapped,
        ):
            return _validity(str((wrapped.getpeercert() or {}).get("notAfter", "")))
    except OSError as error:
        fix = "renew it (cert-manager, tailscale cert), or trust its authority: SSL_CERT_FILE=/path/ca.pem"
        return fault("certificate", f"of {where.host}: {told(error)}", fix)


def _validity(not_after: str) -> Finding:
    if not not_after:
        return unknown("certificate", "it does not say until when it is valid")
    days = int((ssl.cert_time_to_seconds(not_after) - time.time()) // 86400)
    if days < SOON_DAYS:
        fix = "renewal is late: look at cert-manager's Certificate, or at the sidecar's log"
        return fault("certificate", f"it expires in {days} days", fix)
    return ok("certificate", f"trusted, and valid for {days} days")


def answer(client: Client) -> Finding:
    try:
        status, data, headers = client.exchange("/healthz")
    except CliError as error:
        return fault("answer", error.message, "look at the proxy's log")
    where = client.address.authority
    if status == 421:
        return fault(
            "answer", f"the proxy is there, but {where} is no name of this install", "add it to the chart's `entries`"
        )
    if status >= 500:
        return fault("answer", f"{where} answers {status}: the api does not answer", "look at the api's pod")
    if status != 200 or data.strip() != b"ok":
        return fault("answer", f"{where} is not GuildNet: {status}", "guildnet login with the right address")
    skew = _skew(headers.get("date", ""))
    if abs(skew) > MAX_SKEW_SECONDS:
        says = f"this clock and the server's differ by {abs(skew):.0f} s: logins expire"
        return fault("clock", says, "set the clock by NTP")
    return ok("answer", f"{where} is GuildNet")


def _skew(date: str) -> float:
    try:
        return email.utils.parsedate_to_datetime(date).timestamp() - time.time()
    except (TypeError, ValueError):
        return 0.0


def login(client: Client) -> Finding:
    try:
        me = client.me()
    except CliError as error:
        if error.code == NOT_LOGGED_IN:
            return fault("login", error.message, f"guildnet login {client.url} --token -")
        return fault("login", error.message, error.hint or "look at the proxy's log")
    if me["kind"] == "anonymous":
        return fault("login", "the install does not know who you are", f"guildnet login {client.url} --token -")
    if not me["actions"]:
        return fault("login", f"{me['login']} may do nothing", "an administrator makes a Capability for you")
    return ok("login", f"{me['login']} may {', '.join(me['actions'])}")


def readiness(client: Client) -> Iterator[Finding]:
    """A finding for each check of the api."""
    try:
        _, data, _ = client.exchange("/readyz")
        found = json.loads(data)["checks"]
    except (CliError, ValueError, KeyError, TypeError):
        yield unknown("readyz", "the api's own checks cannot be read", "look at the api's pod")
        return
    for check, result in found.items():
        message = result.get("message", "")
        if result.get("ok"):
            yield ok(check, "as the api sees it")
        elif message.startswith("not configured"):
            yield unknown(check, message)
        else:
            yield fault(check, message, _READY_FIXES.get(check, "look at the api's log"))
