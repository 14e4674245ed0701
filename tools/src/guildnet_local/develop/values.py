"""The chart's values by which the services run a checkout's Python and the UI comes from a development server. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from guildnet_local.settings import NODE_IP

SERVICES = ("api", "proxy", "operator")
LIBRARY = "libs/guildnet/src"
UI_PORT = 5173
UI_ORIGIN = f"http://{NODE_IP}:{UI_PORT}"


def source(service: str) -> str:
    """Where a service's Python is in the checkout."""
    return f"services/{service}/src"


def with_sources(values: Mapping[str, Any], checkout: Path) -> dict[str, Any]:
    """The values with the checkout's folders mounted into each service, before what its image holds.

    The proxy's data path is then Python, as it is in the folder, not compiled as in the image.
    """
    mounted = {service: {**values.get(service, {}), **_mounts(service, checkout)} for service in SERVICES}
    entries = {**values.get("entries", {}), "uiDevOrigin": UI_ORIGIN}
    return {**values, **mounted, "entries": entries}


def _mounts(service: str, checkout: Path) -> dict[str, Any]:
    folders = {"source": source(service), "library": LIBRARY}
    return {
        "extraVolumes": [
            {"name": name, "hostPath": {"path": str(checkout / folder), "type": "Directory"}}
            for name, folder in folders.items()
        ],
        "extraVolumeMounts": [
            {"name": name, "mountPath": f"/checkout/{name}", "readOnly": True} for name in folders
        ],
        "extraEnv": [{"name": "PYTHONPATH", "value": ":".join(f"/checkout/{name}" for name in folders)}],
    }  # fmt: skip
