"""The objects of one kind as they were last told, and what each news changed about them.

Lists and events go in, changes come out, each exactly once: also of deletions and re-creations that nobody saw happen.
It asks nobody and awaits nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Generic, Literal, TypeVar

import structlog

T = TypeVar("T")
Kind = Literal["added", "modified", "deleted", "synced"]

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Change(Generic[T]):
    """One change; `synced` follows every complete list and has neither key nor values."""

    kind: Kind
    key: str = ""
    old: T | None = None
    new: T | None = None


@dataclass(frozen=True, slots=True)
class _Held(Generic[T]):
    uid: str
    version: str
    value: T


class Store(Generic[T]):
    """Parsed objects by key in `values`; those that `parse` refuses are named with the reason in `broken`.

    `on_change` is called before the next object is looked at; what it raises is logged and changes nothing.
    """

    def __init__(
        self,
        kind: str,
        key: Callable[[dict[str, Any]], str],
        parse: Callable[[dict[str, Any]], T],
        on_change: Callable[[Change[T]], None] | None,
    ) -> None:
        self._kind = kind
        self._key = key
        self._parse = parse
        self._on_change = on_change
        self._held: dict[str, _Held[T]] = {}
        self._values: dict[str, T] = {}
        self.values: Mapping[str, T] = MappingProxyType(self._values)
        self.broken: dict[str, str] = {}

    def replace(self, items: list[dict[str, Any]]) -> None:
        """Take a complete list: what it does not name is gone."""
        listed = {self._key(item): item for item in items}
        for key in [key for key in self._held if key not in listed]:
            self._drop(key)
        for key in [key for key in self.broken if key not in listed]:
            del self.broken[key]
        for key, item in listed.items():
            self._put(key, item)

    def tell_synced(self) -> None:
        """Tell that everything a complete list brought has been told."""
        self._tell(Change("synced"))

    def put(self, item: dict[str, Any]) -> None:
        """Take an object that was made or changed."""
        self._put(self._key(item), item)

    def drop(self, item: dict[str, Any]) -> None:
        """Take a deletion."""
        key = self._key(item)
        self._drop(key)
        self.broken.pop(key, None)

    def _put(self, key: str, item: dict[str, Any]) -> None:
        meta = item["metadata"]
        uid, version = str(meta.get("uid", "")), str(meta.get("resourceVersion", ""))
        held = self._held.get(key)
        if held is not None and (held.uid, held.version) == (uid, version):
            return
        if held is not None and held.uid != uid:
            # Deleted and made again while nobody looked: two objects, whatever the event is called.
            self._drop(key)
            held = None
        try:
            value = self._parse(item)
        except Exception as error:  # noqa: BLE001  one object nobody can read must not end the copy of all others
            log.warning("object left out", kind=self._kind, key=key, error=str(error))
            self._drop(key)
            self.broken[key] = str(error)
            return
        self.broken.pop(key, None)
        self._held[key] = _Held(uid, version, value)
        self._values[key] = value
        if held is None:
            self._tell(Change("added", key, new=value))
        else:
            self._tell(Change("modified", key, old=held.value, new=value))

    def _drop(self, key: str) -> None:
        held = self._held.pop(key, None)
        if held is not None:
            del self._values[key]
            self._tell(Change("deleted", key, old=held.value))

    def _tell(self, change: Change[T]) -> None:
        if self._on_change is None:
            return
        try:
            self._on_change(change)
        except Exception:
            log.exception("change not handled", kind=self._kind, key=change.key, change=change.kind)
