"""What ends the handling of a message: Refusal, which its sender is told, and BrokenFraming of a body."""

from __future__ import annotations

from collections.abc import Sequence


class Refusal(Exception):  # noqa: N818  a refusal is an answer, not a malfunction
    """Ends the handling of a request with `status`; `close` when what follows on the connection cannot be trusted.

    `rule` is stable and goes to logs, metrics and audit; `message` is for a person and never names an address the
    caller did not send. `hidden` says of a 404 that the thing is there, and kept from this caller. `denial` is whether
    the caller was refused for who it is or where it comes from.
    """

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        rule: str = "",
        close: bool = False,
        conditions: Sequence[tuple[str, str, str, str]] = (),
        hidden: bool = False,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.rule = rule or code
        self.close = close
        self.conditions = tuple(conditions)
        self.denial = hidden or status in {401, 403}


def bad_request(message: str, rule: str) -> Refusal:
    """400 for a request whose bytes break the rules: what follows on the connection is not trusted either."""
    return Refusal(400, "bad_request", message, rule=rule, close=True)


class BrokenFraming(Exception):  # noqa: N818  says what is broken, as Refusal does
    """A body's own framing is not what it has to be; nothing after it on the connection can be trusted."""
