"""What a Capability grants is said in words, and what is wrong with it."""

from __future__ import annotations

from typing import Any

import pytest

from guildnet_operator.status.grants import status_of, verdict

NOW, LATER = "2026-11-24T10:00:00Z", "2026-11-24T11:00:00Z"


def capability(spec: Any = None, **rest: Any) -> dict[str, Any]:
    return {"metadata": {"name": "team", "generation": 3}, "spec": {"actions": ["launch"]} | (spec or {})} | rest


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ({}, "Everybody who is identified may launch every workspace."),
        ({"actions": ["stop", "launch", "list"], "subjects": [{"kind": "Role", "name": "r"}]},
         "role r may launch, list and stop every workspace."),
        ({"subjects": [{"kind": "Any"}, {"kind": "User", "name": "alice"}]},
         "Everybody who is identified may launch every workspace."),
        ({"subjects": [{"kind": "User", "name": "alice"}, {"kind": "Tag", "name": "dev"}]},
         "user alice and tag dev may launch every workspace."),
        ({"subjects": [{"kind": "User", "name": "system:serviceaccount:a:b"}]},
         "user system:serviceaccount:a:b may launch every workspace."),
        ({"selector": {"matchLabels": {"b": "2", "a": "1"}}},
         "Everybody who is identified may launch workspaces with a=1 and b=2."),
        ({"selector": {"matchExpressions": [
            {"key": "k", "operator": "In", "values": ["x", "y"]},
            {"key": "l", "operator": "NotIn", "values": ["y", "z"]},
            {"key": "m", "operator": "Exists"}, {"key": "n", "operator": "DoesNotExist"}]}},
         ("Everybody who is identified may launch workspaces with k in (x, y), l not in (y, z), "
          "a label m and no label n.")),
        ({"subjects": [{"kind": "Group", "name": "g"}],
          "constraints": {"allowedImages": ["ghcr.io/acme", "x:1"], "maxConcurrent": 2}},
         "group g may launch every workspace, of images ghcr.io/acme and x:1, at most 2 running at a time each."),
        ({"constraints": {"allowedPorts": [8080, 9000]}},
         "Everybody who is identified may launch every workspace, on ports 8080 and 9000."),
        ({"constraints": {"allowedImages": [], "allowedPorts": []}},
         "Everybody who is identified may launch every workspace, of no image, on no port."),
    ],
)  # fmt: skip
def test_what_it_grants_is_said_in_words(spec: dict[str, Any], words: str):
    assert verdict(capability(spec)) == ("True", "Grants", words)


@pytest.mark.parametrize(
    ("spec", "reason", "words"),
    [
        ({"subjects": []}, "GrantsNobody", "covers nobody"),
        ({"actions": "launch"}, "NotUnderstood", "grants nothing to anybody"),
        ({"subjects": [{"kind": "Group", "name": "token:x"}, {"kind": "User", "name": "token:system:x"}]},
         "SubjectInOwnersForm", "the name alone: system:x."),
        ({"subjects": [{"kind": "User", "name": "node:pi"}]}, "SubjectInOwnersForm", "Nobody is called node:pi"),
    ],
)  # fmt: skip
def test_one_that_is_of_no_use_says_why(spec: dict[str, Any], reason: str, words: str):
    status, found, message = verdict(capability(spec))
    assert (status, found) == ("False", reason)
    assert words in message


def test_a_group_may_have_any_name():
    assert verdict(capability({"subjects": [{"kind": "Group", "name": "token:x"}]}))[0] == "True"


def test_the_status_says_of_which_generation_it_is_and_since_when():
    first = status_of(capability(), now=NOW)
    assert first["observedGeneration"] == 3
    (condition,) = first["conditions"]
    assert condition == {
        "type": "Valid", "status": "True", "reason": "Grants", "lastTransitionTime": NOW, "observedGeneration": 3,
        "message": "Everybody who is identified may launch every workspace.",
    }  # fmt: skip
    assert status_of(capability(status=first), now=LATER) == first
    changed = status_of(capability({"subjects": []}, status=first), now=LATER)
    assert changed["conditions"][0]["lastTransitionTime"] == LATER


def test_what_is_said_fits_into_the_schema():
    many = [{"kind": "User", "name": f"{'x' * 200}{number}"} for number in range(256)]
    assert len(status_of(capability({"subjects": many}), now=NOW)["conditions"][0]["message"]) <= 32768
