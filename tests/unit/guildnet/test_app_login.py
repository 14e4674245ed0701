"""Passwords and tokens of workspaces: derived, each for one purpose of one workspace."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Any

import pytest

from guildnet.errors import Invalid
from guildnet.workspace import Workspace, app_login, parse

KEY = b"k" * 40


def workspace(image: str, uid: str = "u-1", **spec: Any) -> Workspace:
    return parse({"metadata": {"name": "lab", "namespace": "n", "uid": uid}, "spec": {"image": image, **spec}})


def test_they_are_the_same_each_time_and_another_for_each_workspace_purpose_and_key() -> None:
    made = [
        make(key, uid)
        for make in (app_login.password, app_login.token) for key in (KEY, b"l" * 40) for uid in ("u-1", "u-2")
    ]  # fmt: skip
    assert len(set(made)) == 8
    assert made[0] == app_login.password(KEY, "u-1")
    assert re.fullmatch(r"[a-z2-7]{24}", made[0])
    assert re.fullmatch(r"[0-9a-f]{64}", made[4])


def test_jupyterlab_is_sent_its_token_and_code_server_the_hash_of_its_password_as_a_session() -> None:
    assert app_login.request_fields(KEY, workspace("guildnet/jupyterlab:1")) == (
        f"X-Guildnet-Token: {app_login.token(KEY, 'u-1')}".encode(), b"",
    )  # fmt: skip
    hashed = hashlib.sha256(app_login.password(KEY, "u-1").encode()).hexdigest()
    assert app_login.request_fields(KEY, workspace("guildnet/code-server")) == (
        b"", f"code-server-session={hashed}".encode(),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("image", "env"),
    [
        ("acme/tool", ""),
        ("x/openvscode-server", ""),
        ("code-server", "PASSWORD"),
        ("jupyterlab", "GUILDNET_WORKSPACE_TOKEN"),
    ],
)
def test_nothing_is_sent_to_an_image_that_asks_for_nothing_or_has_a_login_of_its_own(image: str, env: str) -> None:
    named = [{"name": env, "value": "mine"}] if env else []
    assert app_login.request_fields(KEY, workspace(image, env=named)) == (b"", b"")


def test_the_key_may_be_absent_but_not_short(tmp_path: Path) -> None:
    path = tmp_path / "workspace"
    assert app_login.key_of("") is None
    assert app_login.key_of(str(path)) is None
    path.write_bytes(KEY + b"\n")
    assert app_login.key_of(str(path)) == KEY
    path.write_bytes(b"short")
    with pytest.raises(Invalid):
        app_login.key_of(str(path))
