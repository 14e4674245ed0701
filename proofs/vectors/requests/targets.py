"""Request targets: origin form kept byte for byte, absolute form for our own name alone (RFC 9112, section 3.2)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from proofs.vectors.vector import Seen, Vector, forwarded, get, refused

CLAUSE: Final = "RFC 9112, 3.2"
ABSOLUTE: Final = "RFC 9112, 3.2.2"
_BAD: Final = {
    "target-fragment": b"/v#x",
    "target-fragment-only": b"#x",
    "target-no-slash": b"v",
    "target-query-only": b"?x",
    "target-asterisk": b"*",
    "target-authority": b"%HOST%",
    "target-scheme-relative-absolute": b"http:/v",
    "target-not-ascii": b"/\xff",
    "target-utf-8": "/ü".encode(),
    "target-delete": b"/\x7f",
    "target-control": b"/\x01",
    "target-escape": b"/\x1b[31m",
    "target-backspace": b"/\x08",
    "target-bare-cr": b"/v\rX",
    "absolute-other": b"http://other.example/v",
    "absolute-other-port": b"http://%HOST%1/v",
    "absolute-no-port": b"http://guildnet.localhost/v",
    "absolute-userinfo": b"http://a@%HOST%/v",
    "absolute-password": b"http://a:b@%HOST%/v",
    "absolute-own-as-userinfo": b"http://%HOST%@other.example/v",
    "absolute-empty-authority": b"http:///v",
    "absolute-ftp": b"ftp://%HOST%/v",
    "absolute-ws": b"ws://%HOST%/v",
    "absolute-file": b"file:///etc/passwd",
    "absolute-javascript": b"javascript://%HOST%/v",
    "absolute-backslash": b"http:\\\\%HOST%\\v",
    "absolute-three-slashes": b"http:////%HOST%/v",
    "absolute-trailing-dot": b"http://%HOST%./v",
    "absolute-encoded-name": b"http://%2577orkspace.guildnet.localhost/v",
    "absolute-fragment": b"http://%HOST%/v#x",
    "absolute-cut-scheme": b"://%HOST%/v",
}
_KEPT: Final = {
    "target-root": b"/",
    "target-query": b"/v?a=1&b=2",
    "target-question-in-query": b"/v?a?b",
    "target-url-in-query": b"/v?next=http://other.example/",
    "target-url-in-path": b"/v/http://other.example/",
    "target-semicolon": b"/v;a=1",
    "target-plus-and-percent": b"/v%2Bw+x",
    "target-encoded-slash": b"/a%2Fb",
    "target-encoded-dots": b"/a/%2e%2e/b",
    "target-encoded-twice": b"/a%252e%252e",
    "target-encoded-question": b"/a%3Fb",
    "target-encoded-hash": b"/a%23b",
    "target-encoded-crlf": b"/v%0d%0aX:%20a",
    "target-dots": b"/a/../b",
    "target-single-dots": b"/./a/./b",
    "target-two-slashes": b"//v",
    "target-two-slashes-like-a-name": b"//other.example/v",
    "target-slashes-inside": b"/a//b///c",
    "target-tilde": b"/~8080/v",
    "target-colon": b"/v:80",
    "target-at": b"/@v",
    "target-looks-like-ours": b"/proxy/server/other/v",
    "target-api-of-ours": b"/api/me",
    "target-lower-hex": b"/%c3%bc",
    "target-long": b"/" + b"a" * 8000,
}
_ODD: Final = {
    # Printable, but in no URI: what the proxy does not touch it does not judge.
    "target-backslash": (b"/a\\b", {"apache", "haproxy"}),
    "target-braces": (b"/{a}|b^", {"apache"}),
    "target-quotes": (b'/"a"<b>', {"apache"}),
    "target-backtick": (b"/`a`", {"apache"}),
    "target-bad-escape": (b"/%zz", {"nginx", "apache"}),
    "target-cut-escape": (b"/a%", {"nginx", "apache"}),
    "target-encoded-nul": (b"/a%00b", {"nginx", "apache"}),
    "target-dots-above-root": (b"/../../etc/passwd", {"nginx", "apache"}),
    "target-encoded-dots-above-root": (b"/%2e%2e/%2e%2e/etc", {"nginx", "apache"}),
    "target-overlong-utf-8": (b"/%c0%ae%c0%ae/", {"apache"}),
    "target-brackets": (b"/[a]", ()),
}
_ABSOLUTE: Final = {
    "absolute-own": (b"http://%HOST%/v?a=1", "/v?a=1"),
    "absolute-https": (b"https://%HOST%/v", "/v"),
    "absolute-upper-case-scheme": (b"HTTP://%HOST%/v", "/v"),
    "absolute-no-path": (b"http://%HOST%", "/"),
    "absolute-query-alone": (b"http://%HOST%?a=1", "/?a=1"),
    "absolute-two-slashes": (b"http://%HOST%//other.example/v", "//other.example/v"),
}


def vectors() -> Iterator[Vector]:
    for name, target in _BAD.items():
        clause = ABSOLUTE if name.startswith("absolute") else CLAUSE
        yield refused(name, clause, get(line=b"GET " + target + b" HTTP/1.1"))
    for name, target in _KEPT.items():
        yield forwarded(name, CLAUSE, get(line=b"GET " + target + b" HTTP/1.1"), Seen(target=target.decode()))
    for name, (target, servers) in _ODD.items():
        line = b"GET " + target + b" HTTP/1.1"
        yield forwarded(name, "RFC 3986, 2", get(line=line), Seen(target=target.decode()), refused_by=servers)
    for name, (target, seen) in _ABSOLUTE.items():
        yield forwarded(name, ABSOLUTE, get(line=b"GET " + target + b" HTTP/1.1"), Seen(target=seen))
    yield refused("target-asterisk-options", "RFC 9112, 3.2.4", get(line=b"OPTIONS * HTTP/1.1"))
    long = b"GET /" + b"a" * 33000 + b" HTTP/1.1"
    yield refused("target-too-long", "RFC 9110, 15.5.15", get(line=long), 431)
