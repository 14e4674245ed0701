"""The port counter against a ConfigMap that others may change, lose or break."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from guildnet.errors import Conflict, NotFound, Unreachable
from guildnet_operator.port_allocator import PortAllocator


class ConfigMap:
    """One ConfigMap as the client sees it, with optimistic locking."""

    def __init__(self, data: dict[str, str] | None = None, *, missing: bool = False) -> None:
        self.object: dict[str, Any] | None = None if missing else {"data": data, "metadata": {"resourceVersion": "1"}}
        self.writes = 0
        self.before_write: list[Any] = []

    async def get(self, *_: Any) -> dict[str, Any]:
        await asyncio.sleep(0)
        if self.object is None:
            raise NotFound("no such ConfigMap")
        return {**self.object, "metadata": dict(self.object["metadata"])}

    async def create(self, _resource: Any, _namespace: str, body: dict[str, Any], **_: Any) -> None:
        if self.object is not None:
            raise Conflict("exists", reason="AlreadyExists")
        self.object = {"data": body["data"], "metadata": {"resourceVersion": "1"}}
        self.writes += 1

    async def merge_patch(self, _r: Any, _ns: str, _name: str, body: dict[str, Any], **_: Any) -> None:
        assert self.object is not None
        if self.before_write:
            self.object = {
                "data": self.before_write.pop(0),
                "metadata": {"resourceVersion": f"other-{len(self.before_write)}"},
            }
        if body["metadata"]["resourceVersion"] != self.object["metadata"]["resourceVersion"]:
            raise Conflict("changed")
        self.writes += 1
        self.object = {"data": body["data"], "metadata": {"resourceVersion": f"{self.writes + 1}"}}

    @property
    def next(self) -> str:
        assert self.object is not None
        return self.object["data"]["next"]


def _ports(config: ConfigMap, base: int = 20000) -> PortAllocator:
    return PortAllocator(config, "guildnet", "guildnet-ports", base=base)  # type: ignore[arg-type]


async def test_ports_are_handed_out_in_order_and_a_block_costs_one_write():
    config = ConfigMap(None)
    ports = _ports(config)
    assert [await ports.of(f"uid-{n}", None) for n in range(33)] == list(range(20000, 20033))
    assert (config.writes, config.next) == (2, "20064")


async def test_the_counter_is_advanced_before_a_port_is_given():
    config = ConfigMap({"next": "20100"})
    assert await _ports(config).of("a", None) == 20100
    assert config.next == "20132"


async def test_a_workspace_keeps_its_port_and_costs_nothing():
    config = ConfigMap({"next": "20100"})
    assert await _ports(config).of("a", 20005) == 20005
    assert config.writes == 0


async def test_a_workspace_that_could_not_be_written_yet_gets_the_same_port_again():
    ports = _ports(ConfigMap(None))
    assert [await ports.of("a", None), await ports.of("b", None), await ports.of("a", None)] == [20000, 20001, 20000]


async def test_a_further_port_of_a_workspace_is_another_and_forgotten_with_it():
    ports = _ports(ConfigMap(None))
    assert [await ports.of("a", None), await ports.of("a", None, 9000), await ports.of("a", None, 9001)] == [
        20000, 20001, 20002,
    ]  # fmt: skip
    assert await ports.of("a", None, 9000) == 20001, "as it could not be written yet"
    assert await ports.of("a", 20001, 9000) == 20001
    ports.forget("a")
    assert [await ports.of("a", None), await ports.of("a", None, 9000)] == [20003, 20004]


async def test_at_the_same_time_no_two_get_the_same():
    ports = _ports(ConfigMap(None))
    given = await asyncio.gather(*(ports.of(f"uid-{n}", None) for n in range(100)))
    assert len(set(given)) == 100


async def test_a_missing_counter_is_made():
    config = ConfigMap(missing=True)
    assert await _ports(config).of("a", None) == 20000
    assert config.next == "20032"


@pytest.mark.parametrize("data", [None, {}, {"next": ""}, {"next": "a lot"}, {"next": "3"}])
async def test_a_lost_or_broken_counter_goes_on_above_what_is_in_use(data):
    ports = _ports(ConfigMap(data))
    ports.seen([20007, 20040])
    assert await ports.of("a", None) == 20041


async def test_a_counter_changed_by_somebody_else_is_read_again():
    config = ConfigMap({"next": "20000"})
    config.before_write = [{"next": "20500"}]
    assert await _ports(config).of("a", None) == 20500


async def test_a_counter_that_is_always_changed_is_given_up_for_now():
    config = ConfigMap({"next": "20000"})
    config.before_write = [{"next": str(20000 + n)} for n in range(20)]
    with pytest.raises(Unreachable):
        await _ports(config).of("a", None)


async def test_after_the_last_port_there_is_none():
    ports = _ports(ConfigMap({"next": "65534"}))
    assert [await ports.of(uid, None) for uid in "abcd"] == [65534, 65535, None, None]
