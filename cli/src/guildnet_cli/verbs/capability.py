"""capability check: what the caller may do, and by which rule, as far as the api tells."""

from __future__ import annotations

from typing import Any, Final

from guildnet_cli import output
from guildnet_cli.call import Call
from guildnet_cli.errors import FORBIDDEN, OK
from guildnet_cli.output import Column, note

ACTIONS: Final = ("launch", "delete", "stopAll", "readLogs", "proxy", "start", "stop", "update", "list")
"""What a Capability can allow; a test holds them to `guildnet.access`."""
_COLUMNS: Final = (Column("ACTION", "action"), Column("ALLOWED", "allowed"), Column("RULE", "rule"))


def run(call: Call) -> int:
    """Exit code FORBIDDEN where a workspace is named that the caller may not open."""
    me, name = call.client.me(), call.asked.workspace
    rows: list[dict[str, Any]] = [
        {"action": action, "allowed": "yes" if action in me["actions"] else "no", "rule": ""} for action in ACTIONS
    ]
    verdict = call.client.proxy_debug(name) if name else {}
    if verdict.get("code") == "not_found":
        call.client.server(name)  # says so as every command does
    refused = verdict.get("code") == "forbidden"
    if name:
        row = next(one for one in rows if one["action"] == "proxy")
        row["allowed"] = "no" if refused else "yes"
        row["rule"] = verdict.get("rule", "") if refused else verdict.get("access", "")
    if call.format == "table":
        roles = f", roles {', '.join(me['roles'])}" if me["roles"] else ""
        note(f"{me['login'] or me['kind']} ({me['kind']}{roles})")
        output.emit(rows, _COLUMNS, "table")
        note("`yes` means on at least some workspace; the rule is known for `proxy` on a workspace that is named")
    else:
        output.emit(rows, _COLUMNS, call.format, name="action")
    return FORBIDDEN if refused else OK
