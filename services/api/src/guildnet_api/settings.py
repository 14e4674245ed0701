"""What the api can be told, each with its reason; read once, in `__main__`."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from guildnet import settings


class Settings(settings.Settings):
    """The api's settings on top of those every service has."""

    listen: str = Field(
        default="0.0.0.0:8080", pattern=r"^.*:\d{1,5}$", description="Address and port of the API, behind the proxy."
    )
    redis_url: str = Field(
        default="",
        pattern=r"^(|(redis|rediss|unix)://.+)$",
        description="Redis or Valkey for live logs between replicas; empty: each replica follows for itself.",
    )
    identity_key_file: Path = Field(
        default=Path("/etc/guildnet/keys/identity"), description="The key that the proxy signs identities with."
    )
    workspace_key_file: str = Field(
        default="",
        description="File with the key that passwords of workspaces are derived from; without one none is shown.",
    )
    lease_name: str = Field(
        default="", description="The operator's Lease, on which it says how far it is; empty: nothing is told of it."
    )
    entries_configmap: str = Field(
        default="", description="Where the proxy keeps the tailnet's name; empty: it is not told."
    )
    hostname: str = Field(
        default="", description="Name of this process in the leases of logs; the chart gives its pod's name."
    )
    ui_dir: Path | None = Field(default=None, description="Directory of the built UI; none: the API alone.")
    presets_file: Path | None = Field(default=None, description="JSON list of the images on offer.")
    access_default: Literal["open", "owner", "closed"] = Field(
        default="open", description="Who may do what while no Capability exists: everyone identified, owners, nobody."
    )
    direct_exposure: bool = Field(
        default=False,
        description="Tell UIs that a launch may ask for a way past the proxy; the operator consents to it.",
    )
    storage_default: Literal["auto", "on", "off"] = Field(
        default="off",
        description="Give a launch that says nothing of storage a volume; auto: where the cluster has a default class.",
    )
    storage_size: str = Field(default="10Gi", description="Size of that volume.")
    storage_class: str = Field(default="", description="Its storage class; empty: the cluster's default one.")
    storage_mount_path: str = Field(
        default="", description="Where it appears in the container; empty: /home/workspace, which is HOME then."
    )
    domain: str = Field(default="", description="Domain whose subdomains are workspace origins, where there is one.")
    log_lines: int = Field(
        default=5000,
        ge=100,
        le=100_000,
        description="Lines kept per container, in Redis and in memory, for tails and resumes.",
    )
    log_bytes: int = Field(
        default=4 * 1024 * 1024, ge=64 * 1024, description="Bytes of lines kept in memory per container and replica."
    )
    log_line_bytes: int = Field(default=16 * 1024, ge=256, description="A longer line is cut there, with a mark.")
    log_rate_bytes: int = Field(
        default=4 * 1024 * 1024,
        ge=64 * 1024,
        description="Bytes a second followed of one container; what comes faster is dropped, counted and announced.",
    )
    log_linger_seconds: float = Field(
        default=30.0, ge=0, description="How long a container is still followed after its last viewer left."
    )
    log_direct_follows: int = Field(
        default=50, ge=1, description="Containers one replica follows at most while Redis is absent or down."
    )
    slow_viewer_seconds: float = Field(
        default=15.0, gt=0, description="A viewer that takes nothing for so long is cut, with a hint where to resume."
    )

    limit_request_rate: float = Field(
        default=100.0, gt=0, description="Requests a second that one identity may send to a replica in the long run."
    )
    limit_request_burst: int = Field(
        default=1000, ge=1, description="Requests that one identity may send at once after it was quiet."
    )
    limit_requests: int = Field(
        default=64, ge=1, description="Requests of one identity that a replica answers at the same time."
    )
    limit_readings: int = Field(
        default=4, ge=1, description="Logs that are read for one identity as lists or files at the same time."
    )
    limit_streams: int = Field(default=32, ge=1, description="Streams that one identity may have open on a replica.")
    limit_searches: int = Field(default=8, ge=1, description="Streams of logs with a `q` among them.")

    @property
    def address(self) -> tuple[str, int]:
        host, _, port = self.listen.rpartition(":")
        return host.strip("[]") or "0.0.0.0", int(port)
