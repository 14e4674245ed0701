"""What a crash plan asks of the ports that are given, whatever the plan's end."""

from __future__ import annotations

from typing import Any, cast

import pytest

from guildnet.errors import NotFound
from guildnet.kube.client import Client
from proofs.crash.running import ports
from support.namespace import Namespace


class Kube:
    """Workspaces with these ports, and the counter where there is one."""

    def __init__(self, given: list[int], counter: int | None) -> None:
        self._given, self._counter = given, counter

    async def list(self, *_: Any) -> dict[str, Any]:
        return {"items": [{"status": {"origin": {"port": port}}} for port in self._given]}

    async def get(self, *_: Any) -> dict[str, Any]:
        if self._counter is None:
            raise NotFound("not found")
        return {"data": {"next": str(self._counter)}}


@pytest.mark.parametrize(
    ("given", "counter", "problems"),
    [
        ([20000, 20001], 20002, []),
        ([], None, []),
        ([20000, 20000], 20001, ["a port was given twice: [20000, 20000]"]),
        ([20001], 20001, ["port 20001 is not below the counter 20001"]),
        ([20000], None, ["port 20000 is not below the counter 0"]),
    ],
)
async def test_ports_are_unique_and_below_the_counter_which_may_not_be_there_yet(
    given: list[int], counter: int | None, problems: list[str]
):
    assert await ports(Namespace(cast("Client", Kube(given, counter)), "one")) == problems
