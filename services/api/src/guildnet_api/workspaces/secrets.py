"""Secrets in launches, patches and answers: what is masked, and what the mask means when it is sent back. Pure.

A secret env value is stored in a Secret and shown as MASK; arguments are shown with their secrets masked. A client that
sends back what it was shown means the value behind it; where there is none the mask is refused, so it is never stored.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from guildnet.errors import FieldError, Invalid
from guildnet.sensitive import MASK, is_secret, masked_arguments
from guildnet_api.workspaces.spec import EnvValue

_REASON = f"{MASK} stands for a value that is not shown; give the value itself"


def is_kept_secret(name: str, given: EnvValue) -> bool:
    """Whether a variable is stored in a Secret: said so, or recognised by its name or value."""
    return given.secret or is_secret(name, given.value)


def unmasked_env(sent: Mapping[str, EnvValue], held: Mapping[str, EnvValue]) -> dict[str, EnvValue]:
    """The variables sent, a mask replaced by the value held under its name. Raises Invalid where there is none."""
    wrong = [name for name, item in sent.items() if item.value == MASK and name not in held]
    if wrong:
        raise refusal(tuple(f"env.{name}" for name in wrong))
    return {name: held[name] if item.value == MASK else item for name, item in sent.items()}


def unmasked_arguments(sent: Sequence[str], held: Sequence[str], field: str = "args") -> list[str]:
    """The arguments sent, a masked one replaced by the one held that is shown so.

    Raises Invalid where there is none.
    """
    behind: defaultdict[str, list[str]] = defaultdict(list)
    for shown, argument in zip(masked_arguments(held), held, strict=True):
        behind[shown].append(argument)
    found, wrong = [], []
    for index, argument in enumerate(sent):
        if MASK not in argument:
            found.append(argument)
        elif behind[argument]:
            found.append(behind[argument].pop(0))
        else:
            wrong.append(f"{field}[{index}]")
    if wrong:
        raise refusal(tuple(wrong))
    return found


def refusal(fields: Sequence[str]) -> Invalid:
    details = tuple(FieldError(field, _REASON) for field in fields)
    return Invalid(f"The specification is not valid: see {', '.join(fields)}.", code="invalid_spec", details=details)
