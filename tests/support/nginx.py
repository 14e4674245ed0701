"""nginx in the foreground: everything it writes is below one folder, and it logs no request."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

_CONFIGURATION = """\
{main}
daemon off;
pid {directory}/nginx.pid;
error_log stderr;
events {{ worker_connections {connections}; }}
http {{
  access_log off;
  keepalive_requests 1000000000;
  client_body_temp_path {directory}/body;
  proxy_temp_path {directory}/proxy;
  fastcgi_temp_path {directory}/fastcgi;
  uwsgi_temp_path {directory}/uwsgi;
  scgi_temp_path {directory}/scgi;
{http}
}}
"""


def program() -> str | None:
    """Where nginx is, None where it is not installed."""
    return shutil.which("nginx", path=os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/sbin")))


def command(directory: Path, *, main: str, connections: int, http: str) -> list[str]:
    """Write `nginx.conf` with these directives of its main and http contexts; what starts nginx with it."""
    configuration = directory / "nginx.conf"
    configuration.write_text(_CONFIGURATION.format(directory=directory, main=main, connections=connections, http=http))
    return [program() or "nginx", "-e", "stderr", "-p", str(directory), "-c", str(configuration)]
