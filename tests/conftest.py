"""What every ring shares: the switch that rewrites golden files."""

from __future__ import annotations

import sys

import pytest
import structlog

# Where no service configures it, structlog draws each exception with all local variables, which takes seconds.
structlog.configure(
    processors=[
        *structlog.get_config()["processors"][:-1],
        structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback),
    ]
)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="rewrite the expected files instead of comparing")


def pytest_collection_finish() -> None:
    """Hypothesis makes a table of all characters at the first text it draws, which its health check finds slow.

    It keeps the table on disk, one for each version of Unicode, so this costs two seconds once for each Python."""
    if "hypothesis" in sys.modules:
        from hypothesis.internal.charmap import charmap

        charmap()


@pytest.fixture(scope="session")
def update_golden(request: pytest.FixtureRequest) -> bool:
    return bool(request.config.getoption("--update-golden"))
