"""9 sizes and numbers, within bounds: 4 MiB instead of 16, 200 messages instead of 1,000."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from proofs.websocket.case import Await, Case, Step
from proofs.websocket.frames import BINARY, TEXT, cut, fragments, frame

LARGEST: Final = 1 << 22
WHOLE: Final = 1 << 20
MESSAGES: Final = 200
_KIB: Final = 1024


def cases() -> Iterator[Case]:
    for kind, opcode, letter in ((0, TEXT, b"*"), (1, BINARY, b"\xfe")):
        for number, size in enumerate((64, 256, 1024, 2048, 3072, 4096), start=1):
            yield Case(f"9.{1 + kind}.{number}", f"{size} KiB", (frame(opcode, letter * size * _KIB), Await(1)))
        for number in range(9):
            size = min(64 << 2 * number, WHOLE)
            pieces = b"".join(fragments(opcode, cut(letter * WHOLE, size)))
            yield Case(f"9.{3 + kind}.{number + 1}", f"1 MiB in fragments of {size}", (pieces, Await(1)))
        for number in range(6):
            writes = cut(frame(opcode, letter * WHOLE), 64 << number)
            yield Case(f"9.{5 + kind}.{number + 1}", f"1 MiB in writes of {64 << number}", (*writes, Await(1)))
        for number, size in enumerate((0, 16, 64, 256, 1024, 4096), start=1):
            steps: list[Step] = []
            for count in range(MESSAGES):
                steps += [frame(opcode, letter * size), Await(count + 1)]
            yield Case(f"9.{7 + kind}.{number}", f"{MESSAGES} messages of {size}", tuple(steps))
