"""What the proof of denied targets asks for, and what it calls met: each bound alone can miss it."""

from __future__ import annotations

import struct
from dataclasses import replace
from ipaddress import ip_address

import pytest

from guildnet_proxy.frontdoor.egress import unmapped
from proofs.reaching import install, targets
from proofs.reaching.inside import path_of
from proofs.reaching.names import Names
from proofs.ssrf import TARGETS, Found, judged

GOOD = Found(TARGETS, 0, 5, [], [], [], {})


@pytest.mark.parametrize(
    "worse",
    [
        replace(GOOD, asked=TARGETS - 1), replace(GOOD, opened=1), replace(GOOD, wrong=["500"]),
        replace(GOOD, lost=["/"]), replace(GOOD, deaf=["10.96.0.1"]), replace(GOOD, twice={"flip.example": 11}),
    ],
    ids=["few", "opened", "wrong", "lost", "deaf", "twice"],
)  # fmt: skip
def test_one_bound_missed_misses(worse: Found) -> None:
    assert judged(GOOD).met
    assert not judged(worse).met


def test_each_target_is_asked_for_in_a_way_of_its_own() -> None:
    asked = [one for one in targets.denied() if one.what != "a name that changes"]
    assert len({path_of(one) for one in asked}) == len(asked) >= 500
    assert {one.form for one in asked} == {"to", "path", "server", "redirect"}
    named = {item["metadata"]["name"] for items in install.objects().values() for item in items}
    assert {one.target.partition(" ")[0] for one in asked if one.form == "server"} <= named


@pytest.mark.parametrize("address", [*targets.OWN.values(), *targets.SPECIAL.values()])
def test_the_bracketed_spellings_hide_the_address(address: str) -> None:
    hidden = [text[1:-1] for text in targets.spellings(address) if text.startswith("[")]
    assert len(hidden) == 7
    for text in hidden:
        if text not in {"::0.0.0.0", "::0.1.2.3"}:
            assert unmapped(ip_address(text)) == ip_address(address), text


class Sent:
    def __init__(self) -> None:
        self.datagrams: list[bytes] = []

    def sendto(self, data: bytes, _: object) -> None:
        self.datagrams.append(data)


def test_a_name_changes_with_every_question_and_each_kind_is_asked_for_itself() -> None:
    names, sent = Names({"flip.example": (("10.5.0.1",), ("127.0.0.1", "::1"))}), Sent()
    names.connection_made(sent)  # type: ignore[arg-type]
    for kind in (1, 28, 1, 28, 1):
        question = b"\x04FLIP\x07example\x00" + struct.pack(">HH", kind, 1)
        names.datagram_received(b"\x12\x34" + struct.pack(">HHHHH", 0x0100, 1, 0, 0, 0) + question, ("127.0.0.1", 9))
    answers = [datagram[struct.calcsize(">6H") + len(question) :] for datagram in sent.datagrams]
    told = [str(ip_address(one[-4:])) for one in (answers[0], answers[2], answers[4])]
    assert told == ["10.5.0.1", "127.0.0.1", "127.0.0.1"]
    assert answers[1] == b""
    assert answers[3][-16:] == ip_address("::1").packed
