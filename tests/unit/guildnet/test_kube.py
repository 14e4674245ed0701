"""Paths, refusals and line splitting: the pure parts of talking to Kubernetes."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guildnet import errors
from guildnet.kube import errors as refusals
from guildnet.kube.lines import LineSplitter
from guildnet.kube.resources import DEPLOYMENTS, NODES, PODS, WORKSPACES, path

PATHS = [
    ((PODS,), "/api/v1/pods"),
    ((PODS, "ns"), "/api/v1/namespaces/ns/pods"),
    ((PODS, "ns", "p", "log"), "/api/v1/namespaces/ns/pods/p/log"),
    ((NODES, None, "n"), "/api/v1/nodes/n"),
    ((NODES, "ignored", "n"), "/api/v1/nodes/n"),
    ((DEPLOYMENTS, "ns", "d"), "/apis/apps/v1/namespaces/ns/deployments/d"),
    ((WORKSPACES, "ns", "w", "status"), "/apis/guildnet.io/v1alpha1/namespaces/ns/workspaces/w/status"),
    ((PODS, "ns", "system:x"), "/api/v1/namespaces/ns/pods/system:x"),
    ((PODS, "ns", "a/b?c#d%e"), "/api/v1/namespaces/ns/pods/a%2Fb%3Fc%23d%25e"),
]


@pytest.mark.parametrize(("parts", "expected"), PATHS)
def test_every_kind_has_its_path(parts: Any, expected: str) -> None:
    assert path(*parts) == expected


@pytest.mark.parametrize("name", ["", ".", ".."])
def test_a_name_cannot_stand_for_the_collection_or_its_parent(name: str) -> None:
    with pytest.raises(ValueError, match="not a name"):
        path(PODS, "ns", name)


KINDS = [
    (400, errors.Invalid),
    (401, errors.Denied),
    (403, errors.Denied),
    (404, errors.NotFound),
    (409, errors.Conflict),
    (410, errors.Gone),
    (413, errors.TooLarge),
    (422, errors.Invalid),
    (429, errors.TooManyRequests),
    (500, errors.Unreachable),
    (503, errors.Unreachable),
    (504, errors.Unreachable),
    (418, errors.Unreachable),
]


@pytest.mark.parametrize(("code", "kind"), KINDS)
def test_every_status_is_one_of_our_refusals_in_the_servers_words(code: int, kind: type[errors.GuildNetError]) -> None:
    body = {"kind": "Status", "code": code, "reason": "Because", "message": "the server's words"}
    refused = refusals.from_answer(code, json.dumps(body).encode())
    assert type(refused) is kind
    assert (refused.message, refused.reason) == ("the server's words", "Because")


@pytest.mark.parametrize("body", [b"", b"404 page not found\n", b"\xff\xfe", b"[]", b'"x"', b"<html>" * 1000])
def test_an_answer_that_is_no_status_still_says_something_short(body: bytes) -> None:
    refused = refusals.from_answer(404, body)
    assert isinstance(refused, errors.NotFound)
    assert 0 < len(refused.message) <= 300


CAUSES = {
    "code": 422,
    "reason": "Invalid",
    "message": "w is invalid",
    "details": {
        "causes": [
            {"reason": "FieldValueInvalid", "message": "must be positive", "field": "spec.ports[0].containerPort"},
            {"reason": "FieldValueRequired", "field": "spec.image"},
            {"reason": "FieldValueInvalid", "message": "not all rules were checked", "field": "<nil>"},
            {"reason": "FieldValueInvalid", "message": "no field"},
        ]
    },
}


def test_the_causes_of_a_refusal_become_its_fields() -> None:
    assert refusals.from_status(CAUSES).details == (
        errors.FieldError("spec.ports[0].containerPort", "must be positive"),
        errors.FieldError("spec.image", "FieldValueRequired"),
    )


def test_a_strict_decoding_error_names_its_fields_and_repeats_nothing_else() -> None:
    strict = 'strict decoding error: unknown field "spec.a", duplicate field "b"'
    message = f'x "" is invalid: patch: Invalid value: "{{\\"password\\":1}}": {strict}'
    refused = refusals.from_status({"code": 422, "message": message, "details": {"causes": [{"field": "patch"}]}})
    assert refused.message == strict
    assert [(item.field, item.reason) for item in refused.details] == [
        ("spec.a", "unknown field"),
        ("b", "duplicate field"),
    ]


def test_another_object_of_the_same_name_is_a_conflict() -> None:
    causes = {"causes": [{"field": "metadata.uid", "message": "field is immutable"}]}
    refused = refusals.from_status({"code": 422, "message": "immutable", "details": causes})
    assert isinstance(refused, errors.Conflict)
    assert refused.reason == "Conflict"


@pytest.mark.parametrize(
    ("header", "details", "seconds"),
    [(None, {}, None), ("3", {}, 3.0), (None, {"retryAfterSeconds": 2}, 2.0), ("soon", {}, None), ("-1", {}, 0.0)],
)
def test_too_many_requests_says_when_to_come_back(
    header: str | None, details: dict[str, Any], seconds: float | None
) -> None:
    refused = refusals.from_status({"code": 429, "message": "slow down", "details": details}, header)
    assert isinstance(refused, errors.TooManyRequests)
    assert refused.retry_after == seconds


@given(st.binary(max_size=200), st.lists(st.integers(0, 200), max_size=10))
def test_lines_are_the_same_however_the_bytes_arrive(data: bytes, cuts: list[int]) -> None:
    splitter = LineSplitter(1000)
    edges = [0, *sorted(cuts), len(data)]
    lines = [line for start, end in pairwise(edges) for line in splitter.feed(data[start:end])]
    lines += splitter.close()
    expected = data.split(b"\n")
    assert lines == (expected if expected[-1] else expected[:-1])


@given(st.lists(st.binary(max_size=30), max_size=10), st.integers(1, 10))
def test_no_line_is_longer_than_the_limit_and_none_is_lost(chunks: list[bytes], limit: int) -> None:
    splitter = LineSplitter(limit)
    lines = [line for chunk in chunks for line in splitter.feed(chunk)]
    assert len(lines) == b"".join(chunks).count(b"\n")
    assert all(len(line) <= limit for line in [*lines, *splitter.close()])
