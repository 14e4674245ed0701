"""Every bound of the engine, in bytes, seconds or a count, as one value that whoever opens a Server makes.

docs/proxy.md shows them: a field's first sentence says what it bounds and in which unit, the rest why it is what it is.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Deadlines are enforced once every `sweep_seconds`, so an end may come that much later."""

    # ---- requests ---------------------------------------------------------------------------------------------------

    connections: int = 16_384
    """Client connections in all, upgraded ones among them. One more is closed at once, before it costs anything."""

    connections_per_address: int = 8_192
    """Client connections from one address. Half of all: an ingress brings everybody from one. None on the sidecar's."""

    head_bytes: int = 32 * 1024
    """A request's header block, bytes. As much as nginx takes in all (4 buffers of 8 KiB)."""

    head_fields: int = 94
    """Header fields of a request. Browsers send about 20; with six of ours it is what Apache and HAProxy take."""

    known_heads_bytes: int = 8 * 1024 * 1024
    """Field blocks of requests that are remembered, bytes of memory. About 1,600 of a browser's; a page asks with some
    dozens."""

    head_seconds: float = 10.0
    """A request's head, seconds from its first byte. Heads come in one packet; who needs longer holds us open."""

    idle_seconds: float = 55.0
    """An idle client connection, seconds. nginx's default keepalive_timeout is 75; here all are gone in a minute."""

    pipelined_bytes: int = 64 * 1024
    """Pipelined behind a request that is not answered yet, bytes. Dozens of heads; reading pauses beyond."""

    heads_a_turn: int = 2
    """Heads of one connection handled at once. Behind them everybody else has a turn; browsers do not pipeline."""

    turns_at_once: int = 1
    """Connections that are behind and have their turn at once. One: between two of them everybody else is served."""

    decide_seconds: float = 20.0
    """Deciding about a request, seconds. Above what a TokenReview, whois and a name's addresses may take."""

    body_bytes_a_second: int = 1024
    """Pace of a request's body after its grace, bytes a second. Twice what Apache's mod_reqtimeout asks for."""

    body_grace_seconds: float = 20.0
    """Grace before a body's pace counts, seconds. Apache's mod_reqtimeout gives a body 20 s to begin."""

    held_body_bytes: int = 64 * 1024
    """Of a request's body, held while its upstream is connected to, bytes. Reading pauses beyond."""

    chunk_overhead_bytes: int = 32 * 1024
    """Extensions and trailers of a chunked body, bytes. As a header block: what they say is dropped."""

    chunks_a_turn_bytes: int = 16 * 1024
    """Of a chunked body with tiny chunks, taken apart at once, bytes. At most 3,000 chunks, about 10 ms of the loop."""

    linger_seconds: float = 2.0
    """Reading on after a last answer, seconds. RFC 9112 9.6: closing at once could reset the answer away."""

    linger_bytes: int = 1024 * 1024
    """Reading on after a last answer, bytes. What was on its way when the answer was written, not a whole upload."""

    unread_seconds: float = 30.0
    """A full buffer whose reader does not empty it, seconds. 64 KiB: whoever takes 2 KiB a second is never cut."""

    closing_seconds: float = 10.0
    """Closing, until what is written is read, seconds. Then the connection is reset, however much is unsent."""

    # ---- upstreams --------------------------------------------------------------------------------------------------

    connect_seconds: float = 5.0
    """Connecting to an upstream, seconds. Upstreams are in the same cluster; SYNs are repeated after 1 and 3 s."""

    connect_in_all_seconds: float = 12.0
    """Connecting for one request, however many addresses its upstream has, seconds. Two that do not answer."""

    first_byte_seconds: float = 60.0
    """First byte of an answer, seconds. Setting `FIRST_BYTE_SECONDS`; nginx's proxy_read_timeout is as long."""

    response_head_bytes: int = 64 * 1024
    """An upstream's header block, bytes. Twice a request's: workspaces set many cookies."""

    interim_heads: int = 16
    """Interim answers (1xx) before the final one. Honest servers send one or two."""

    spliced_bytes: int = 512 * 1024
    """Missing of a body of known length for the kernel to carry it, bytes. Below, setting up costs what it saves."""

    pipes: int = 16
    """Bodies that the kernel carries at once. A pipe holds 1 MiB; a user may have 64 MiB of them. Others are copied."""

    stream_idle_seconds: float = 3600.0
    """An answer without a byte, seconds. Events of a quiet page may be an hour apart."""

    relay_idle_seconds: float = 3600.0
    """An upgraded connection without a byte, seconds. As an answer's."""

    half_closed_seconds: float = 30.0
    """An upgraded connection one of whose ends has closed its side, without a byte, seconds. WebSockets never do so."""

    pooled_per_place: int = 64
    """Idle connections kept to one address. More than a busy page opens at once."""

    pooled_seconds: float = 30.0
    """An idle connection to an upstream, seconds. nginx and aiohttp keep theirs for 75; a dead one is replaced."""

    pooled_fresh_seconds: float = 1.0
    """An idle connection for a request that must not be repeated, seconds. So young that nobody is closing it yet."""

    # ---- the process ------------------------------------------------------------------------------------------------

    drain_delay_seconds: float = 0.0
    """Not ready but still listening at shut-down, seconds. Setting `DRAIN_DELAY_SECONDS`: until endpoints are gone."""

    drain_seconds: float = 5.0
    """Requests and upgraded connections live on at shut-down, seconds. Setting `DRAIN_SECONDS`; then they are ended."""

    goodbye_seconds: float = 5.0
    """Of that, telling WebSockets to leave (1001), seconds. One after the other: all would come back in one moment."""

    sweep_seconds: float = 1.0
    """Between two looks at the deadlines, seconds. One pass over all connections: often enough, and cheap."""
