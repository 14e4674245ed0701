"""Every rule that can fire on a request's way: the text that logs, metrics, audit and `/api/proxy-debug` show.

A leaf: it imports nothing of the proxy. The values are stable, people filter logs and write alerts by them;
docs/proxy.md shows this list. What the engine itself refuses it names by plain text of the stage `wire`.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Self


class Rule(StrEnum):
    """`stage` is the question that was asked when the rule fired, `meaning` what it found."""

    stage: str
    meaning: str

    def __new__(cls, value: str, stage: str, meaning: str) -> Self:
        member = str.__new__(cls, value)
        member._value_ = value
        member.stage = stage
        member.meaning = meaning
        return member

    # The bytes of a request (RFC 9112), judged by the engine; a rule without a word of its own is the refusal's code.
    GRAMMAR = "grammar", "wire", "A head that is not well-formed HTTP/1.1."
    BARE_LF = "bare-lf", "wire", "A header line that ends without CR."
    HOST = "host", "wire", "No Host or two (400); a name that is not of this install (421)."
    CONTENT_LENGTH = "content-length", "wire", "A Content-Length that is repeated or not of digits."
    TRANSFER_ENCODING = "transfer-encoding", "wire", "Anything but one `chunked`, alone, on HTTP/1.1."
    UPGRADE = "upgrade", "wire", "An upgrade to `websocket` that is not a GET without body."
    TARGET = "target", "wire", "A request target with a fragment, without a slash or for another authority than Host."
    CHUNKS = "chunks", "wire", "A chunked body that breaks its own framing."
    HEADERS_TOO_LARGE = "headers_too_large", "wire", "A header block over its limit of bytes or fields."
    METHOD_NOT_ALLOWED = "method_not_allowed", "wire", "CONNECT, TRACE, PRI; another method than an own route takes."
    SLOW_HEADER = "slow_header", "wire", "A head that was not whole in time."
    SLOW_BODY = "slow_body", "wire", "A body below its pace."
    SLOW_DECISION = "slow_decision", "identity", "It took too long to find out about a request."

    # Which entry a name belongs to.
    TAILNET_STARTING = "tailnet_starting", "entry", "The tailnet name is not known yet."

    # Cross-origin guard: what a browser says about the page a request came from.
    OWN_ORIGIN = "own-origin", "origin", "Passed: the Origin is the site's own."
    FRONTEND_ORIGIN = "frontend-origin", "origin", "Passed: the Origin is FRONTEND_ORIGIN."
    CONTROL_ORIGIN = "control-origin", "origin", "Passed: GET or HEAD of a workspace from its control origin."
    SAME_SITE = "same-site", "origin", "Passed: no Origin; the browser says `same-origin` or `none`."
    NO_BROWSER = "no-browser", "origin", "Passed: neither Origin nor Sec-Fetch-Site, so no browser."
    NAVIGATION = "navigation", "origin", "Passed: a GET that opens a document or a frame."
    ORIGIN = "origin", "origin", "Refused: the Origin of another site's page."
    FETCH_SITE = "fetch-site", "origin", "Refused: no Origin, and the browser says that another site's page asks."
    SERVICE_WORKER = "service-worker", "origin", "Refused: a service worker of the path form, which is not trusted."
    PATH_FORM = "path-form", "origin", "Refused: a browser in the path form, where workspaces are not trusted."
    CONTENT_TYPE = "content-type", "origin", "Refused: a body for the control origin that is not JSON."

    # Who it is.
    TOKEN_REVIEW = "token-review", "identity", "The token is not valid (401), or the API server could not say (503)."
    WHOIS = "whois", "identity", "Headers and whois disagree (403), or the sidecar could not say (503)."
    IDENTITY_MISMATCH = "identity_mismatch", "identity", "The sidecar named no device."
    IDENTITY_PROXY = "identity-proxy", "identity", "The authenticating proxy's field comes twice, or is no name."
    IDENTITY_UNAVAILABLE = "identity_unavailable", "identity", "No tailnet sidecar is configured."
    AUDIT_FAILED = "audit_failed", "identity", "A login or logout whose audit line could not be written."
    CONFIRM = (
        "confirm",
        "identity",
        "A login that another site's page, or one over another session, began: asked first.",
    )
    SESSION = "session", "identity", "A login or a logout (audit only)."
    TICKET = (
        "ticket",
        "identity",
        "A ticket for no workspace (404); used up, expired or not begun in this browser (403).",
    )

    # May they. The order and the meaning are guildnet.access's.
    ANONYMOUS = "anonymous", "access", "Nobody is logged in."
    ADMIN_ROLE = "admin-role", "access", "The caller has the role `admin`."
    CAPABILITIES_UNREADABLE = "capabilities-unreadable", "access", "The list of Capabilities cannot be read: denied."
    DEFAULT_OPEN = "default-open", "access", "There is no Capability and ACCESS_DEFAULT is `open`."
    DEFAULT_OWNER = "default-owner", "access", "There is no Capability and ACCESS_DEFAULT is `owner`."
    DEFAULT_CLOSED = "default-closed", "access", "There is no Capability and ACCESS_DEFAULT is `closed`."
    CAPABILITY = "capability", "access", "Written `capability/NAME`: the Capability that allows it."
    NO_CAPABILITY = "no-capability", "access", "There are Capabilities and none allows it."

    # What the path names.
    NOT_ASCII = "not-ascii", "target", "A host and port that are not ASCII."
    ID = "id", "target", "Not the id of a workspace."
    PORT = "port", "target", "`~port` is no port (400) or none that the workspace declares (404)."
    MISSING_TO = "missing-to", "target", "`/proxy?…` without `to`."
    DUPLICATE = "duplicate", "target", "`to`, `path` or `scheme` given twice."
    SCHEME = "scheme", "target", "A `scheme` other than http and https."
    PATH = "path", "target", "A `path` with control bytes."
    HOST_PORT = "host-port", "target", "Not a strict `host:port`."
    BAD_TARGET = "bad_target", "target", "`/api/proxy-debug` with a `to` of another form."
    UNKNOWN = "unknown", "target", "No workspace has this id or this origin."
    TUNNEL = "tunnel", "target", "A tunnel that is no WebSocket handshake: none (426), or a malformed one (400)."
    NOT_FOUND = "not_found", "target", "Nothing is there below `/.guildnet/`."

    # Where the workspace is: the first that answers.
    SERVICE = "service", "resolution", "A ready endpoint of the workspace's Service."
    AGENT_HOST = "agent-host", "resolution", "AGENT_HOST of the workspace's env; with 502: it is no host or host:port."
    DNS = "dns", "resolution", "The workspace's name in DNS; with 502: a target's name has no address."
    NO_TARGET = "no-target", "resolution", "None of the three leads to an address."
    STOPPED = "stopped", "resolution", "The workspace is stopped."
    DELETED = "deleted", "resolution", "The workspace is being deleted."
    NOT_LISTED = "not-listed", "resolution", "The API server has not told since the start what there is."
    STARTING = "starting", "resolution", "The workspace has no ready endpoint yet, or has failed."
    ORIGIN_PENDING = "origin-pending", "resolution", "A browser is to wait for the origin that this port is given."
    STREAMS = "streams", "resolution", "The workspace has as many open requests as STREAMS_PER_WORKSPACE allows."
    REQUESTS_PER_IDENTITY = (
        "requests-per-identity",
        "access",
        "The caller has as many open requests as REQUESTS_PER_IDENTITY allows.",
    )
    UPGRADES_PER_IDENTITY = (
        "upgrades-per-identity",
        "access",
        "The caller has as many upgraded connections as UPGRADES_PER_IDENTITY allows.",
    )

    # Egress guard: may this address be connected to.
    WORKSPACE_ADDRESS = "workspace-address", "egress", "Passed: address and declared port of a workspace."
    ALLOWED_TARGET = "allowed-target", "egress", "Passed: ALLOWED_TARGETS lists it."
    WORKSPACE = "workspace", "egress", "Refused: a workspace's address, which the caller may not use."
    DEFAULT_DENY = "default-deny", "egress", "Refused: neither a workspace's nor listed."
    NEVER_OWN = (
        "never-own",
        "egress",
        "Refused: an address of the install's own pods, its Services or the API server.",
    )
    NEVER_NODE = "never-node", "egress", "Refused: a node's address."
    NEVER_LOOPBACK = "never-loopback", "egress", "Refused: loopback."
    NEVER_LINK_LOCAL = "never-link-local", "egress", "Refused: link-local."
    NEVER_METADATA = "never-metadata", "egress", "Refused: a cloud's metadata service."
    NEVER_UNSPECIFIED = "never-unspecified", "egress", "Refused: the unspecified network."
    NEVER_MULTICAST = "never-multicast", "egress", "Refused: multicast."
    NEVER_TAILNET = "never-tailnet", "egress", "Refused: the tailnet's own ranges."
    NEVER_RESERVED = "never-reserved", "egress", "Refused: reserved ranges."
    TARGET_TIMEOUT = "target_timeout", "egress", "A target's name was not resolved in time."

    # The other side.
    NO_ADDRESS = "no_target", "upstream", "There was no address to connect to."
    UPSTREAM_REFUSED = "upstream_refused", "upstream", "The connection was refused."
    UPSTREAM_RESET = "upstream_reset", "upstream", "The connection ended before the answer began."
    UPSTREAM_TIMEOUT = "upstream_timeout", "upstream", "No connection, no first byte or no reading in time."
    BAD_UPSTREAM = "bad_upstream", "upstream", "An answer that is not usable HTTP/1.1."
    INTERNAL = "internal", "upstream", "A fault of the proxy itself; the log has the trace."


def family(rule: str) -> str:
    """The rule without the name behind its slash (`capability` of `capability/NAME`): metrics have few labels."""
    return rule.partition("/")[0]
