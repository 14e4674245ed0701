"""What the installer reads at the end: an address that works for these values, and the next step."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from unit.chart.rendered import CHART, MATRIX

Notes = Callable[[dict[str, Any]], str]


@pytest.fixture
def notes(run_helm: Callable[..., str]) -> Notes:
    def notes(values: dict[str, Any]) -> str:
        text = run_helm("install", "guildnet", str(CHART), "-n", "guildnet", "--dry-run=client", values=values)
        return text.rpartition("\nNOTES:\n")[2]

    return notes


def test_the_local_entry_is_reached_by_a_forwarded_port_and_a_token(notes: Notes):
    text = notes({})
    assert "port-forward svc/guildnet-proxy 8080:80" in text
    assert 'echo "http://guildnet.localhost:8080/login?token=$(kubectl -n guildnet create token guildnet-admin' in text
    assert "tailnet" not in text


def test_the_next_step_is_a_workspace_of_the_first_preset(notes: Notes):
    assert "      image: guildnet/jupyterlab:0.1.0\n      ports: [{containerPort: 8888, pathMode: Preserve}]" in notes(
        {}
    )
    assert "      image: mine:1\n    EOF" in notes({"presets": [{"label": "Mine", "image": "mine:1"}]})
    assert "      image: docker.io/codercom/code-server:latest\n    EOF" in notes({"presets": []})


def test_a_tailnet_gives_its_own_address(notes: Notes):
    assert "get configmap guildnet-entries -o jsonpath='{.data.tailnet}'" in notes(MATRIX["tailnet"])


def test_without_an_auth_key_it_says_where_the_login_url_is(notes: Notes):
    assert "No auth key is set" in notes({"tailnet": {"enabled": True}})
    assert "No auth key is set" not in notes(MATRIX["own-secrets"])


def test_a_domain_gives_its_own_address_and_says_when_nothing_leads_to_it(notes: Notes):
    with_routes = notes(MATRIX["domain"])
    assert "    https://guildnet.example.com/\n" in with_routes
    assert "yourself" not in with_routes
    assert "port-forward" not in with_routes
    assert "yourself" in notes({"entries": {"domain": {"origin": "https://guildnet.example.com"}}})


@pytest.mark.parametrize("values", MATRIX.values(), ids=MATRIX)
def test_paragraphs_are_one_blank_line_apart(notes: Notes, values):
    assert "\n\n\n" not in notes(values).strip()


def test_what_it_means_when_nobody_enforces_network_policies(notes: Notes):
    assert "not enforce them, any pod, every workspace included, reaches every workspace without asking" in notes({})
    off = notes({"workspaces": {"networkPolicy": {"enabled": False}}})
    assert "No NetworkPolicy closes workspaces: any pod" in off
    for opened in ({"directExposure": True}, {"ingress": {"domain": "a.example"}}, {"loadBalancer": {"enabled": True}}):
        assert "and open those that are exposed" in notes({"workspaces": opened})
    assert "and open those" not in notes({})
