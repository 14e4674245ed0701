"""What the first generation asks, and what it has to be answered."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Checks:
    """Each with its name, and what was wrong; empty where nothing was."""

    done: list[tuple[str, str]] = field(default_factory=list)

    def that(self, name: str, right: object, found: object = "") -> None:
        self.done.append((name, "" if right else f"{found!r}"[:300]))

    @property
    def wrong(self) -> list[str]:
        return [f"{name}: {found}" for name, found in self.done if found]
