"""Only the very answer the upstream gave counts; anything else voids the round."""

from __future__ import annotations

import hashlib

import pytest

from proofs.bench import small
from proofs.bench.small import ANSWER, BODY, WrongAnswerError, complete


def test_the_body_is_one_kilobyte_and_has_the_published_digest():
    assert len(BODY) == 1024
    assert hashlib.sha256(BODY).hexdigest() == small.SHA256


def test_the_answer_is_complete_only_with_its_last_byte():
    assert complete(ANSWER)
    assert not any(complete(ANSWER[:size]) for size in range(len(ANSWER)))


def test_header_names_may_come_in_any_case():
    assert complete(ANSWER.replace(b"Content-Length", b"content-length"))


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        pytest.param(ANSWER.replace(b"200 OK", b"502 Bad Gateway"), "status 502", id="not 2xx"),
        pytest.param(ANSWER.replace(b"Content-Length: 1024\r\n", b""), "no Content-Length", id="no length"),
        pytest.param(ANSWER.replace(b"1024", b"1000"), "1000 bytes announced", id="short"),
        pytest.param(ANSWER[:-1] + b"!", "another body", id="changed"),
        pytest.param(ANSWER + b"!", "another body", id="more than asked for"),
    ],
)
def test_any_other_answer_voids_the_round(answer, fault):
    with pytest.raises(WrongAnswerError, match=fault):
        complete(answer)


def test_the_request_is_one_head_that_names_host_and_cookie():
    data = small.request("bench.guildnet.localhost:8080", "session=abc")
    assert data.count(b"\r\n\r\n") == 1
    assert data.endswith(b"; session=abc\r\n\r\n")
    assert b"\r\nHost: bench.guildnet.localhost:8080\r\n" in data
