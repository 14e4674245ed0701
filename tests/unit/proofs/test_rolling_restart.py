"""The rolling restart is met only where no request and no WebSocket failed, and the closes came late and staggered."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from proofs import rolling_restart
from proofs.rolling.play import Plan, Played, Restarted
from proofs.rolling.requests import Asked
from proofs.rolling.sockets import Closed, Held

PLAN = Plan(sockets=20, requests=100, delay=2.0, grace=10.0, quick_users=1)
EVEN = [Closed("one", 7.0 + number / 8, 1001) for number in range(20)]
OTHER = [Closed("two", 7.0 + number / 8, 1001) for number in range(20)]


def played(closed: list[Closed] | None = None) -> Played:
    held = Held(open=0, echoes=50, closed=EVEN + OTHER if closed is None else closed)
    return Played(Asked(100), held, 20, [Restarted("one", 10.0), Restarted("two", 10.0)], Counter({1001: 40}), ())


def failed(found: Played, *, requests: tuple[str, ...] = (), sockets: tuple[str, ...] = ()) -> Played:
    found.asked.failures.extend(requests)
    found.held.failures.extend(sockets)
    return found


def test_it_is_met_where_nobody_was_failed():
    figure = rolling_restart.judged(played(), PLAN)
    assert figure.met
    assert "100 requests (≥ 100), 0 failed (0); 20 WebSockets" in figure.text
    assert "20 over 2.4 s and 20 over 2.4 s" in figure.text


@pytest.mark.parametrize(
    "found",
    [
        pytest.param(failed(played(), requests=("reset",)), id="a request failed"),
        pytest.param(failed(played(), sockets=("no echo",)), id="a WebSocket failed"),
        pytest.param(replace(played(), asked=Asked(99)), id="too few requests"),
        pytest.param(replace(played(), there=19), id="a WebSocket did not come back"),
        pytest.param(played([*EVEN, *OTHER, Closed("one", 6.9, 1001)]), id="closed before the grace period was over"),
        pytest.param(played([*EVEN, *OTHER, Closed("one", None, 1001)]), id="closed without a restart"),
        pytest.param(played([*EVEN, *OTHER, Closed("one", 8.0, 1000)]), id="closed by another code"),
        pytest.param(played([*EVEN, *OTHER, Closed("one", 8.0, None)]), id="closed without a close frame"),
        pytest.param(played([*EVEN, *[replace(one, after=8.0) for one in OTHER]]), id="closed in one moment"),
        pytest.param(
            played([*EVEN, *[replace(one, after=7.0) for one in OTHER[:-1]], OTHER[-1]]), id="all but one in one moment"
        ),
        pytest.param(played(EVEN), id="a restart that closed nothing"),
        pytest.param(replace(played(), faults=("Traceback",)), id="a fault in a log"),
        pytest.param(replace(played(), restarts=[Restarted("one", 10.0), Restarted("two", 15.1)]), id="ended too late"),
    ],
)
def test_it_is_missed_where_anything_is_wrong(found: Played):
    assert not rolling_restart.judged(found, PLAN).met
