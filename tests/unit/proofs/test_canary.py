"""A fault of the canary comes only when everybody reads: a stream each, and new lines since the fault before."""

from __future__ import annotations

import pytest

from proofs.canary.readers import Reader
from proofs.log_canary import Progress


def reader(last: int, *, connected: bool = True) -> Reader:
    return Reader("a", last=last, connected=connected)


def test_everybody_has_to_have_a_stream_and_new_lines():
    readers = [reader(5), reader(7)]
    progress = Progress(readers, 100)
    assert progress()
    assert not progress(), "nothing came since"
    readers[0].last = 6
    assert not progress(), "nothing came to one of them"
    readers[1].last = 8
    readers[1].connected = False
    assert not progress(), "one of them has no stream"
    readers[1].connected = True
    assert progress()


def test_faults_after_the_last_line_prove_nothing():
    with pytest.raises(AssertionError, match="the lines ended"):
        Progress([reader(100), reader(100)], 100)()


def test_a_line_is_counted_for_what_it_is():
    found = reader(0)
    for text in ("n=1", "n=2", "n=2", "n=5"):
        found.line(text)
    found.gap()
    found.line("xxxxn=9")
    assert (found.duplicates, found.disorder, found.unannounced, found.gaps, found.missing(9)) == (1, 0, 1, 1, 5)
