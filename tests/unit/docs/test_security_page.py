"""The table of rights in docs/security.md is the chart's rights.yaml: `pytest tests/unit/docs --update-golden`."""

from __future__ import annotations

import re
from pathlib import Path

from support.rights import NAMES, accounts

DOCS = Path(__file__).resolve().parents[3] / "docs"
TABLE = re.compile(r"(?<=<!-- rights -->\n).*(?=<!-- /rights -->)", re.DOTALL)
WHEN = {"tailnet": " (with a tailnet)", "api-server": " (with `proxy.transport: api-server`)"}
PLACES = {"workspaces": "workspaces", "release": "release", "cluster": "–"}


def table() -> str:
    lines = ["| account | namespace | may | on | why |", "| --- | --- | --- | --- | --- |"]
    for account, said in accounts().items():
        for right in said["rights"]:
            names = ", ".join(f"`{NAMES[name]}`" for name in right.get("names", ()))
            kinds = ", ".join(f"`{kind}`" for kind in right["resources"]) + (f" {names}" if names else "")
            when = WHEN[right["when"]] if "when" in right else ""
            why = right["why"] + when
            lines.append(f"| {account} | {PLACES[right['place']]} | {', '.join(right['verbs'])} | {kinds} | {why} |")
        lines.append(f"| {account} | | **never** | | {said['never']} |")
    return "\n".join(lines) + "\n"


def test_the_page_of_security_has_the_rights_that_the_chart_gives(update_golden: bool):
    page = DOCS / "security.md"
    if update_golden:
        page.write_text(TABLE.sub(lambda _: table(), page.read_text()))
    found = TABLE.search(page.read_text())
    assert found is not None
    assert found[0] == table(), "run: pytest tests/unit/docs --update-golden"


def test_the_readme_links_to_the_page():
    assert "(docs/security.md)" in (DOCS.parent / "README.md").read_text()
