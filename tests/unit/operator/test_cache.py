"""Our own writes laid over what the watch has told, until it has caught up, or history began anew."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from guildnet_operator.watch.cache import Cache


def _written(version: int) -> dict[str, Any]:
    return {"metadata": {"name": "lab", "resourceVersion": str(version)}}


def _cache(seen: int) -> tuple[Cache[Any, Any], Any]:
    reflector: Any = SimpleNamespace(store={}, resource_version=str(seen))
    cache: Cache[Any, Any] = Cache(reflector, dict, dict)
    cache.listed()
    return cache, reflector


def test_what_was_written_is_there_until_the_watch_is_as_far():
    cache, reflector = _cache(100)
    cache.remember(_written(105))
    assert cache.get("lab") is not None
    reflector.resource_version = "105"
    assert cache.get("lab") is None, "the watch says that there is none"


def test_what_was_written_before_a_restore_is_not_there_any_more():
    cache, reflector = _cache(100)
    reflector.resource_version = "4990"
    cache.moved()
    cache.remember(_written(5000))
    reflector.resource_version = "3000"
    cache.listed()
    assert cache.get("lab") is None


def test_another_list_of_the_same_history_changes_nothing():
    cache, reflector = _cache(100)
    cache.remember(_written(105))
    reflector.resource_version = "104"
    cache.listed()
    assert cache.get("lab") is not None


def test_a_list_as_old_as_what_is_known_is_no_restore():
    cache, _ = _cache(100)
    cache.remember(_written(105))
    cache.listed()
    assert cache.get("lab") is not None
