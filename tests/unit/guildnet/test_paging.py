"""A list, page by page, and what becomes of it when its pages expire."""

from __future__ import annotations

from typing import Any

import pytest

from guildnet.errors import Gone, Unreachable
from guildnet.kube.paging import Page, pages
from guildnet.kube.resources import CONFIGMAPS, Resource

Json = dict[str, Any]


class Server:
    """Stands in for the client: answers with what it is given, one after the other."""

    def __init__(self, *answers: Json | Exception) -> None:
        self.answers = list(answers)
        self.asked: list[Json] = []

    async def list(self, _resource: Resource, _namespace: str | None, **query: Any) -> Json:
        self.asked.append({key: value for key, value in query.items() if value is not None})
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


def part(version: int, *names: str, more: str = "") -> Json:
    return {"metadata": {"resourceVersion": str(version), "continue": more}, "items": [{"n": name} for name in names]}


async def read(server: Server, **options: Any) -> list[tuple[str, str, bool]]:
    client: Any = server
    found: list[Page] = [page async for page in pages(client, CONFIGMAPS, "ns", **options)]
    return [("".join(item["n"] for item in page.items), page.version, page.first) for page in found]


async def test_each_page_is_asked_for_with_what_the_one_before_named() -> None:
    server = Server(part(7, "a", "b", more="next"), part(7, "c"))
    assert await read(server, limit=2, label_selector="x=y") == [("ab", "7", True), ("c", "7", False)]
    asked = {"limit": 2, "label_selector": "x=y"}
    assert server.asked == [asked, {**asked, "continue_": "next"}]


async def test_a_list_whose_pages_expire_begins_again_in_one_piece() -> None:
    server = Server(part(7, "a", more="next"), Gone("expired"), part(9, "b", "c"))
    assert await read(server, limit=1, field_selector="x=y") == [("a", "7", True), ("bc", "9", True)]
    assert server.asked[2] == {"field_selector": "x=y"}


async def test_a_list_that_is_refused_in_one_piece_too_is_given_up() -> None:
    server = Server(Gone("expired"), Gone("expired"))
    with pytest.raises(Gone):
        await read(server)
    assert len(server.asked) == 2


async def test_any_other_failure_is_the_callers() -> None:
    with pytest.raises(Unreachable):
        await read(Server(part(7, "a", more="next"), Unreachable("down")))


@pytest.mark.parametrize("empty", [{}, {"metadata": None, "items": None}], ids=repr)
async def test_an_empty_collection_is_one_page(empty: Json) -> None:
    assert await read(Server(empty)) == [("", "", True)]
