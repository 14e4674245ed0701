"""How Hypothesis is used here: the same examples each time, and no verdict on how long one took."""

from __future__ import annotations

from typing import Final

import hypothesis

ARGUMENTS: Final = ("--hypothesis-profile=mutants", "-W", "ignore::pytest.PytestAssertRewriteWarning")
"""For pytest, once the profile is registered, for which Hypothesis has to be imported before pytest does it."""


def register() -> None:
    """A tracer and a busy machine slow examples down: a test that failed for that would tell nothing of a change."""
    hypothesis.settings.register_profile(
        "mutants", derandomize=True, database=None, deadline=None,
        suppress_health_check=[hypothesis.HealthCheck.too_slow],
    )  # fmt: skip
