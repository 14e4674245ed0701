"""Logs as one stream of lines, health as named checks."""

from __future__ import annotations

import asyncio
import json
import logging
import secrets
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from guildnet import telemetry
from guildnet.telemetry import Health, configure_logging, logger


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = handlers, level
    structlog.reset_defaults()


def written(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_our_lines_and_those_of_libraries_have_the_same_shape(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("api", "info", "json")
    logger.info("workspace created", workspace="a")
    logging.getLogger("aiohttp.access").warning("odd %s", "thing")
    ours, theirs = written(capsys)
    assert (ours["event"], ours["service"], ours["level"], ours["workspace"]) == (
        "workspace created",
        "api",
        "info",
        "a",
    )
    assert (theirs["event"], theirs["service"], theirs["level"]) == ("odd thing", "api", "warning")
    assert theirs["logger"] == "aiohttp.access"
    assert ours["timestamp"].endswith("Z")


def test_lines_below_the_level_are_not_written(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("api", "warning", "json")
    logger.info("quiet")
    logging.getLogger("x").info("quiet")
    logger.error("loud")
    assert [line["event"] for line in written(capsys)] == ["loud"]


def test_an_exception_is_one_line_of_json(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("api")
    try:
        raise ValueError("boom")
    except ValueError:
        logger.exception("failed")
    (line,) = written(capsys)
    assert line["exception"][0]["exc_type"] == "ValueError"


def test_an_exception_never_shows_local_variables(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("api")
    password = secrets.token_hex(8)
    try:
        raise ValueError("boom")
    except ValueError:
        logger.exception("failed")
    out = capsys.readouterr().out
    assert "boom" in out
    assert password not in out


def test_for_a_terminal_lines_are_text(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("api", "debug", "console")
    logger.debug("hello", answer=42)
    out = capsys.readouterr().out
    assert "hello" in out
    assert not out.startswith("{")


async def test_every_check_is_asked_and_named() -> None:
    async def fine() -> None: ...

    async def raises() -> bool:
        raise ConnectionError("redis is away")

    health = Health()
    health.add("sync", lambda: True)
    health.add("nothing", lambda: None)
    health.add("async", fine)
    health.add("false", lambda: False)
    health.add("text", lambda: "12 s old")
    health.add("raises", raises)
    report = await health.report()
    assert not report.ok
    assert report.checks == {
        "sync": None,
        "nothing": None,
        "async": None,
        "false": "not ready",
        "text": "12 s old",
        "raises": "redis is away",
    }
    assert report.as_json()["checks"]["raises"] == {"ok": False, "message": "redis is away"}


async def test_without_any_check_a_process_is_ready() -> None:
    assert (await Health().report()).as_json() == {"status": "ok", "checks": {}}


async def test_a_check_that_hangs_is_not_healthy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(telemetry, "CHECK_TIMEOUT", 0.05)

    async def hangs() -> None:
        await asyncio.Event().wait()

    health = Health()
    health.add("hangs", hangs)
    problem = (await health.report()).checks["hangs"]
    assert problem is not None
    assert "no answer" in problem


def test_a_name_is_taken_once() -> None:
    health = Health()
    health.add("a", lambda: True)
    with pytest.raises(ValueError, match="already"):
        health.add("a", lambda: True)
