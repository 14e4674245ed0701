"""How a workspace's own program is logged in to: a password and a token of each workspace, derived from one key.

The operator puts them into the Secret `NAME-login` of images that ask for one, the api shows the password to whoever
may use the workspace, and the proxy adds what logs its requests in. All three have the key; nobody has to keep a
password. A deleted Workspace's are never another's, since its uid is in them.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from pathlib import Path
from typing import Final

from guildnet.signed import derive_key, read_key
from guildnet.workspace import well_known
from guildnet.workspace.model import Workspace

PASSWORD_ENV: Final = "PASSWORD"  # noqa: S105  names, here and below
TOKEN_ENV: Final = "GUILDNET_WORKSPACE_TOKEN"  # noqa: S105  as above
PASSWORD_KEY: Final = "password"  # noqa: S105  as above
"""The key inside the Secret."""
TOKEN_KEY: Final = "token"  # noqa: S105  as above
TOKEN_HEADER: Final = "X-Guildnet-Token"  # noqa: S105  as above
"""What the proxy alone can send: it takes every X-Guildnet field off what comes from clients."""
SESSION_COOKIE: Final = "code-server-session"
"""code-server takes the hash of its password for a session (`HASHED_PASSWORD`, SHA-256)."""

_PASSWORD_BYTES: Final = 15
_TOKEN_BYTES: Final = 32


def secret_name(workspace: str) -> str:
    return f"{workspace}-login"


def key_of(path: str) -> bytes | None:
    """The key in a mounted file, None where there is none. Raises Invalid for one that is too short."""
    return read_key(path) if path and Path(path).is_file() else None


def password(key: bytes, uid: str) -> str:
    """24 letters and digits, alike for the same workspace."""
    made = _derived(key, "workspace-password", uid)[:_PASSWORD_BYTES]
    return base64.b32encode(made).decode().lower()


def token(key: bytes, uid: str) -> str:
    """64 hexadecimal digits."""
    return _derived(key, "workspace-token", uid)[:_TOKEN_BYTES].hex()


def asks_for_password(workspace: Workspace) -> bool:
    """Does its image read PASSWORD, and does its spec say none?"""
    known = well_known.of(workspace.spec.image)
    return known is not None and known.login == PASSWORD_KEY and _unnamed(workspace, PASSWORD_ENV)


def asks_for_token(workspace: Workspace) -> bool:
    """Does its image let in nobody but who sends the token? A command of its own is another program."""
    known = well_known.of(workspace.spec.image)
    asks = known is not None and known.login == TOKEN_KEY and not workspace.spec.command
    return asks and _unnamed(workspace, TOKEN_ENV)


def request_fields(key: bytes, workspace: Workspace) -> tuple[bytes, bytes]:
    """What the proxy adds to a request for the workspace: a finished header line and a cookie, each empty for none."""
    line = cookie = b""
    if asks_for_token(workspace):
        line = f"{TOKEN_HEADER}: {token(key, workspace.uid)}".encode()
    elif asks_for_password(workspace):
        hashed = hashlib.sha256(password(key, workspace.uid).encode()).hexdigest()
        cookie = f"{SESSION_COOKIE}={hashed}".encode()
    return line, cookie


def _unnamed(workspace: Workspace, env: str) -> bool:
    return all(item.name != env for item in workspace.spec.env)


def _derived(key: bytes, purpose: str, uid: str) -> bytes:
    return hmac.digest(derive_key(key, purpose), uid.encode(), hashlib.sha256)
