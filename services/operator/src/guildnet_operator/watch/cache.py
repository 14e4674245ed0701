"""What a watch holds of one kind of object, with our own writes laid over it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, Generic, TypeVar

from guildnet.kube.reflector import Reflector
from guildnet.kube.version import number

T = TypeVar("T")
S = TypeVar("S")

MAX_WRITTEN: Final = 64
"""Own writes remembered before those are dropped that the watch has told of meanwhile."""


class Cache(Generic[T, S]):
    """A reflector's store with our own writes laid over it until the watch has caught up with them.

    Without this a reconcile right after a write would see the state before it and write once more.
    What is held (`S`) is made by the reflector's parser, and made a `T` when it is asked for.
    """

    def __init__(self, reflector: Reflector[S], hold: Callable[[dict[str, Any]], S], load: Callable[[S], T]) -> None:
        self.reflector = reflector
        self._hold = hold
        self._load = load
        self._written: dict[str, tuple[int, S]] = {}
        self._seen = 0

    def listed(self) -> None:
        """The reflector has listed anew. A cluster that was restored from a backup counts from where the backup was:
        what we wrote since is not there, and no version will tell so."""
        version = number(self.reflector.resource_version) or 0
        if version < self._seen:
            self._written.clear()
        self._seen = version

    def moved(self) -> None:
        """The reflector was told of something."""
        self._seen = max(self._seen, number(self.reflector.resource_version) or 0)

    def get(self, name: str) -> T | None:
        held = self._held(name)
        return None if held is None else self._load(held)

    def _held(self, name: str) -> S | None:
        written = self._written.get(name)
        if written is None:
            return self.reflector.store.get(name)
        version, value = written
        if (number(self.reflector.resource_version) or 0) < version:
            return value
        del self._written[name]
        return self.reflector.store.get(name)

    def remember(self, obj: dict[str, Any]) -> T:
        """An object as the API server answered our write with it."""
        metadata = obj["metadata"]
        value = self._hold(obj)
        if len(self._written) >= MAX_WRITTEN:
            seen = number(self.reflector.resource_version) or 0
            self._written = {name: item for name, item in self._written.items() if item[0] > seen}
        self._written[metadata["name"]] = (number(metadata["resourceVersion"]) or 0, value)
        return self._load(value)

    def forget(self, name: str) -> None:
        """What we wrote turned out to be gone."""
        self._written.pop(name, None)
