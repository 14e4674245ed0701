"""docs/settings.md is made from the settings themselves: `pytest tests/unit/docs --update-golden` writes it anew."""

from __future__ import annotations

from pathlib import Path

from guildnet.settings import Settings, table
from guildnet_api.settings import Settings as Api
from guildnet_operator.settings import Settings as Operator
from guildnet_proxy.settings import Settings as Proxy

PAGE = Path(__file__).resolve().parents[3] / "docs" / "settings.md"
HEAD = """# Settings

Each service reads its settings once, from the environment, when it starts; bad ones are all named at once and end the
process with status 2. The chart sets them, most from a value and what is about the inside of a pod (addresses,
paths of mounted files) itself: install by `values.yaml`, not by these names.
"""


def _section(title: str, cls: type[Settings], known: frozenset[str]) -> str:
    rows = [row for row in table(cls) if row.env not in known]
    lines = [f"| `{row.env}` | {f'`{row.default}`' if row.default else ''} | {row.description} |" for row in rows]
    return "\n".join([f"\n## {title}\n", "| name | default | what it sets |", "| --- | --- | --- |", *lines, ""])


def _page() -> str:
    common = frozenset(row.env for row in table(Settings))
    services = (("api", Api), ("proxy", Proxy), ("operator", Operator))
    sections = [_section("All three", Settings, frozenset())]
    return HEAD + "".join(sections + [_section(title, cls, common) for title, cls in services])


def test_the_page_of_settings_is_current(update_golden: bool):
    if update_golden:
        PAGE.write_text(_page())
    assert PAGE.read_text() == _page(), "run: pytest tests/unit/docs --update-golden"
