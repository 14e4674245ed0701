"""A memo is bounded, never stops learning, and keeps what is asked for."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from guildnet_proxy.memo import Memo


def test_what_is_asked_for_stays_however_much_comes_in_between() -> None:
    memo: Memo[int, str] = Memo(10)
    memo.put(-1, "kept")
    for number in range(1000):
        memo.put(number, "new")
        if number % 4 == 0:
            assert memo.get(-1) == "kept"
    assert memo.get(999) == "new"
    assert memo.get(1) is None


@given(st.lists(st.tuples(st.binary(max_size=12), st.booleans()), max_size=200))
def test_it_holds_no_more_than_its_room_and_never_a_wrong_value(steps: list[tuple[bytes, bool]]) -> None:
    memo: Memo[bytes, bytes] = Memo(20, len)
    for key, puts in steps:
        if puts:
            memo.put(key, b"value of " + key)
            assert memo.get(key) == (b"value of " + key if len(key) <= 10 else None)
        assert memo.get(key) in {None, b"value of " + key}
        assert sum(len(known) for known in {*memo.young, *memo._old}) <= 20


def test_the_last_value_counts() -> None:
    memo: Memo[str, int] = Memo(4)
    memo.put("a", 1)
    memo.put("b", 1)
    memo.put("c", 1)
    memo.put("a", 2)
    assert memo.get("a") == 2
    memo.clear()
    assert (memo.get("a"), len(memo)) == (None, 0)
