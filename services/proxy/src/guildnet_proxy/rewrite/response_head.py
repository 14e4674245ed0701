"""Response heads on their way to a browser, as seen from where a workspace appears.

Location and Set-Cookie are rewritten to the Placement; framing rules of the workspace give way to ours
(`frame-ancestors` the control origin and itself); headers with which it could reach past its own place are dropped.
"""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlsplit

from guildnet.web import security_headers
from guildnet_proxy.http.message.response import DROP, KEEP, MARK, ResponseHead, response_names
from guildnet_proxy.rewrite import cookies
from guildnet_proxy.sites import Placement

_DROPPED = frozenset({
    b"clear-site-data", b"strict-transport-security", b"public-key-pins", b"public-key-pins-report-only", b"alt-svc",
    b"nel", b"report-to", b"x-frame-options", b"x-request-id",
})  # fmt: skip
FROM_THE_API = (b"x-guildnet-stale", b"x-guildnet-incomplete")
"""The fields of ours that the api sends to clients: no workspace can."""
CROSS_ORIGIN_RESOURCE_POLICY = b"cross-origin-resource-policy"
_CSP = frozenset({b"content-security-policy", b"content-security-policy-report-only"})
_REWRITTEN = _CSP | {b"location", b"content-location", b"set-cookie", b"service-worker-allowed"}
_CORS = b"access-control-"
_SANDBOX = b"sandbox allow-scripts allow-forms allow-popups allow-modals allow-downloads"


class WorkspaceRules:
    """How the responses of one workspace are rewritten at one place; never changed after they were made.

    `upstream` are the authorities by which the workspace may call itself; `strips` says it sees paths without the base;
    `cors` is the control origin's, when it asked from there. `stale` says for how many seconds the cluster has not
    confirmed where the workspace is; None where it has. The note of a request is its id, which is echoed.
    """

    __slots__ = ("_after", "_before", "_stale", "cors", "placement", "strips", "upstream")
    names = response_names(dict.fromkeys(_DROPPED, DROP) | dict.fromkeys(_REWRITTEN, MARK), {_CORS: MARK})

    def __init__(
        self,
        placement: Placement,
        upstream: frozenset[str],
        cors: bytes,
        *,
        strips: bool,
        stale: Callable[[], int] | None = None,
    ) -> None:
        self.placement = placement
        self.upstream = upstream
        self.strips = strips
        self.cors = cors
        self._stale = stale
        sandbox = b"; " + _SANDBOX if placement.sandbox else b""
        control = placement.control.encode()
        self._before = b"Content-Security-Policy: frame-ancestors 'self' %b%b\r\nX-Request-Id: " % (control, sandbox)
        self._after = b"\r\n"
        if cors:
            self._after = (
                b"\r\nAccess-Control-Allow-Origin: %b\r\nAccess-Control-Allow-Credentials: true\r\nVary: Origin\r\n"
            ) % cors

    def lines(self, head: ResponseHead, note: bytes) -> list[bytes]:
        """Status line and fields, without framing and without the empty line."""
        kept = self._marked(head) if head.marks else head.lines
        if self._stale is not None:
            note += b"\r\nX-Guildnet-Stale: %d" % self._stale()
        return [b"\r\n".join([head.line, *kept, self._before]), note, self._after]

    def _marked(self, head: ResponseHead) -> list[bytes]:
        """The fields that stay, those that have to be looked at as they are outside."""
        kept: list[bytes] = []
        cors_is_ours = bool(self.cors) or self._names_control(head)
        done = 0
        for at, lower in head.marks:
            kept += head.lines[done:at]
            done = at + 1
            line = head.lines[at]
            if not lower.startswith(_CORS):
                name, _, value = line.partition(b":")
                kept += [b"%b: %b" % (name, text) for text in self._rewritten(lower, value.strip(b" \t"))]
            elif not cors_is_ours:
                kept.append(line)
        return kept + head.lines[done:]

    def _names_control(self, head: ResponseHead) -> bool:
        allowed = b", ".join(_values(head, b"access-control-allow-origin")).decode("latin-1").lower()
        placement = self.placement
        return bool(allowed) and (allowed == placement.control.lower() or (allowed == "null" and not placement.own))

    def _rewritten(self, lower: bytes, value: bytes) -> list[bytes]:
        """The values a field of _REWRITTEN has outside: none, one or more."""
        if lower == b"set-cookie":
            header = value.decode("latin-1")
            return [text.encode("latin-1") for text in cookies.set_cookie(header, self.placement)]
        if lower in _CSP:
            policy = _without_frame_ancestors(value)
            return [policy] if policy else []
        if lower == b"service-worker-allowed":
            return [value] if self.placement.own else []
        return [self._location(value)]

    def _location(self, value: bytes) -> bytes:
        """A redirect to the workspace itself, moved to where it appears; any other is left as it is."""
        text = value.decode("latin-1").replace("\t", "")  # browsers and urlsplit read a URL as if it held none
        placement = self.placement
        if text.startswith("/") and not text.startswith(("//", "/\\")):
            return (self._outside(text) if placement.base else text).encode("latin-1")
        try:
            parts = urlsplit(text)
        except ValueError:
            return value
        if parts.netloc.lower() not in self.upstream or parts.scheme.lower() not in {"http", "https", ""}:
            return value
        rest = text[text.index("//") + 2 + len(parts.netloc) :]
        path = rest if rest.startswith("/") else "/" + rest
        return (placement.origin + self._outside(path)).encode("latin-1")

    def _outside(self, path: str) -> str:
        """`path` below the base, unless the workspace already put it there or knows its base (Preserve)."""
        base = self.placement.base
        if not base or not self.strips:
            return path
        inside = path == base or path.startswith((base + "/", base + "?"))
        return path if inside else base + path


class ControlRules:
    """How responses on the control origin are completed: the origin's headers where they are missing, CORS for the
    configured frontend. `headers` are names in lower case and values; what the api sent of them stays as it is."""

    __slots__ = ("cors", "headers")
    # CORS is decided here, so that the api and the proxy never both add a field of it.
    names = response_names(
        {
            b"x-request-id": DROP,
            **dict.fromkeys(FROM_THE_API, KEEP),
            **dict.fromkeys(security_headers.NAMES, MARK),
            CROSS_ORIGIN_RESOURCE_POLICY: MARK,
        },
        {_CORS: DROP},
    )

    def __init__(self, headers: tuple[tuple[bytes, bytes], ...], cors: bytes) -> None:
        self.headers = headers
        self.cors = cors

    def lines(self, head: ResponseHead, note: bytes) -> list[bytes]:
        """Status line and fields, without framing and without the empty line."""
        said = {lower for _, lower in head.marks}
        kept = head.lines
        if self.cors and CROSS_ORIGIN_RESOURCE_POLICY in said:
            ours = {at for at, lower in head.marks if lower == CROSS_ORIGIN_RESOURCE_POLICY}
            kept = [line for at, line in enumerate(kept) if at not in ours]
        missing = tuple(item for item in self.headers if item[0] not in said)
        return [b"\r\n".join([head.line, *kept, b""]), control_headers(missing, self.cors, note)]


def control_headers(headers: tuple[tuple[bytes, bytes], ...], cors: bytes, rid: bytes) -> bytes:
    """These headers, the request's id, and CORS for the origin `cors` where there is one."""
    kept = [item for item in headers if not (cors and item[0] == CROSS_ORIGIN_RESOURCE_POLICY)]
    text = b"".join(b"%b: %b\r\n" % item for item in kept) + b"X-Request-Id: %b\r\n" % rid
    if cors:
        text += (
            b"Cross-Origin-Resource-Policy: cross-origin\r\n"
            b"Access-Control-Allow-Origin: %b\r\nAccess-Control-Allow-Credentials: true\r\n"
            b"Access-Control-Expose-Headers: ETag, Location, X-Request-Id\r\nVary: Origin\r\n"
        ) % cors
    return text


def _values(head: ResponseHead, lower: bytes) -> list[bytes]:
    """What the marked fields of this name say."""
    return [head.lines[at].partition(b":")[2].strip(b" \t") for at, name in head.marks if name == lower]


def _without_frame_ancestors(value: bytes) -> bytes:
    """Each policy of a comma-joined list without its frame-ancestors; policies left empty are dropped."""
    policies = []
    for policy in value.split(b","):
        kept = [part for part in policy.split(b";") if part.strip().lower().split(b" ")[0] != b"frame-ancestors"]
        text = b";".join(kept).strip(b" ;\t")
        if text:
            policies.append(text)
    return b", ".join(policies)
