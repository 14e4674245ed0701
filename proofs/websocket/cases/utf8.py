"""6 text that is UTF-8, and text that is not (Markus Kuhn's stress test)."""

from __future__ import annotations

from collections.abc import Iterator

from proofs.websocket.case import Await, Case, Pause, Step
from proofs.websocket.frames import TEXT, cut, fragments, frame

_HELLO = "Hello-µ@ßöäüàá-UTF-8!!".encode()
_KOSME = bytes.fromhex("cebae1bdb9cf83cebcceb5")
"""Five Greek letters."""
_BAD = _KOSME + bytes.fromhex("eda080") + b"edited"
_LATE = _KOSME + bytes.fromhex("f4908080") + b"edited"
_MISSING = ("c0", "e080", "f08080", "f8808080", "fc80808080", "df", "efbf", "f7bfbf", "fbbfbfbf", "fdbfbfbfbf")
_SURROGATES = ("eda080", "edadbf", "edae80", "edafbf")

SEQUENCES: dict[str, tuple[str, ...]] = {
    "6.7": ("00", "c280", "e0a080", "f0908080"),
    "6.8": ("f888808080", "fc8480808080"),
    "6.9": ("7f", "dfbf", "efbfbf", "f48fbfbf"),
    "6.10": ("f7bfbfbf", "fbbfbfbfbf", "fdbfbfbfbfbf"),
    "6.11": ("ed9fbf", "ee8080", "efbfbd", "f48fbfbf", "f4908080"),
    "6.12": (
        "80", "bf", "80bf", "80bf80", "80bf80bf", "80bf80bf80", "80bf80bf80bf", bytes(range(0x80, 0xC0)).hex(),
    ),
    "6.13": tuple(
        b"".join(bytes((octet, 0x20)) for octet in range(first, last)).hex()
        for first, last in ((0xC0, 0xE0), (0xE0, 0xF0), (0xF0, 0xF8), (0xF8, 0xFC), (0xFC, 0xFE))
    ),
    "6.14": _MISSING,
    "6.15": ("".join(_MISSING),),
    "6.16": ("fe", "ff", "fefeffff"),
    "6.17": ("c0af", "e080af", "f08080af", "f8808080af", "fc80808080af"),
    "6.18": ("c1bf", "e09fbf", "f08fbfbf", "f887bfbfbf", "fc83bfbfbfbf"),
    "6.19": ("c080", "e08080", "f0808080", "f880808080", "fc8080808080"),
    "6.20": (*_SURROGATES, "edb080", "edbe80", "edbfbf"),
    "6.21": tuple(high + low for high in _SURROGATES for low in ("edb080", "edbfbf")),
    "6.22": tuple(
        chr(plane << 16 | low).encode().hex() for plane in range(17) for low in (0xFFFE, 0xFFFF)
    ),
    "6.23": tuple(chr(point).encode().hex() for point in range(0xFFF9, 0x10000)),
}  # fmt: skip
"""Groups of payloads in hexadecimal; each is sent alone and whole."""


def valid(text: bytes) -> bool:
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True


def cases() -> Iterator[Case]:
    yield Case("6.1.1", "no text", (frame(TEXT), Await(1)))
    yield Case("6.1.2", "no text in three fragments", (*fragments(TEXT, [b"", b"", b""]), Await(1)))
    yield Case("6.1.3", "text between two empty fragments", (*fragments(TEXT, [b"", b"middle", b""]), Await(1)))
    yield Case("6.2.1", "text of more than ASCII", (frame(TEXT, _HELLO), Await(1)))
    yield Case("6.2.2", "cut between code points", (*fragments(TEXT, [_HELLO[:12], _HELLO[12:]]), Await(1)))
    yield Case("6.2.3", "fragments of one octet", (*fragments(TEXT, cut(_HELLO, 1)), Await(1)))
    yield Case("6.2.4", "Greek in fragments of one octet", (*fragments(TEXT, cut(_KOSME, 1)), Await(1)))
    yield Case("6.3.1", "a surrogate inside", (frame(TEXT, _BAD),), fails=True)
    yield Case(
        "6.3.2", "a surrogate inside, in fragments of one octet", tuple(fragments(TEXT, cut(_BAD, 1))), fails=True
    )
    yield from _failing_fast()
    for number in range(1, 6):
        text = _KOSME.decode()[:number].encode()
        yield Case(f"6.5.{number}", f"{number} Greek letters", (frame(TEXT, text), Await(1)))
    for number in range(1, len(_KOSME) + 1):
        yield _alone(f"6.6.{number}", _KOSME[:number])
    for group, listed in SEQUENCES.items():
        for number, digits in enumerate(listed, start=1):
            yield _alone(f"{group}.{number}", bytes.fromhex(digits))


def _alone(number: str, text: bytes) -> Case:
    what = f"text {text[:8].hex()}"
    if valid(text):
        return Case(number, what, (frame(TEXT, text), Await(1)))
    return Case(number, what, (frame(TEXT, text),), fails=True)


def _failing_fast() -> Iterator[Case]:
    """Text that is wrong before it is whole; the rest comes a moment later."""
    for number, at in ((1, len(_KOSME) + 4), (2, len(_KOSME) + 2)):
        pieces = fragments(TEXT, [_LATE[: len(_KOSME)], _LATE[len(_KOSME) : at], _LATE[at:]])
        steps: tuple[Step, ...] = (pieces[0], Pause(), pieces[1], Pause(), pieces[2])
        yield Case(f"6.4.{number}", f"fragments, wrong at {at}", steps, fails=True)
    whole = frame(TEXT, _LATE)
    head = len(whole) - len(_LATE)
    for number, at in ((3, len(_KOSME) + 4), (4, len(_KOSME) + 2)):
        first, second, third = whole[: head + len(_KOSME)], whole[head + len(_KOSME) : head + at], whole[head + at :]
        steps = (first, Pause(), second, Pause(), third)
        yield Case(f"6.4.{number}", f"one frame, wrong at {at}", steps, fails=True)
