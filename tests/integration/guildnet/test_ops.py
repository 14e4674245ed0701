"""The ops listener over a real socket."""

from __future__ import annotations

import aiohttp
from prometheus_client import Counter

from guildnet.telemetry import Health, make_registry, serve_ops


async def test_probes_and_metrics_are_served_and_the_port_is_given_back() -> None:
    health, registry, state = Health(), make_registry(), {"ready": False}
    health.add("cache", lambda: state["ready"] or "still filling")
    Counter("guildnet_things", "Things.", registry=registry).inc()
    async with aiohttp.ClientSession() as session:
        async with serve_ops(0, health, registry, host="127.0.0.1") as port:
            url = f"http://127.0.0.1:{port}"
            async with session.get(f"{url}/healthz") as answer:
                assert (answer.status, await answer.text()) == (200, "ok")
            async with session.get(f"{url}/readyz") as answer:
                assert answer.status == 503
                assert (await answer.json())["checks"] == {"cache": {"ok": False, "message": "still filling"}}
            async with session.get(f"{url}/readyz/cache") as answer:
                assert (answer.status, await answer.text()) == (503, "still filling\n")
            async with session.get(f"{url}/readyz/other") as answer:
                assert answer.status == 404
            state["ready"] = True
            async with session.get(f"{url}/readyz/cache") as answer:
                assert (answer.status, await answer.text()) == (200, "ok\n")
            async with session.get(f"{url}/readyz") as answer:
                assert answer.status == 200
            async with session.get(f"{url}/metrics") as answer:
                text = await answer.text()
            assert "guildnet_things_total 1.0" in text
            assert "process_cpu_seconds_total" in text
            asked = {"Accept": "application/openmetrics-text;version=1.0.0,text/plain;q=0.5", "Accept-Encoding": "gzip"}
            async with session.get(f"{url}/metrics", headers=asked) as answer:
                assert answer.headers["Content-Type"].startswith("application/openmetrics-text; version=1.0.0")
                assert answer.headers["Content-Encoding"] == "gzip"
                assert (await answer.text()).endswith("# EOF\n")
        async with serve_ops(port, Health(), host="127.0.0.1") as again:
            assert again == port
