"""What the proof of races counts, and when it is missed."""

from __future__ import annotations

from typing import Any

from proofs.races import judged
from proofs.racing.history import Happened, Most, most, read
from proofs.racing.rounds import Found


def ws(revision: int, uid: str, *, there: bool = True, counts: bool = True, owner: str = "ada") -> Happened:
    return Happened(revision, "Workspace", uid, owner, there, counts)


def deployment(revision: int, uid: str, *, counts: bool = True) -> Happened:
    return Happened(revision, "Deployment", uid, "", there=True, counts=counts)


def test_the_order_is_that_of_the_revisions_and_not_of_arrival():
    handed_over = [ws(1, "a"), deployment(2, "a"), ws(5, "b"), ws(3, "a", there=False), deployment(6, "b")]
    assert most(handed_over, "ada") == Most(admitted=1, scaled=1)
    both = [ws(1, "a"), deployment(2, "a"), ws(3, "b"), deployment(4, "b"), ws(5, "a", there=False)]
    assert most(both, "ada") == Most(admitted=2, scaled=2)


def test_others_are_not_counted():
    events = [ws(1, "a"), deployment(2, "a"), ws(3, "b", owner="bob"), deployment(4, "b"), ws(5, "c", counts=False)]
    assert most(events, "ada") == Most(admitted=1, scaled=1)


def test_an_event_is_read():
    def event(kind: str, **rest: Any) -> dict[str, Any]:
        return {"type": "MODIFIED", "object": {"kind": kind, **rest}}

    meta = {"resourceVersion": "7", "uid": "u", "annotations": {"guildnet.io/owner": "ada"}}
    told = {"conditions": [{"type": "Admitted", "status": "True"}]}
    assert read(event("Workspace", metadata=meta, spec={"running": True}, status=told)) == ws(7, "u")
    assert not read(event("Workspace", metadata=meta, spec={"running": False}, status=told)).counts
    assert not read(event("Workspace", metadata=meta, spec={"running": True})).counts
    owned = {"resourceVersion": "7", "uid": "d", "ownerReferences": [{"uid": "u", "controller": True}]}
    assert read(event("Deployment", metadata=owned, spec={"replicas": 1})) == deployment(7, "u")
    assert not read(event("Deployment", metadata=owned, spec={"replicas": 0})).counts


def test_it_is_met_by_the_limit_and_nothing_else():
    assert judged(Found(), Most(3, 3), 5).met
    assert not judged(Found(), Most(4, 3), 5).met
    assert not judged(Found(), Most(3, 4), 5).met
    assert not judged(Found(), Most(2, 3), 5).met, "who never gives all places has shown nothing"
    wrong = Found()
    wrong.faults["locked out"] += 1
    assert not judged(wrong, Most(3, 3), 5).met
