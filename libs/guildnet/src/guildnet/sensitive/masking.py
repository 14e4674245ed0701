"""Text with its secrets masked, as it may be shown. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

from guildnet.sensitive.recognition import URL_PASSWORD, is_secret_name

MASK: Final = "********"
"""Shown in place of a secret."""

_OPTION: Final = re.compile(r"(-{0,2})([A-Za-z_][\w.-]*)([=:])(.+)", re.DOTALL)
_FLAG: Final = re.compile(r"--?([A-Za-z_][\w.-]*)")


def without_passwords(text: str) -> str:
    """The text with the passwords of its URLs masked."""
    return URL_PASSWORD.sub(rf"\1:{MASK}@", text)


def masked_arguments(arguments: Iterable[str]) -> Iterator[str]:
    """Arguments of a command with their secrets masked: `--password=x`, `--password x`, `TOKEN=x`, `x://u:p@host`."""
    awaited = False
    for argument in arguments:
        flag = _FLAG.fullmatch(argument)
        if awaited and flag is None:
            yield MASK
        else:
            yield _masked_argument(argument)
        awaited = flag is not None and is_secret_name(flag[1])


def _masked_argument(argument: str) -> str:
    option = _OPTION.fullmatch(argument)
    if option and is_secret_name(option[2]) and not option[4].startswith("//"):
        return f"{option[1]}{option[2]}{option[3]}{MASK}"
    return without_passwords(argument)
