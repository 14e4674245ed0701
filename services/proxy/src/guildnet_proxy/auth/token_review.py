"""Asks the API server whom a bearer token stands for (authentication.k8s.io/v1, TokenReview)."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Any

from guildnet.kube import Client
from guildnet.kube.resources import TOKENREVIEWS


@dataclass(frozen=True, slots=True)
class TokenReview:
    """What a TokenReview said; `authenticated` is False for a token that is not (or no longer) ours to believe."""

    authenticated: bool
    username: str = ""
    groups: tuple[str, ...] = ()


async def review_token(client: Client, audience: str, token: str) -> TokenReview:
    """The verdict on a token for `audience`; raises guildnet.errors where the API server cannot be asked.

    The API server remembers a good answer for ten seconds, by token and audiences
    (kube-apiserver's TokenSuccessCacheTTL): with one more audience, which no token has, it looks every time.
    """
    spec = {"token": token, "audiences": [audience, f"{audience}/{secrets.token_hex(8)}"]}
    body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "spec": spec}
    answer = await client.create(TOKENREVIEWS, None, body)
    status: dict[str, Any] = answer.get("status") or {}
    if not status.get("authenticated") or audience not in (status.get("audiences") or ()):
        return TokenReview(authenticated=False)
    user = status.get("user") or {}
    return TokenReview(
        authenticated=True, username=str(user.get("username") or ""), groups=tuple(user.get("groups") or ())
    )
