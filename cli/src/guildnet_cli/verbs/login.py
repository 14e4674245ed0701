"""login, logout, use: which installs are known, and with which token."""

from __future__ import annotations

import re
import sys
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit, urlunsplit

from guildnet_cli import output
from guildnet_cli.call import Call
from guildnet_cli.client import Client
from guildnet_cli.errors import NOT_LOGGED_IN, OK, USAGE, CliError
from guildnet_cli.installs import Install
from guildnet_cli.output import Column, note, say

SECONDS: Final = 10.0
"""How long a server may take to end a token; it is forgotten here then in any case."""


def login(call: Call) -> int:
    """Nothing is remembered before the install has said who the caller is."""
    asked = call.asked
    url, token = origin_and_token(asked.url) if asked.url else ("", "")
    given = asked.token or token or call.environ.get("GUILDNET_TOKEN", "")
    if given == "-":
        given = sys.stdin.readline().strip()
    if asked.kubeconfig is not None:
        return _by_cluster(call, given)
    if not url:
        raise CliError(USAGE, "an address or --kubeconfig is missing", "guildnet login https://guildnet.TAILNET.ts.net")
    client = Client(url, given)
    if client.me()["kind"] == "anonymous" and not given:
        given = _ask_for_token(url)
        client = Client(url, given)
    return _remember(call, client, given, ())


def _by_cluster(call: Call, token: str) -> int:
    """Through the API server; without a token by one of the administrator, where the kubeconfig may make it."""
    from guildnet_cli.reach.portforward import admin_token, find, forward

    asked = call.asked
    if asked.url:
        raise CliError(USAGE, "give an address or --kubeconfig, not both", "guildnet login --kubeconfig FILE")
    found = find(asked.kubeconfig, asked.context, asked.namespace)
    if not token:
        token = admin_token(found.cluster)
        note("note:  as the install's administrator, by a token of 12 h that your kubeconfig may make")
    client = Client(found.url, token, port=forward(found.cluster))
    return _remember(call, client, token, found.cluster)


def _remember(call: Call, client: Client, given: str, cluster: tuple[str, ...]) -> int:
    url = client.url
    me = client.me()
    if me["kind"] == "anonymous":
        raise CliError(NOT_LOGGED_IN, f"{url} does not know who you are", f"guildnet login {url} --token -")
    own_name = client.ask("GET", "/api/ui-config").body["name"]
    name = call.asked.name or _name_of(own_name, url)
    install = call.installs.add(name, url, given, keyring=not call.asked.no_keyring, cluster=tuple(cluster))
    where = {"": "the tailnet is the login", "file": "token in a file of mode 0600", "keyring": "token in the keyring"}
    say(f"logged in to {name} as {me['login'] or me['kind']} ({where[install.kept]})")
    if given and client.address.scheme == "http" and client.address.host != "127.0.0.1":
        note("note:  the connection is not encrypted: whoever is on the way can read the token")
    note("next:  guildnet list, or guildnet launch PRESET --open")
    return OK


def origin_and_token(url: str) -> tuple[str, str]:
    """The control origin of what was given, and the token that a login URL brings. A bare host means https."""
    parts = urlsplit(url if "://" in url else f"https://{url}")
    token = parse_qs(parts.query).get("token", [""])[0]
    return urlunsplit((parts.scheme, parts.netloc, "", "", "")), token


def _ask_for_token(url: str) -> str:
    if not sys.stdin.isatty():
        raise CliError(NOT_LOGGED_IN, f"{url} asks for a token", f"… | guildnet login {url} --token -")
    from getpass import getpass

    return getpass("token: ").strip()


def _name_of(own: str, url: str) -> str:
    """The install's own name as far as it is one here, else its host's first label."""
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", own).strip("-._")
    return (name or (urlsplit(url).hostname or "guildnet").partition(".")[0])[:63]


def logout(call: Call) -> int:
    """Ends the token on the server and forgets it here. A server that does not answer is no reason to keep it."""
    install = call.installs.choose(call.asked.name)
    try:
        token = call.installs.token(install)
    except CliError:
        token = ""
    problem = _ended(call, install, token) if token else ""
    call.installs.remove(install.name)
    say(f"logged out of {install.name}")
    if problem:
        note(f"note:  the token was not ended on the server: {problem}")
        if expires := expiry(token):
            note(f"note:  it is good until {expires}; delete its Secret or ServiceAccount to end it before")
    if call.installs.known and not call.installs.current:
        note(f"next:  guildnet use NAME   ({', '.join(call.installs.known)})")
    return OK


def _ended(call: Call, install: Install, token: str) -> str:
    """Why the server did not end it; "" where it did, or knows nothing of it any more."""
    try:
        call.client_of(install, token, SECONDS).log_out()
    except CliError as error:
        return "" if error.code == NOT_LOGGED_IN else output.plain(error.message)
    return ""


def expiry(token: str) -> str:
    """When a JSON web token expires, RFC 3339; "" where it does not say."""
    import base64
    import json
    from datetime import UTC, datetime

    try:
        body = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
        return datetime.fromtimestamp(claims["exp"], UTC).isoformat().replace("+00:00", "Z")
    except (ValueError, KeyError, IndexError, TypeError, OverflowError):
        return ""


def use(call: Call) -> int:
    """With a name: choose it. Without: list."""
    if call.asked.name:
        call.installs.use(call.asked.name)
        say(f"using {call.asked.name}")
        return OK
    if not call.installs.known:
        raise CliError(USAGE, "no install is known", "guildnet login URL")
    rows: list[dict[str, Any]] = [
        {"name": one.name, "url": one.url, "token": one.kept or "tailnet",
         "current": "yes" if one.name == call.installs.current else "no"}
        for one in call.installs.known.values()
    ]  # fmt: skip
    columns = [Column("NAME", "name"), Column("CURRENT", "current"), Column("TOKEN", "token"), Column("URL", "url")]
    output.emit(rows, columns, call.format, name="name")
    return OK
