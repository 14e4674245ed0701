"""Made-up tokens and odd values: neither starves, evicts nor breaks anything for anybody else."""

from __future__ import annotations

import asyncio
import base64
import json
from typing import Any

import pytest

from guildnet.errors import Unreachable
from guildnet_proxy.auth.authenticate import Authenticator
from guildnet_proxy.auth.bearer import bearer
from guildnet_proxy.auth.sessions import Session, Sessions
from guildnet_proxy.auth.token_review import TokenReview
from guildnet_proxy.auth.ttl_cache import MAX_WAITING, MAX_WAITING_PER_SOURCE, TtlCache
from guildnet_proxy.cluster.index import Index
from guildnet_proxy.http.errors import Refusal
from guildnet_proxy.http.forward import Listener
from unit.proxy.values import CONTROL, LOCAL, head

TCP = Listener("tcp", private=False)


class Asked:
    """Somebody who is asked, and answers when told to."""

    def __init__(self) -> None:
        self.keys: list[str] = []
        self.gates: dict[str, asyncio.Event] = {}
        self.running = 0

    async def __call__(self, key: str) -> str:
        self.keys.append(key)
        self.running += 1
        try:
            await self.gates.setdefault(key, asyncio.Event()).wait()
        finally:
            self.running -= 1
        return key

    def answers(self, *keys: str) -> None:
        for key in keys:
            self.gates.setdefault(key, asyncio.Event()).set()


async def turns() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def ended(*tasks: asyncio.Task[Any]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_one_sources_questions_do_not_keep_another_waiting():
    asked = Asked()
    cache = TtlCache(asked, clock=lambda: 0.0)
    junk = [asyncio.create_task(cache.get(f"junk{number}", "evil")) for number in range(30)]
    await turns()
    assert asked.running < 8
    good = asyncio.create_task(cache.get("good", "ann"))
    await turns()
    assert asked.keys[-1] == "good"
    asked.answers("good")
    assert await good == "good"
    await ended(*junk)
    await cache.aclose()


async def test_questions_nobody_waits_for_are_not_asked():
    asked = Asked()
    cache = TtlCache(asked, clock=lambda: 0.0)
    gone = [asyncio.create_task(cache.get(f"gone{number}", f"source{number}")) for number in range(20)]
    await turns()
    await ended(*gone)
    begun = list(asked.keys)
    assert len(begun) == 8
    asked.answers(*begun)
    await turns()
    assert asked.keys == begun
    assert cache.known("gone0") == "gone0", "what was begun is not lost"
    await cache.aclose()


async def test_too_many_questions_are_refused_at_once_for_one_source_and_in_all():
    asked = Asked()
    cache = TtlCache(asked, clock=lambda: 0.0)
    tasks = [asyncio.create_task(cache.get(f"a{number}", "evil")) for number in range(MAX_WAITING_PER_SOURCE + 4)]
    await turns()
    with pytest.raises(Unreachable):
        await cache.get("one more", "evil")
    tasks += [asyncio.create_task(cache.get(f"b{number}", f"s{number}")) for number in range(MAX_WAITING)]
    await turns()
    with pytest.raises(Unreachable):
        await cache.get("one more", "ann")
    await ended(*tasks)
    await cache.aclose()


async def test_a_question_is_not_asked_for_ever(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("guildnet_proxy.auth.ttl_cache.ASK_SECONDS", 0.01)
    cache = TtlCache(Asked(), clock=lambda: 0.0)
    with pytest.raises(Unreachable):
        await cache.get("a", "ann")
    await cache.aclose()


async def test_answers_of_no_do_not_push_out_good_ones():
    async def ask(key: str) -> str:
        return key

    cache = TtlCache(ask, clock=lambda: 0.0, capacity=2, believed=lambda answer: not answer.startswith("junk"))
    await cache.get("good")
    for number in range(5):
        await cache.get(f"junk{number}")
    assert cache.known("good") == "good"
    assert (cache.known("junk4"), cache.known("junk0")) == ("junk4", None)
    await cache.aclose()


def jwt(payload: bytes, signature: str = "c2ln") -> str:
    return f"e30.{base64.urlsafe_b64encode(payload).rstrip(b'=').decode()}.{signature}"


@pytest.mark.parametrize(
    "token",
    [jwt(b"[" * 5000), jwt(json.dumps({"aud": "guildnet"}).encode(), "\xff"), jwt(b'{"aud":' + b"[" * 5000)],
    ids=["nested", "not ASCII", "nested audience"],
)  # fmt: skip
def test_a_token_that_cannot_be_read_is_not_ours(token: str):
    assert bearer(head(f"Authorization: Bearer {token}"), "guildnet") is None


def test_a_nonce_that_is_not_ascii_redeems_nothing():
    sessions = Sessions(b"k" * 40, "i")
    who = Session(_identity(), 2000.0)
    ticket = sessions.ticket(who, "ws", "u", "ÿ" * 64, 1000.0)
    assert sessions.redeem(ticket, "ws", "n", LOCAL, 1000.0) is None


def _identity() -> Any:
    from guildnet.identity import Identity

    return Identity("user", "ann", "ann", (), (), "session", None)


def made(asked: list[str], now: float) -> Authenticator:
    async def review(token: str) -> TokenReview:
        asked.append(token)
        return TokenReview(authenticated=True, username="ann")

    return Authenticator(
        Sessions(b"k" * 40, "i"), audience="guildnet", admin="a:b", review=review, whois=None, clock=lambda: 0.0,
        wall=lambda: now,
    )  # fmt: skip


@pytest.mark.parametrize(("seconds", "is_asked"), [(-61, False), (-30, True), (60, True)])
async def test_nobody_is_asked_about_a_token_that_has_expired(seconds: int, is_asked: bool):
    asked: list[str] = []
    authenticator = made(asked, 1000.0)
    token = jwt(json.dumps({"aud": "guildnet", "exp": 1000 + seconds}).encode())
    found = authenticator.identify(head(f"Authorization: Bearer {token}"), TCP, CONTROL, None, "10.0.0.9")
    if is_asked:
        assert (await found).login == "ann"  # type: ignore[misc]
    else:
        with pytest.raises(Refusal) as refused:
            await found  # type: ignore[misc]
        assert refused.value.status == 401
    assert bool(asked) is is_asked
    await authenticator.aclose()


def test_an_index_that_was_never_listed_does_not_say_that_there_is_no_workspace():
    index = Index()
    assert not index.listed
