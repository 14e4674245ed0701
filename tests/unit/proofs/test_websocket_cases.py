"""The list of cases is Autobahn's, its frames are those of RFC 6455, and a case that nobody passes is no case."""

from __future__ import annotations

import zlib
from collections import Counter
from dataclasses import replace

from proofs import autobahn
from proofs.websocket.case import Case
from proofs.websocket.cases import every
from proofs.websocket.cases.compressed import deflated
from proofs.websocket.driver import Heard, passed
from proofs.websocket.frames import PING, TEXT, Reader, fragments, frame, masked

OF_THE_SUITE = {"1": 16, "2": 11, "3": 7, "4": 10, "5": 20, "6": 145, "7": 37, "9": 54, "10": 1, "12": 90, "13": 126}
"""Cases of each chapter in the suite's last release."""


def test_the_cases_are_those_of_the_suite_by_number():
    numbers = [case.number for case in every()]
    assert len(set(numbers)) == len(numbers)
    assert Counter(number.partition(".")[0] for number in numbers) == OF_THE_SUITE


def test_a_frame_is_masked_and_sized_as_the_rfc_says():
    assert frame(TEXT, b"Hello").hex(" ") == "81 85 37 fa 21 3d 7f 9f 4d 51 58"  # RFC 6455, section 5.7
    assert frame(PING, fin=False, rsv=6)[0] == 0x69
    assert [frame(TEXT, b"x" * size)[1] for size in (125, 126, 65535, 65536)] == [0xFD, 0xFE, 0xFE, 0xFF]
    assert masked(masked(b"Hello, world")) == b"Hello, world"
    assert [part[0] for part in fragments(TEXT, [b"a", b"b", b"c"], rsv=4)] == [0x41, 0x00, 0x80]


def test_frames_are_read_however_they_are_cut():
    wire = b"\x81\x05Hello" + b"\x82\x7e\x01\x00" + b"x" * 256 + b"\x88\x02\x03\xea" + b"\x81"
    reader = Reader()
    found = [each for octet in wire for each in reader.feed(bytes((octet,)))]
    assert [(each.opcode, len(each.payload), each.code) for each in found] == [
        (1, 5, None),
        (2, 256, None),
        (8, 2, 1002),
    ]
    assert reader.rest == b"\x81"


def test_a_compressed_message_stands_by_itself():
    for text in (b"", b"abc" * 1000):
        assert zlib.decompressobj(wbits=-15).decompress(deflated(text) + b"\x00\x00\xff\xff") == text


HEARD = Heard((b"101",), (), 1, 7, "", 1000, "closed")
ECHO = Case("1", "", ())


def test_a_case_is_passed_by_echoes_or_by_a_code_that_says_why():
    assert passed(ECHO, HEARD)
    for wrong in (
        replace(HEARD, handshake=(b"502",)), replace(HEARD, end="left open"), replace(HEARD, code=1002),
    ):  # fmt: skip
        assert not passed(ECHO, wrong)
    assert not passed(Case("1", "", (), fails=True), HEARD)
    assert passed(Case("1", "", (), fails=True), replace(HEARD, code=1007))


def played(*, proxied: Heard | None = HEARD, direct: Heard | None = HEARD, cases: int = 516) -> list[autobahn.Played]:
    first = autobahn.Played("aiohttp", Case("0", "", ()), direct, proxied)
    rest = [autobahn.Played("aiohttp", Case(str(number), "", ()), HEARD, HEARD) for number in range(1, cases)]
    return [first, *rest]


def test_the_figure_is_met_only_where_all_are_equal_and_none_is_in_vain():
    assert autobahn.judged(played()).met
    assert not autobahn.judged(played(proxied=replace(HEARD, sha256="other"))).met
    assert not autobahn.judged(played(proxied=None, direct=None)).met
    failed = replace(HEARD, code=1011)
    assert not autobahn.judged(played(proxied=failed, direct=failed)).met
    assert not autobahn.judged(played(cases=400)).met
