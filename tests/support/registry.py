"""A real registry of images (Debian's docker-registry) that keeps everything below one folder."""

from __future__ import annotations

import http.client
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path

import yaml

from support.process import Process, free_port
from support.waiting import until

PASSWORD = "correct horse"
# bcrypt, the one way the registry knows.
_HASH = "$2b$04$BWgXjG8rIGyKRifTbUde7.pafl82sw2gZA4RMl1ASJW.ajydjrNXe"


def configuration(directory: Path, address: str, *, user: str = "") -> dict[str, object]:
    """The registry's configuration. With a `user` nobody else may pull or push."""
    login = {"htpasswd": {"realm": "tests", "path": str(directory / "htpasswd")}} if user else {}
    return {
        "version": 0.1,
        "log": {"level": "warn", "accesslog": {"disabled": True}},
        "storage": {"filesystem": {"rootdirectory": str(directory / "data")}, "delete": {"enabled": False}},
        "http": {"addr": address},
        **({"auth": login} if login else {}),
    }


def command(directory: Path, address: str, *, user: str = "") -> Sequence[str]:
    """Write the configuration below `directory`; what serves by it."""
    directory.mkdir(parents=True, exist_ok=True)
    file = directory / "registry.yaml"
    file.write_text(yaml.safe_dump(configuration(directory, address, user=user)))
    (directory / "htpasswd").write_text(f"{user}:{_HASH}\n")
    return ["docker-registry", "serve", str(file)]


def answers(host: str) -> bool:
    """Whether a registry answers at HOST:PORT, without TLS and not through a proxy."""
    try:
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(f"http://{host}/v2/", timeout=2):
            return True
    except urllib.error.HTTPError as answer:
        with answer:
            return answer.code == 401
    except (OSError, http.client.HTTPException):
        return False


class Registry:
    """A registry on a loopback port."""

    def __init__(self, directory: Path, *, user: str = "") -> None:
        self.host = f"127.0.0.1:{free_port()}"
        self._process = Process(command(directory, self.host, user=user), directory / "registry.log")
        until(lambda: answers(self.host), "the registry answers", seconds=10)

    def stop(self) -> None:
        self._process.stop()
