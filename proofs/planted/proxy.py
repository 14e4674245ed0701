"""Faults of the proxy."""

from __future__ import annotations

from typing import Final

from proofs.planted.plant import Plant

PLANTS: Final = (
    Plant(
        "proxy-speed",
        "a profiler looks at every call",
        "services/proxy/src/guildnet_proxy/__main__.py",
        '    process.run("proxy", Settings, serve)\n',
        '    __import__("sys").setprofile(lambda *_: None)\n    process.run("proxy", Settings, serve)\n',
    ),
)
