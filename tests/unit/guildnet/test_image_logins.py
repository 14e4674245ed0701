"""Our images let in who sends what the proxy adds: what they are started with is run here."""

from __future__ import annotations

import os
import runpy
import subprocess
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from guildnet.workspace import app_login, parse

IMAGES = Path(__file__).resolve().parents[3] / "images"
KEY = b"k" * 40


def sent(image: str) -> tuple[bytes, bytes]:
    """What the proxy adds for a workspace of this image."""
    workspace = parse({"metadata": {"name": "x", "namespace": "n", "uid": "u"}, "spec": {"image": image}})
    return app_login.request_fields(KEY, workspace)


def code_server_told(home: Path, **env: str) -> dict[str, str]:
    """The environment that code-server is started with."""
    programs = home / "bin"
    programs.mkdir()
    (programs / "node").write_text("#!/bin/sh\nexec env\n")
    (programs / "node").chmod(0o755)
    given = {"PATH": f"{programs}:{os.environ['PATH']}", "HOME": str(home), **env}
    script = str(IMAGES / "code-server" / "start")
    said = subprocess.run(["sh", script], env=given, capture_output=True, text=True, check=True).stdout
    return dict(line.split("=", 1) for line in said.splitlines() if "=" in line)


def test_code_server_takes_for_its_session_what_the_proxy_sends(tmp_path: Path) -> None:
    told = code_server_told(tmp_path, PASSWORD=app_login.password(KEY, "u"))
    assert sent("guildnet/code-server") == (b"", f"code-server-session={told['HASHED_PASSWORD']}".encode())


@pytest.mark.parametrize("env", [{}, {"HASHED_PASSWORD": "mine"}, {"PASSWORD": "x", "HASHED_PASSWORD": "mine"}])
def test_code_server_keeps_a_hash_of_the_specs_own(tmp_path: Path, env: dict[str, str]) -> None:
    assert code_server_told(tmp_path, **env).get("HASHED_PASSWORD") == env.get("HASHED_PASSWORD")


class Provider:
    """Jupyter's own: knows nobody by cookie, and makes up users."""

    def get_user_cookie(self, handler: Any) -> Any:
        return handler.cookie

    def generate_anonymous_user(self, _: Any) -> str:
        return "somebody"

    def set_login_cookie(self, handler: Any, user: str) -> None:
        handler.cookie = user


def jupyter_configured(monkeypatch: pytest.MonkeyPatch, token: str) -> Any:
    """The configuration as Jupyter runs it; None for the identity provider of its own."""
    auth = ModuleType("jupyter_server.auth")
    auth.IdentityProvider = Provider  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "jupyter_server", ModuleType("jupyter_server"))
    monkeypatch.setitem(sys.modules, "jupyter_server.auth", auth)
    monkeypatch.setenv("GUILDNET_WORKSPACE_TOKEN", token)
    c = SimpleNamespace(ServerApp=SimpleNamespace(identity_provider_class=None))
    runpy.run_path(str(IMAGES / "jupyterlab" / "jupyter_server_config.py"), {"get_config": lambda: c})
    assert "GUILDNET_WORKSPACE_TOKEN" not in os.environ, "kernels and terminals need not have it"
    return c.ServerApp.identity_provider_class


def asked(provider: Any, *lines: bytes, cookie: str | None = None) -> Any:
    headers = dict(line.decode().split(": ", 1) for line in lines)
    return provider().get_user(SimpleNamespace(request=SimpleNamespace(headers=headers), cookie=cookie))


def test_jupyterlab_lets_in_who_sends_what_the_proxy_adds_and_nobody_else(monkeypatch: pytest.MonkeyPatch) -> None:
    provider = jupyter_configured(monkeypatch, app_login.token(KEY, "u"))
    field, _ = sent("guildnet/jupyterlab")
    assert asked(provider, field) == "somebody"
    assert asked(provider, field, cookie="ann") == "ann"
    assert asked(provider, cookie="ann") is None, "a cookie alone proves nothing"
    assert asked(provider, field + b"0", cookie="ann") is None
    assert asked(provider, b"X-Guildnet-Token: \xc3\xa9") is None


def test_a_workspace_that_was_started_without_a_token_asks_for_none(monkeypatch: pytest.MonkeyPatch) -> None:
    assert jupyter_configured(monkeypatch, "") is None
