"""What a client may ask of a workspace, and how a refusal names what is wrong."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guildnet.errors import Invalid
from guildnet_api.workspaces.spec import EnvValue, JobPatch, JobSpec, parse


def refusal(body: bytes) -> Invalid:
    with pytest.raises(Invalid) as caught:
        parse(body, JobSpec)
    return caught.value


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b'{"image": ', "line 1, column 11"),
        (b'{\n "image" "x"}', "line 2, column 10"),
        (b"", "line 1, column 1"),
        (b"[]", "object"),
        (b'"text"', "object"),
        (b'{"image": NaN}', "NaN"),
        (b'{"image": "a", "image": "b"}', "twice"),
        (b"\xff\xfe", "UTF-8"),
        (b'{"a":' * 100_000, ""),
    ],
    ids=["cut", "second line", "empty", "list", "text", "NaN", "key twice", "not UTF-8", "too deep"],
)
def test_what_is_not_json_is_a_bad_body_that_says_where(body: bytes, words: str):
    error = refusal(body)
    assert error.code == "bad_body"
    assert words in error.message


FIELDS: dict[str, tuple[dict[str, Any], str]] = {
    "no image": ({}, "image"),
    "empty image": ({"image": ""}, "image"),
    "image with a space": ({"image": "a b"}, "image"),
    "upper-case repository": ({"image": "Acme/Tool"}, "image"),
    "image of 600 characters": ({"image": "a" * 600}, "image"),
    "image null": ({"image": None}, "image"),
    "unknown field": ({"colour": "red"}, "colour"),
    "unknown field inside": ({"resources": {"gpu": "1"}}, "resources.gpu"),
    "number as env value": ({"env": {"A": 1}}, "env.A"),
    "env value without a value": ({"env": {"A": {"secret": True}}}, "env.A.value"),
    "env value with an unknown field": ({"env": {"A": {"value": "x", "hidden": True}}}, "env.A.hidden"),
    "env name with a dash": ({"env": {"A-B": "1"}}, "env"),
    "args not a list": ({"args": "x"}, "args"),
    "argument not text": ({"args": ["a", 1]}, "args[1]"),
    "unclosed quote": ({"command": "run 'it"}, "command"),
    "port 0": ({"expose": [{"port": 0}]}, "expose[0].port"),
    "port 65536": ({"expose": [{"port": 65536}]}, "expose[0].port"),
    "port as text": ({"expose": [{"port": "80"}]}, "expose[0].port"),
    "port true": ({"expose": [{"port": True}]}, "expose[0].port"),
    "port twice": ({"expose": [{"port": 80}, {"port": 80}]}, "expose"),
    "port name twice": ({"expose": [{"port": 80, "name": "a"}, {"port": 81, "name": "a"}]}, "expose"),
    "given name like a made one": ({"expose": [{"port": 80}, {"port": 81, "name": "p-80"}]}, "expose"),
    "port name too long": ({"expose": [{"port": 80, "name": "a" * 16}]}, "expose"),
    "seventeen ports": ({"expose": [{"port": n} for n in range(1, 18)]}, "expose"),
    "no amount": ({"resources": {"cpu": "lots"}}, "resources.cpu"),
    "nothing of it": ({"resources": {"memory": "0"}}, "resources.memory"),
    "storage without size": ({"storage": {}}, "storage.size"),
    "our label": ({"labels": {"guildnet.io/id": "x"}}, "labels"),
    "our label below": ({"labels": {"x.guildnet.io/id": "x"}}, "labels"),
    "label value too long": ({"labels": {"a": "x" * 64}}, "labels"),
    "label key with two slashes": ({"labels": {"a/b/c": "x"}}, "labels"),
    "notes too long": ({"notes": "x" * 4097}, "notes"),
    "NUL in an argument": ({"args": ["a\0b"]}, "args[0]"),
}


@pytest.mark.parametrize(("given_fields", "field"), FIELDS.values(), ids=FIELDS)
def test_a_wrong_field_is_named(given_fields: dict[str, Any], field: str):
    image = {} if "image" in given_fields or field == "image" else {"image": "acme/tool"}
    error = refusal(json.dumps({**image, **given_fields}).encode())
    assert error.code == "invalid_spec"
    assert [detail.field for detail in error.details] == [field]
    assert field in error.message


def test_every_problem_is_listed_at_once():
    error = refusal(b'{"colour": 1, "expose": [{"port": 0}], "env": {"A": 2}}')
    assert {detail.field for detail in error.details} == {"image", "colour", "expose[0].port", "env.A"}


def test_what_older_clients_send_is_taken():
    job = parse(
        b'{"image": "acme/tool:1", "env": {"": "x", " ": "y", "A": ""}, "command": "run --fast \'a b\'"}', JobSpec
    )
    assert job.env == {"A": EnvValue(value="")}
    assert job.command == ["run", "--fast", "a b"]


@pytest.mark.parametrize(
    "image",
    ["tool", "acme/tool", "ghcr.io/acme/tool:1.2", "localhost:5000/tool", "tool@sha256:" + "a" * 64, "a/b/c/d:x_y"],
)
def test_references_that_a_runtime_takes_are_taken(image: str):
    assert parse(json.dumps({"image": image}).encode(), JobSpec).image == image


def test_an_env_value_may_say_that_it_is_secret():
    job = parse(b'{"image": "acme/tool:1", "env": {"A": {"value": "x", "secret": true}, "B": "y"}}', JobSpec)
    assert job.env == {"A": EnvValue(value="x", secret=True), "B": EnvValue(value="y")}
    patch = parse(b'{"env": {"A": {"value": "x", "secret": true}, "B": null}}', JobPatch)
    assert patch.env == {"A": EnvValue(value="x", secret=True), "B": None}


def test_a_patch_tells_a_field_not_sent_from_one_taken_away():
    patch = parse(b'{"notes": null, "env": {"A": null}}', JobPatch)
    assert patch.model_fields_set == {"notes", "env"}
    assert patch.env == {"A": None}
    with pytest.raises(Invalid):
        parse(b'{"image": null}', JobPatch)


HOSTILE = {
    "unknown fields": b"{" + b",".join(b'"k%d":1' % n for n in range(90_000)) + b"}",
    "wrong arguments": b'{"image":"a","args":[' + b",".join([b"1"] * 400_000) + b"]}",
    "wrong env": b'{"image":"a","env":{' + b",".join(b'"k%d":1' % n for n in range(4000)) + b"}}",
    "a long command": json.dumps({"image": "a", "command": "x '" * 300_000}).encode(),
}


@pytest.mark.parametrize("body", HOSTILE.values(), ids=HOSTILE)
def test_a_body_that_is_all_wrong_gets_a_short_refusal(body: bytes):
    error = refusal(body)
    assert len(error.details) <= 50
    assert len(error.message) < 4096


@given(st.binary(max_size=200))
def test_no_body_ever_raises_anything_but_invalid(body: bytes):
    with suppress(Invalid):
        parse(body, JobSpec)


PLAIN_WORDS = {
    "env as a list": ({"env": ["A=1"]}, "env", 'an object, like {"NAME": "value"}'),
    "storage as text": ({"storage": "1Gi"}, "storage", 'an object, like {"size": "10Gi"}'),
    "resources as text": ({"resources": "1"}, "resources", 'an object, like {"cpu": "500m"}'),
    "labels as a list": ({"labels": ["a"]}, "labels", 'an object, like {"team": "research"}'),
    "no image": ({"image": ""}, "image", "must not be empty"),
    "image of no text": ({"image": 1}, "image", 'text in quotes, like "value"'),
    "args as text": ({"args": "--x"}, "args", 'a list, like ["value"]'),
    "port 0": ({"expose": [{"port": 0}]}, "expose[0].port", "at least 1"),
    "port 70000": ({"expose": [{"port": 70000}]}, "expose[0].port", "at most 65535"),
    "a port as text": ({"expose": [{"port": "80"}]}, "expose[0].port", "a whole number, like 8080"),
    "a mode": ({"expose": [{"port": 1, "pathMode": "x"}]}, "expose[0].pathMode", "one of 'Strip' or 'Preserve'"),
    "long notes": ({"notes": "x" * 4097}, "notes", "at most 4096 characters"),
    "many ports": ({"expose": [{"port": n} for n in range(1, 18)]}, "expose", "at most 16 entries"),
    "NUL": ({"args": ["\0"]}, "args[0]", "a character that cannot be stored (NUL)"),
}


@pytest.mark.parametrize(("fields", "field", "reason"), PLAIN_WORDS.values(), ids=PLAIN_WORDS)
def test_what_is_wrong_is_said_in_words_of_json(fields: dict[str, Any], field: str, reason: str):
    details = refusal(json.dumps({"image": "acme/tool", **fields}).encode()).details
    assert [(detail.field, detail.reason) for detail in details] == [(field, reason)]


@given(st.dictionaries(st.sampled_from([*JobSpec.model_fields, "x"]), st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)))  # fmt: skip
def test_no_refusal_speaks_of_python(job: dict[str, Any]):
    with suppress(Invalid):
        parse(json.dumps(job).encode(), JobSpec)
        return
    for detail in refusal(json.dumps(job).encode()).details:
        assert "Input should" not in detail.reason
        assert "instance of" not in detail.reason


def test_a_refusal_names_fifty_problems_and_no_more():
    body = json.dumps({"image": "a", **{f"x{n}": 1 for n in range(1000)}}).encode()
    error = refusal(body)
    assert len(error.details) == 50
    assert len(error.message) < 1000
