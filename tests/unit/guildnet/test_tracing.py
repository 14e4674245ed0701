"""Traces are off without an endpoint: then nothing of OpenTelemetry is loaded, and the packages may be missing."""

from __future__ import annotations

import subprocess
import sys

import pytest

from guildnet import tracing
from guildnet.errors import Invalid

TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


async def test_there_is_no_tracer_without_an_endpoint() -> None:
    async with tracing.tracer("api", "1", "") as tracer:
        assert tracer is None


@pytest.mark.parametrize("module", ["guildnet_api.run", "guildnet_proxy.app", "guildnet_operator.app"])
def test_a_service_loads_nothing_that_sends_spans(module: str) -> None:
    """redis-py loads what it finds of OpenTelemetry's interface by itself."""
    names = ("guildnet.tracing.otlp", "opentelemetry.exporter", "opentelemetry.sdk.trace", "google.protobuf")
    code = f"import sys, {module}; print([name for name in sys.modules if name.startswith({names})])"
    said = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert said.stdout == "[]\n"


async def test_an_endpoint_without_the_packages_is_a_bad_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry", None)
    monkeypatch.delitem(sys.modules, "guildnet.tracing.otlp", raising=False)
    monkeypatch.delattr(tracing, "otlp", raising=False)
    with pytest.raises(Invalid, match="build it with TRACES=yes"):
        async with tracing.tracer("api", "1", "http://127.0.0.1:4318"):
            pass


@pytest.mark.parametrize(
    ("text", "taken"),
    [
        (TRACEPARENT, True),
        (TRACEPARENT.replace("00-", "cc-", 1), True),
        (TRACEPARENT.replace("00-", "ff-", 1), False),
        (TRACEPARENT.upper(), False),
        (f"{TRACEPARENT}\n", False),
        (TRACEPARENT.replace("b7ad6b7169203331", "0" * 16), False),
        (TRACEPARENT.replace("0af7651916cd43dd8448eb211c80319c", "0" * 32), False),
        ("", False),
    ],
    ids=["version 0", "a later version", "no version", "upper case", "a line feed", "no span", "no trace", "nothing"],
)
def test_what_names_a_parent(text: str, taken: bool) -> None:
    assert tracing.accepts(text) is taken


def test_a_trace_is_known_by_its_id() -> None:
    assert tracing.trace_id(TRACEPARENT) == "0af7651916cd43dd8448eb211c80319c"
