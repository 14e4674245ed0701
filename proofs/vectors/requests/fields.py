"""Names and values of fields, their number and size (RFC 9110, sections 5.1, 5.4 and 5.5; RFC 9112, section 5)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from proofs.vectors.vector import Seen, Vector, forwarded, get, refused

NAME: Final = "RFC 9110, 5.1"
VALUE: Final = "RFC 9110, 5.5"
_BAD_NAMES: Final = {
    "empty": b"", "space-inside": b"X Y", "space-behind": b"X ", "space-before": b" X", "tab-behind": b"X\t",
    "nul": b"X\x00Y", "control": b"X\x01Y", "delete": b"X\x7f", "not-ascii": b"X\xff", "utf-8": "Xü".encode(),
    "at": b"X@Y", "slash": b"X/Y", "backslash": b"X\\Y", "quote": b'"X"', "parentheses": b"X(Y)", "angles": b"<X>",
    "brackets": b"[X]", "braces": b"{X}", "comma": b"X,Y", "semicolon": b"X;Y", "equals": b"X=Y", "question": b"X?",
    "no-break-space": b"X\xa0", "cr": b"X\rY", "pseudo": b":authority",
}  # fmt: skip
_BAD_VALUES: Final = {
    "nul": b"a\x00b", "bell": b"a\x07b", "escape": b"a\x1b[2Jb", "backspace": b"a\x08", "delete": b"a\x7fb",
    "unit-separator": b"a\x1fb", "start-of-heading": b"\x01", "cr": b"a\rb", "vertical-tab": b"\x0ba",
    "form-feed": b"a\x0c",
}  # fmt: skip
_KEPT: Final = {
    "empty": b"", "words": b"a b  c", "tab-inside": b"a\tb", "colons": b"a: b: c", "quotes": b'"a", "b',
    "comma": b"a, b,", "all-printable": bytes(range(0x21, 0x7F)), "braces": b"{a} %s %00 ${jndi:ldap://a}",
    "latin-1": b"caf\xe9", "utf-8": "grün".encode(),
}  # fmt: skip


def vectors() -> Iterator[Vector]:
    for what, name in _BAD_NAMES.items():
        yield refused(f"name-{what}", NAME, get(name + b": a\r\n"))
    for what, value in _BAD_VALUES.items():
        yield refused(f"value-{what}", VALUE, get(b"X: " + value + b"\r\n"))
    for what, value in _KEPT.items():
        has = (("x", value.decode("latin-1")),) if value.isascii() else ()
        yield forwarded(f"value-{what}", VALUE, get(b"X: " + value + b"\r\n"), Seen(has=has))
    yield refused("field-no-colon", "RFC 9112, 5", get(b"nocolon\r\n"))
    yield refused("field-colon-alone", "RFC 9112, 5", get(b":\r\n"))
    yield refused("field-request-line", "RFC 9112, 5", get(b"GET /smuggled HTTP/1.1\r\n"))
    spaced = get(b"X: \t a \t \r\n")
    yield forwarded("field-spaces-around", VALUE, spaced, Seen(has=(("x", "a"),)))
    special = get(b"X!#$%&'*+.^`|~9: a\r\n")
    yield forwarded("name-all-of-token", NAME, special)
    repeated = get(b"X: a\r\nX: b\r\n")
    yield forwarded("field-repeated", "RFC 9110, 5.3", repeated)
    yield forwarded("field-eighty-eight-more", "RFC 9110, 5.4", get(b"X: a\r\n" * 88))
    # Many servers take 100: these and the six of ours.
    yield forwarded("field-ninety-two-more", "RFC 9110, 5.4", get(b"X: a\r\n" * 92))
    yield refused("field-ninety-three-more", "RFC 6585, 5", get(b"X: a\r\n" * 93), 431)
    yield refused("field-five-hundred", "RFC 6585, 5", get(b"X: a\r\n" * 500), 431)
    yield forwarded("value-of-6-kib", "RFC 9110, 5.4", get(b"X: " + b"a" * 6144 + b"\r\n"))
    yield refused("value-of-33-kib", "RFC 6585, 5", get(b"X: " + b"a" * 33000 + b"\r\n"), 431)
    yield refused("name-of-33-kib", "RFC 6585, 5", get(b"a" * 33000 + b": x\r\n"), 431)
    cookies = get(b"Cookie: a=1\r\n")
    yield forwarded("field-cookie-twice", "RFC 9113, 8.2.3", cookies)
