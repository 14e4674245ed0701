"""Only the very answer the upstream gave counts; anything else voids the round."""

from __future__ import annotations

import hashlib

import pytest

from proofs.bench import bodies
from proofs.bench.bodies import BODY, WrongAnswerError, complete
from proofs.bench.upstream import accept, unmasked

ANSWER = bodies.answer(BODY)


def test_bodies_have_the_sizes_that_their_scenarios_are_named_after():
    assert (len(BODY), len(bodies.MID), len(bodies.BLOCK)) == (1024, 102_400, 1 << 20)


def test_the_answer_is_complete_only_with_its_last_byte():
    assert complete(ANSWER, BODY)
    assert not any(complete(ANSWER[:size], BODY) for size in range(len(ANSWER)))


def test_header_names_may_come_in_any_case():
    assert complete(ANSWER.replace(b"Content-Length", b"content-length"), BODY)


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
        complete(answer, BODY)


def test_the_request_is_one_head_that_names_host_and_cookie():
    data = bodies.request("bench.guildnet.localhost:8080", "session=abc", "/api")
    assert data.count(b"\r\n\r\n") == 1
    assert data.endswith(b"; session=abc\r\n\r\n")
    assert b"\r\nHost: bench.guildnet.localhost:8080\r\n" in data


def test_a_body_of_repeated_blocks_is_hashed_as_a_whole():
    assert bodies.repeated(2 * len(bodies.BLOCK)) == hashlib.sha256(bodies.BLOCK * 2).hexdigest()


def test_the_chunks_of_a_block_are_the_block():
    chunk = b"%x\r\n" % bodies.PIECE
    pieces = bodies.CHUNKED_BLOCK.split(chunk)
    assert b"".join(piece[:-2] for piece in pieces) == bodies.BLOCK


def test_a_message_comes_back_whatever_it_was_masked_with():
    mask = b"\x01\x80\xff\x07"
    masked = bytes(byte ^ mask[at % 4] for at, byte in enumerate(BODY[:64]))
    assert unmasked(bodies.FRAME) == BODY[:64]
    assert unmasked(bodies.FRAME[:2] + mask + masked) == BODY[:64]


def test_the_handshake_is_accepted_as_the_rfc_has_it():
    assert accept(b"dGhlIHNhbXBsZSBub25jZQ==") == b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
