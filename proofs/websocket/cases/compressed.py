"""12 compressed messages of several kinds and sizes, 13 the parameters of permessage-deflate (RFC 7692)."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator
from typing import Final

from proofs.websocket.case import Await, Case, Step
from proofs.websocket.frames import BINARY, TEXT, cut, fragments

MESSAGES: Final = 5
"""Of a case; the suite sends 1,000."""
_SIZES: Final = (16, 64, 256, 1024, 4096, 8192, 16384, 32768, 65536, 131072)
_SHAPES: Final = (
    *((size, 0) for size in _SIZES),
    *((size, 256) for size in _SIZES[5:]),
    *((131072, fragment) for fragment in (1024, 4096, 32768)),
)
"""Bytes of a message, and of its fragments; 0 for none."""
OFFERS: Final = {
    "13.1": "permessage-deflate",
    "13.2": "permessage-deflate; server_no_context_takeover",
    "13.3": "permessage-deflate; server_max_window_bits=9",
    "13.4": "permessage-deflate; server_max_window_bits=15",
    "13.5": "permessage-deflate; server_no_context_takeover; server_max_window_bits=9",
    "13.6": "permessage-deflate; server_no_context_takeover; server_max_window_bits=15",
    "13.7": "permessage-deflate; server_no_context_takeover; server_max_window_bits=9, "
    "permessage-deflate; server_no_context_takeover, permessage-deflate",
}


def _texts() -> dict[str, bytes]:
    """What is compressed: JSON, noise, prose, markup, and JSON of long arrays."""
    rows = [{"id": number, "name": f"row-{number}", "value": number * 7919 % 1000} for number in range(4000)]
    noise, state = bytearray(), 1
    while len(noise) < 131072:
        state = (state * 1103515245 + 12345) & 0x7FFFFFFF
        noise.append(state >> 16 & 0xFF)
    prose = "Habe nun, ach! Philosophie, Juristerei und Medizin, und leider auch Theologie durchaus studiert. "
    markup = "".join(
        f'<li class="item-{number % 7}"><a href="/{number}">No. {number}</a></li>\n' for number in range(4000)
    )
    return {
        "12.1": json.dumps(rows).encode(),
        "12.2": bytes(noise),
        "12.3": (prose * 1400).encode(),
        "12.4": markup.encode(),
        "12.5": json.dumps(list(range(30000))).encode(),
    }


def deflated(text: bytes) -> bytes:
    """A message by itself: it refers to none before it."""
    packer = zlib.compressobj(wbits=-15)
    return (packer.compress(text) + packer.flush(zlib.Z_SYNC_FLUSH))[:-4]


def _steps(opcode: int, data: bytes, size: int, fragment: int) -> tuple[Step, ...]:
    steps: list[Step] = []
    for number in range(MESSAGES):
        start = number * 97 % max(1, len(data) - size)
        packed = deflated(data[start : start + size])
        pieces = cut(packed, fragment) if fragment else [packed]
        steps += [b"".join(fragments(opcode, pieces, rsv=4)), Await(number + 1)]
    return tuple(steps)


def cases() -> Iterator[Case]:
    texts = _texts()
    for group, data in texts.items():
        opcode = BINARY if group == "12.2" else TEXT
        for number, (size, fragment) in enumerate(_SHAPES, start=1):
            what = f"{size} bytes" + (f" in fragments of {fragment}" if fragment else "")
            yield Case(f"{group}.{number}", what, _steps(opcode, data, size, fragment), extensions=OFFERS["13.1"])
    for group, offer in OFFERS.items():
        for number, (size, fragment) in enumerate(_SHAPES, start=1):
            steps = _steps(TEXT, texts["12.1"], size, fragment)
            yield Case(f"{group}.{number}", f"{size} bytes, {offer}", steps, extensions=offer)
