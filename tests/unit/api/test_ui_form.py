"""What the launch form says of a launch is what the API says: cases for both (`pytest … --update-golden`)."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guildnet import image, names
from guildnet.errors import Invalid
from guildnet_api.workspaces import spec

CASES = Path(__file__).resolve().parents[3] / "ui" / "src" / "launch" / "cases.json"
OK: dict[str, Any] = {"image": "nginx:1.29"}
LAUNCHES: list[dict[str, Any]] = [
    OK,
    *({"image": text} for text in (
        "", "nginx", "NGINX", "a b", "ghcr.io/acme/tool:1.2", "localhost:5000/x",
        "Registry.Example.com:5000/a/b@sha256:" + "0" * 64, "nginx:", "nginx:-1",
        "a//b", "/nginx", "nginx/", "a_b__c", "a___b", "x" * 513, "nginx@sha256:12",
    )),
    *({**OK, "resources": {"cpu": text}} for text in ("500m", "2", "0", "0.5", ".5", "lots", "1e3", "1 ", "-1", "00")),
    *({**OK, "resources": {"memory": text}} for text in ("1Gi", "1gi", "1GB", "512M", "0Gi", "1.5Gi", "")),
    *({**OK, "storage": {"size": text}} for text in ("10Gi", "lots", "")),
    {**OK, "name": "x" * 253},
    {**OK, "name": "x" * 254},
    {**OK, "notes": "x" * 4096},
    {**OK, "notes": "x" * 4097},
    {**OK, "env": {"A": "1", "_b2": "", "": "dropped"}},
    {**OK, "env": {"1A": "x", "a-b": "y"}},
    {**OK, "env": {"A": "zero \x00"}},
    {**OK, "env": {"A": {"value": "x", "secret": True}}},
    {**OK, "env": {f"A{n}": "x" for n in range(257)}},
    {**OK, "args": ["a", "", "b c"]},
    {**OK, "args": ["a"] * 257},
    {**OK, "args": ["a", "\x00"]},
    {**OK, "command": ["sh", "-c", "true"]},
    {**OK, "labels": {"team": "data", "acme.io/team": "", "a": "B_c.d-e"}},
    *({**OK, "labels": {key: value}} for key, value in (
        ("guildnet.io/x", "1"), ("x.guildnet.io/y", "1"), ("-a", "1"), ("a/b/c", "1"), ("", "1"), ("a", "-"),
        ("a", "x" * 64), ("x" * 64, "1"), ("A.B/c", "1"), ("a ", "1"),
    )),
    *({**OK, "expose": [{"port": port}]} for port in (0, 1, 65535, 65536, -1)),
    {**OK, "expose": [{"port": 80}, {"port": 80}]},
    {**OK, "expose": [{"port": 80, "name": "web"}, {"port": 81, "name": "web"}]},
    {**OK, "expose": [{"port": 80, "name": "p-81"}, {"port": 81}]},
    {**OK, "expose": [{"port": 80, "name": "Web"}, {"port": 81, "name": "a" * 16}]},
    {**OK, "expose": [{"port": 80, "name": ""}]},
    {**OK, "expose": [{"port": port} for port in range(1, 18)]},
    *({**OK, "exposure": {"type": kind}} for kind in ("ClusterIP", "LoadBalancer", "Ingress")),
    *({**OK, "exposure": {"type": "Ingress", "domain": domain}} for domain in ("apps.example.com", "Apps", "", "a..b")),
    {"image": "a b", "resources": {"cpu": "x", "memory": "y"}, "storage": {"size": "z"}, "expose": [{"port": 0}]},
]  # fmt: skip
NAMES: list[tuple[str, str]] = [
    (name, image_)
    for name in (
        "", "My App", "___ABC", "UX Über Notebook!", "Straße", "9lives", "日本", "--a--", "x" * 80, "a" * 56 + "-b",
        "½ tea",
    )
    for image_ in ("ghcr.io/a/Code_Server:4@sha256:1", "nginx")
]  # fmt: skip


def details(job: dict[str, Any]) -> list[dict[str, str]]:
    """What the API says of a launch."""
    try:
        spec.parse(json.dumps(job).encode(), spec.JobSpec)
    except Invalid as error:
        return [{"field": detail.field, "reason": detail.reason} for detail in error.details]
    return []


def answered() -> str:
    launches = [{"job": job, "details": details(job)} for job in LAUNCHES]
    made = [
        {"name": name, "image": of, "made": names.with_suffix(names.base_name(name, of), lambda n: "0" * 2 * n)}
        for name, of in NAMES
    ]
    return json.dumps({"launches": launches, "names": made}, indent=1, ensure_ascii=False) + "\n"


def test_the_cases_of_the_form_are_answered_as_the_api_does(update_golden: bool):
    if update_golden:
        CASES.parent.mkdir(exist_ok=True)
        CASES.write_text(answered())
    assert CASES.read_text() == answered(), "run: pytest tests/unit/api/test_ui_form.py --update-golden"


@pytest.mark.parametrize("wrong", [True, False])
def test_the_cases_have_both_kinds(wrong: bool):
    assert sum(bool(details(job)) is wrong for job in LAUNCHES) > 20


@given(st.text(alphabet="aZ0.:/@_-\n é") | st.from_regex(image.PATTERN, fullmatch=True))
def test_the_documented_pattern_of_an_image_is_what_is_read(text: str):
    assert bool(re.fullmatch(image.PATTERN, text)) == (image.parse(text) is not None)
