"""A desired object is a subset of the live one, as the API server stores things."""

from __future__ import annotations

from decimal import Decimal

import pytest

from guildnet.workspace.quantities import quantity
from guildnet_operator.sync.diff import first_difference


@pytest.mark.parametrize(
    ("desired", "live", "path"),
    [
        pytest.param({"a": 1}, {"a": 1, "b": 2}, None, id="server's defaults do not count"),
        pytest.param({"a": 1}, {"a": 2}, "a", id="value"),
        pytest.param({"a": {"b": [1]}}, {"a": {"b": [2]}}, "a.b[0]", id="deep"),
        pytest.param({"kind": "A"}, {}, None, id="kind is missing in lists"),
        pytest.param({"env": [{"name": "A", "value": ""}]}, {"env": [{"name": "A"}]}, None, id="empty text is dropped"),
        pytest.param({"s": {"token": False}}, {"s": {}}, "s.token", id="a false that was taken out"),
        pytest.param({"s": {"publishNotReadyAddresses": False}}, {"s": {}}, None, id="a false that is not stored"),
        pytest.param({"args": ["a"]}, {"args": ["a", "b"]}, "args", id="plain lists are compared whole"),
        pytest.param({"args": ["a", "b"]}, {"args": ["b", "a"]}, "args[0]", id="order of a plain list"),
        pytest.param(
            {"containers": [{"name": "a"}]},
            {"containers": [{"name": "x"}, {"name": "a"}]},
            None,
            id="injected container",
        ),
        pytest.param({"containers": [{"name": "a"}]}, {"containers": []}, "containers[a]", id="container gone"),
        pytest.param({"ports": [{"port": 1}]}, {"ports": [{"port": 2}]}, "ports[1]", id="service port"),
        pytest.param({"requests": {"memory": "1024Mi"}}, {"requests": {"memory": "1Gi"}}, None, id="same quantity"),
        pytest.param({"requests": {"cpu": "0.5"}}, {"requests": {"cpu": "500m"}}, None, id="same cpu"),
        pytest.param({"requests": {"cpu": "1"}}, {"requests": {"cpu": "500m"}}, "requests.cpu", id="other cpu"),
        pytest.param({"value": "1024Mi"}, {"value": "1Gi"}, "value", id="only quantities are quantities"),
        pytest.param({"a": {"b": 1}}, {"a": None}, "a", id="map gone"),
        pytest.param({"a": ["x"]}, {"a": "x"}, "a", id="other type"),
    ],
)
def test_the_first_difference_is_named(desired, live, path):
    assert first_difference(desired, live) == path


@pytest.mark.parametrize(
    ("text", "number"),
    [("1", 1), ("500m", Decimal("0.5")), ("1k", 1000), ("1Ki", 1024), ("0.5Gi", 536870912), ("1e3", 1000), (2, 2)],
)
def test_a_quantity_is_read_as_kubernetes_reads_it(text, number):
    assert quantity(text) == number


@pytest.mark.parametrize("text", ["", "Gi", "one", "1 Gi x"])
def test_what_is_no_quantity_is_refused(text):
    with pytest.raises(ValueError, match="not a quantity"):
        quantity(text)
