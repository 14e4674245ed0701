"""Whether a registry answers and takes the login, asked before anything is built for it."""

from __future__ import annotations

import http.client
import ssl
import urllib.error
import urllib.request

from guildnet_local.registry.login import Helper, Login
from guildnet_local.registry.place import DOCKER_HUB, Place
from guildnet_local.settings import LocalError

ANSWER_SECONDS = 10.0


def check(place: Place, login: Login | Helper | None) -> None:
    """Ask the registry for its version (OCI distribution specification, end-1).

    Raises LocalError: nobody answers, it is no registry, it speaks plain http, its certificate is not trusted, it wants
    a login, or refuses this one as far as that can be seen before a push.
    """
    status, challenge = _ask(place, "")
    if status == 401 and login is None:
        raise LocalError(
            f"{place.host} wants a login: run `docker login {place.host}` (or podman, skopeo), "
            "or set REGISTRY_USER and REGISTRY_PASSWORD"
        )
    if status == 401 and isinstance(login, Login) and challenge.lower().startswith("basic"):
        status, _ = _ask(place, login.basic)
        if status in (401, 403):
            raise LocalError(refusal(place, login))
    if status not in (200, 401):
        raise LocalError(f"{place.host} is not a registry of images: it answers {status} to /v2/")


def refusal(place: Place, login: Login | Helper | None) -> str:
    """The text about a login that a registry does not take, or that may not push there."""
    who = f"{login.user} (from {login.source})" if isinstance(login, Login) else "whoever logs in here"
    return f"{place.host} refuses {who}: is the password right, and may this user push to {place}?"


def _ask(place: Place, authorization: str) -> tuple[int, str]:
    """(status, challenge) of GET /v2/. A registry on this machine is not asked through a proxy."""
    host = "registry-1.docker.io" if place.host == DOCKER_HUB else place.host
    scheme = "http" if place.plain else "https"
    headers = {"Authorization": authorization} if authorization else {}
    request = urllib.request.Request(f"{scheme}://{host}/v2/", headers=headers)  # noqa: S310  never a file
    opener = urllib.request.build_opener(*((urllib.request.ProxyHandler({}),) if place.plain else ()))
    try:
        with opener.open(request, timeout=ANSWER_SECONDS) as answer:
            return answer.status, ""
    except urllib.error.HTTPError as answer:
        with answer:
            return answer.code, answer.headers.get("WWW-Authenticate", "")
    except urllib.error.URLError as problem:
        raise LocalError(_unanswered(place, problem.reason)) from problem
    except (OSError, http.client.HTTPException) as problem:
        raise LocalError(_unanswered(place, problem)) from problem


def _unanswered(place: Place, why: object) -> str:
    if isinstance(why, ssl.SSLCertVerificationError):
        return (
            f"the certificate of {place.host} is not trusted on this machine ({why.verify_message}): add its authority "
            "to those of the system (update-ca-certificates), here and on the cluster's nodes"
        )
    if isinstance(why, ssl.SSLError) and why.reason in ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE"):
        return (
            f"{place.host} speaks http without TLS: whoever is on the way can exchange images. If that is meant, say "
            "REGISTRY_PLAIN_HTTP=1, and tell the nodes' container runtime likewise"
        )
    return f"{place.host} does not answer: {why}"
