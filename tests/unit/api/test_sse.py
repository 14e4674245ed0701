"""Compact JSON: the same bytes as Python's own, whatever a log line holds."""

from __future__ import annotations

import json
from enum import StrEnum
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guildnet_api.http.sse import compact

TEXT = st.text(st.characters(exclude_categories=()), max_size=20)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)


class Colour(StrEnum):
    RED = "red"


def plain(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


@given(JSON)
def test_the_bytes_are_those_of_plain_json(value: Any):
    assert compact(value) == plain(value)
    assert b"\n" not in compact(value)
    assert b"\r" not in compact(value)


@pytest.mark.parametrize(
    "value",
    [
        {"m": "".join(map(chr, range(256)))},
        "\u2028\u2029",
        {"a": ("b", 1)},
        {"c": Colour.RED},
        {1: 2},
        2**80,
        {"s": "a\ud83d"},
    ],
    ids=ascii,
)
def test_values_that_are_not_quite_json_come_out_alike(value: Any):
    assert compact(value) == plain(value)
