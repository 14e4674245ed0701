"""Every example is accepted by a real API server as it stands, unknown fields included in what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from guildnet.kube.client import Client
from guildnet.kube.resources import CAPABILITIES, WORKSPACES, path

EXAMPLES = Path(__file__).parents[3] / "examples"
RESOURCES = {resource.kind: resource for resource in (WORKSPACES, CAPABILITIES)}


TEXTS = {file.stem: file.read_text() for file in sorted(EXAMPLES.glob("*.yaml"))}


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
async def test_an_example_is_accepted_and_says_what_it_shows(kube: Client, namespace: str, text: str):
    assert text.startswith("# "), "an example begins with what it shows"
    for body in yaml.safe_load_all(text):
        resource = RESOURCES[body["kind"]]
        body["metadata"]["namespace"] = namespace
        query = {"dryRun": "All", "fieldValidation": "Strict"}
        made = await kube.request("POST", path(resource, namespace), query=query, body=body)
        assert made["metadata"]["name"] == body["metadata"]["name"]
