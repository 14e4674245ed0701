"""What the checks of the api say of its copy of the cluster."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import pytest

from guildnet_api.health import STALE_SECONDS, ApiHealth


async def _version() -> dict[str, Any]:
    return {}


@pytest.mark.parametrize(
    ("synced", "age", "kubernetes", "cache"),
    [
        (False, math.inf, None, "the first list is still being read"),
        (True, STALE_SECONDS - 1, None, None),
        (True, STALE_SECONDS + 1, "what is known was not confirmed for 121 s", None),
    ],
)
async def test_an_old_copy_is_told_of_and_only_a_missing_one_takes_the_pod_out_of_service(
    synced: bool, age: float, kubernetes: str | None, cache: str | None
):
    copy: Any = SimpleNamespace(synced=synced, age=lambda: age, missing_kinds=lambda: None)
    client: Any = SimpleNamespace(version=_version)
    checks = (await ApiHealth(client, copy, None).report()).checks
    assert (checks["kubernetes"], checks["cache"]) == (kubernetes, cache)
