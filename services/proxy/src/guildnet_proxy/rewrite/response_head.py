"""Response heads on their way to a browser, as seen from where a workspace appears.

Location and Set-Cookie are rewritten to the Placement; framing rules of the workspace give way to ours
(`frame-ancestors` the control origin and itself); headers with which it could reach past its own place are dropped.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from guildnet_proxy.http.head import CLAIM, HOP, KEEP, ResponseHead
from guildnet_proxy.rewrite import cookies
from guildnet_proxy.sites import Placement

_DROPPED = frozenset({
    b"clear-site-data", b"strict-transport-security", b"public-key-pins", b"public-key-pins-report-only", b"alt-svc",
    b"nel", b"report-to", b"x-frame-options", b"content-length", b"x-request-id",
})  # fmt: skip
_CONTROL_OURS = frozenset({b"content-length", b"x-request-id"})
CROSS_ORIGIN_RESOURCE_POLICY = b"cross-origin-resource-policy"
_CSP = frozenset({b"content-security-policy", b"content-security-policy-report-only"})
_REWRITTEN = _CSP | {b"location", b"content-location", b"set-cookie", b"service-worker-allowed"}
_SANDBOX = b"sandbox allow-scripts allow-forms allow-popups allow-modals allow-downloads"


@dataclass(frozen=True, slots=True)
class WorkspaceRules:
    """How one workspace response is rewritten.

    `upstream` are the authorities by which the workspace may call itself; `strips` says it sees paths without the base;
    `cors` is the control origin's, when it asked from there; `request_id` is echoed.
    """

    placement: Placement
    upstream: frozenset[str]
    strips: bool
    cors: bytes
    request_id: bytes

    def lines(self, head: ResponseHead) -> list[bytes]:
        """Status line and fields, without framing and without the empty line."""
        lines = [status_line(head)]
        cors_is_ours = bool(self.cors) or _names_control(head, self.placement)
        for name, lower, value, kind in head.fields:
            if kind != KEEP or lower in _DROPPED or lower in head.dropped:
                continue
            if lower in _REWRITTEN:
                lines += [b"%b: %b\r\n" % (name, text) for text in self._rewritten(lower, value)]
            elif not (cors_is_ours and lower.startswith(b"access-control-")):
                lines.append(b"%b: %b\r\n" % (name, value))
        lines.append(self._ours())
        return lines

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

    def _ours(self) -> bytes:
        placement = self.placement
        sandbox = b"; " + _SANDBOX if placement.sandbox else b""
        text = b"Content-Security-Policy: frame-ancestors 'self' %b%b\r\nX-Request-Id: %b\r\n" % (
            placement.control.encode(),
            sandbox,
            self.request_id,
        )
        if self.cors:
            text += (
                b"Access-Control-Allow-Origin: %b\r\nAccess-Control-Allow-Credentials: true\r\nVary: Origin\r\n"
                % self.cors
            )
        return text

    def _location(self, value: bytes) -> bytes:
        """A redirect to the workspace itself, moved to where it appears; any other is left as it is."""
        text = value.decode("latin-1")
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


@dataclass(frozen=True, slots=True)
class ControlRules:
    """How a response on the control origin is completed: the origin's headers where they are missing, CORS for the
    configured frontend. `headers` are names in lower case and values; what the api sent of them stays as it is."""

    headers: tuple[tuple[bytes, bytes], ...]
    cors: bytes
    request_id: bytes

    def lines(self, head: ResponseHead) -> list[bytes]:
        """Status line and fields, without framing and without the empty line."""
        lines = [status_line(head)]
        for name, lower, value, kind in head.fields:
            if kind in {HOP, CLAIM} or lower in _CONTROL_OURS or lower in head.dropped:
                continue
            if lower.startswith(b"access-control-"):
                continue  # decided here, so that the api and the proxy never both add one
            if lower == CROSS_ORIGIN_RESOURCE_POLICY and self.cors:
                continue
            lines.append(b"%b: %b\r\n" % (name, value))
        missing = tuple(item for item in self.headers if item[0] not in head.values)
        lines.append(control_headers(missing, self.cors, self.request_id))
        return lines


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


def status_line(head: ResponseHead) -> bytes:
    return b"HTTP/1.1 %d %b\r\n" % (head.status, head.reason)


def _names_control(head: ResponseHead, placement: Placement) -> bool:
    allowed = head.get(b"access-control-allow-origin").decode("latin-1").lower()
    return bool(allowed) and (allowed == placement.control.lower() or (allowed == "null" and not placement.own))


def _without_frame_ancestors(value: bytes) -> bytes:
    """Each policy of a comma-joined list without its frame-ancestors; policies left empty are dropped."""
    policies = []
    for policy in value.split(b","):
        kept = [part for part in policy.split(b";") if part.strip().lower().split(b" ")[0] != b"frame-ancestors"]
        text = b";".join(kept).strip(b" ;\t")
        if text:
            policies.append(text)
    return b", ".join(policies)


__all__ = ["ControlRules", "WorkspaceRules", "control_headers", "status_line"]
