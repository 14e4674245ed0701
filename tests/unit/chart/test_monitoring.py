"""Alerts and the dashboard ask for metrics that there are, by labels that they have."""

from __future__ import annotations

import ast
import json
import re
from typing import Any

import pytest

from unit.chart.rendered import CHART, ROOT, Render

EVERYTHING = {
    "tailnet": {"enabled": True},
    "monitoring": {name: {"enabled": True} for name in ("prometheusRule", "dashboard", "serviceMonitor")},
}
SUFFIXES = {
    "Counter": ("_total",), "CounterMetricFamily": ("_total",), "Gauge": ("",), "GaugeMetricFamily": ("",),
    "Histogram": ("_bucket", "_sum", "_count"), "HistogramMetricFamily": ("_bucket", "_sum", "_count"),
}  # fmt: skip
SCRAPED = {"namespace", "pod", "le", "app_kubernetes_io_component"}
"""Labels that the scraper or the kind of a metric brings."""


def metrics() -> dict[str, set[str]]:
    """Name as a query has it → labels, from the calls that make metrics in the services' sources."""
    found: dict[str, set[str]] = {}
    for path in (ROOT / "services").glob("*/src/**/*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Name)
                and node.func.id in SUFFIXES
                and node.args
            ):
                name = ast.literal_eval(node.args[0]) if isinstance(node.args[0], ast.Constant) else ""
                labels = [*node.args[2:3], *(one.value for one in node.keywords if one.arg in ("labels", "labelnames"))]
                given = set(ast.literal_eval(labels[0])) if labels else set()
                for suffix in SUFFIXES[node.func.id]:
                    found[name.removesuffix("_total") + suffix if suffix == "_total" else name + suffix] = given
    return found


def queries(render: Render) -> list[str]:
    rendering = render(EVERYTHING)
    groups = rendering.one("PrometheusRule", "guildnet")["spec"]["groups"]
    rules = [rule["expr"] for group in groups for rule in group["rules"]]
    board: dict[str, Any] = json.loads(rendering.one("ConfigMap", "guildnet-dashboard")["data"]["guildnet.json"])
    panels = [target["expr"] for panel in board["panels"] for target in panel["targets"]]
    return [*rules, *panels]


def test_every_metric_that_is_asked_for_is_there(render: Render):
    asked = {name for query in queries(render) for name in re.findall(r"\bguildnet_[a-z_]+", query)}
    assert len(asked) > 15
    assert asked <= metrics().keys()


def test_every_label_that_is_grouped_by_is_one_of_its_metric(render: Render):
    known = metrics()
    for query in queries(render):
        names = re.findall(r"\bguildnet_[a-z_]+", query)
        for grouped in re.findall(r"\b(?:by|on) \(([^)]*)\)", query):
            for label in grouped.split(", "):
                assert label in SCRAPED or any(label in known[name] for name in names), query


@pytest.mark.parametrize("form", ["podMonitor", "serviceMonitor"])
def test_both_ways_of_collecting_find_the_port(render: Render, form: str):
    rendering = render({"monitoring": {form: {"enabled": True}}})
    monitor = rendering.one("PodMonitor" if form == "podMonitor" else "ServiceMonitor", "guildnet")
    ends = monitor["spec"].get("podMetricsEndpoints") or monitor["spec"]["endpoints"]
    assert ends[0]["port"] == "ops"
    if form == "serviceMonitor":
        service = rendering.one("Service", "guildnet-metrics")
        assert service["metadata"]["labels"].items() >= monitor["spec"]["selector"]["matchLabels"].items()


def test_every_alert_says_what_to_do_next(render: Render):
    for group in render(EVERYTHING).one("PrometheusRule", "guildnet")["spec"]["groups"]:
        for rule in group["rules"]:
            assert {"summary", "next"} <= rule["annotations"].keys(), rule["alert"]


def test_the_dashboard_is_the_file_of_the_chart():
    assert json.loads((CHART / "dashboards" / "guildnet.json").read_text())["title"] == "GuildNet"
