"""What a build takes from this machine: its certificate authorities, and how it reaches package registries.

All of it goes into a build as secrets, mounted for single steps: none is in an image or decides its key. With hashes
for every package and signed Debian releases, where the bytes come from cannot change what they are.
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from guildnet_local.images.node import environment as npm_environment
from guildnet_local.images.node import npm

_BUNDLES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/cert.pem",
)
# Where the bundle is inside a build step.
CA_INSIDE = "/run/secrets/ca.pem"
_PIP_OPTIONS = ("index-url", "extra-index-url", "trusted-host", "proxy", "timeout", "default-timeout", "retries")
_NPM_OPTIONS = ("registry", "proxy", "https-proxy", "noproxy", "strict-ssl")
SUITE = "trixie"


def ca_bundle(environ: Mapping[str, str] = os.environ) -> Path | None:
    """The file of certificate authorities that this machine trusts."""
    named = (environ.get("SSL_CERT_FILE"), *_BUNDLES)
    return next((Path(path) for path in named if path and Path(path).is_file()), None)


def _said(*command: str, env: Mapping[str, str] | None = None) -> str:
    """The output of a command, empty when it fails or is not there: what it tells is a preference, not a need."""
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=60, stdin=subprocess.DEVNULL, env=env
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout if done.returncode == 0 else ""


def _pip_options(listed: str) -> dict[str, str]:
    """What `pip config list` says about reaching an index; the environment wins, as in pip."""
    found: dict[str, str] = {}
    for line in sorted(listed.splitlines(), key=lambda line: line.startswith(":env:")):
        name, _, value = line.partition("=")
        option = name.rpartition(".")[2]
        if option in _PIP_OPTIONS:
            # pip prints a value as a Python string; several URLs stand on lines of their own.
            found[option] = value.strip().strip("'\"").replace("\\n", " ").strip()
    return found


@cache
def listed_by_pip() -> str:
    """What `pip config list` says. Every image asks, and pip takes half a second to tell."""
    return _said(sys.executable, "-m", "pip", "config", "list")


def pip_configuration(listed: str) -> str:
    """A pip.conf with what `pip config list` says about reaching an index."""
    return "\n".join(
        ["[global]", *(f"{option} = {value}" for option, value in sorted(_pip_options(listed).items())), ""]
    )


def uv_configuration(listed: str) -> str:
    """A uv.toml that says the same. uv takes proxies and patience from the environment only."""
    found = _pip_options(listed)
    lines = [f"index-url = {json.dumps(found['index-url'])}"] if "index-url" in found else []
    lists = (("extra-index-url", "extra-index-url"), ("allow-insecure-host", "trusted-host"))
    lines += [f"{name} = {json.dumps(found[option].split())}" for name, option in lists if option in found]
    return "\n".join([*lines, ""])


def npm_configuration(listed: str) -> str:
    """An .npmrc with what `npm config list --json` says about reaching a registry."""
    try:
        known = json.loads(listed)
    except ValueError:
        known = {}
    kept = [f"{option}={str(known[option]).lower()}" for option in _NPM_OPTIONS if known.get(option) not in (None, "")]
    return "\n".join([*kept, f"cafile={CA_INSIDE}", ""])


def dumped_apt() -> str:
    """What `apt-config dump` says on this machine."""
    return _said("apt-config", "dump")


def proxy_lines(dumped: str) -> list[str]:
    """The lines of `apt-config dump` that name a proxy."""
    return [line for line in dumped.splitlines() if re.match(r'Acquire::https?::[Pp]roxy\b\S* ".+";', line)]


def apt_configuration(dumped: str) -> str:
    """An apt.conf for build steps with this machine's proxies and certificate authorities."""
    return "\n".join([*proxy_lines(dumped), f'Acquire::https::CaInfo "{CA_INSIDE}";', ""])


@dataclass(frozen=True, slots=True)
class Mirrors:
    """Where Debian is fetched from: the archive and the security archive; None is Debian's default."""

    archive: str | None = None
    security: str | None = None

    def sources(self, suite: str = SUITE) -> str:
        """Lines for sources.list; empty when the default is to be used."""
        if self.archive is None:
            return ""
        lines = [f"deb {self.archive} {suite} main", f"deb {self.archive} {suite}-updates main"]
        if self.security is not None:
            lines.append(f"deb {self.security} {suite}-security main")
        return "\n".join([*lines, ""])


def mirrors(targets: Iterable[str]) -> Mirrors:
    """The mirrors out of lines `label|URI` of `apt-get indextargets`.

    The label comes from the release file, so a mirror counts by what it holds, not by what it is called. A machine
    whose lists were never fetched has no labels, one that is not Debian has others: both use Debian's default.
    """
    archive = security = None
    for line in targets:
        label, _, uri = line.rstrip("/").partition("|")
        if label == "Debian":
            archive = archive or uri
        elif label == "Debian-Security":
            security = security or uri
    return Mirrors(archive, security)


def debian_mirrors() -> Mirrors:
    """The mirrors that this machine's apt uses."""
    form = "$(LABEL)|$(REPO_URI)"
    return mirrors(_said("apt-get", "indextargets", "--format", form, "Created-By: Packages").splitlines())


def secrets(dockerfile: str, directory: Path, environ: Mapping[str, str] = os.environ) -> dict[str, Path]:
    """Secret name → file, for the secrets that the text of a Dockerfile mounts.

    What has to be written goes into `directory`. npm takes a second to say what it is configured to, so it is only
    asked where it matters.
    """
    bundle = ca_bundle(environ)
    configurations = {
        "pip": lambda: pip_configuration(listed_by_pip()),
        "uv": lambda: uv_configuration(listed_by_pip()),
        "npm": lambda: npm_configuration(_said(*npm("config", "list", "--json"), env=npm_environment(environ, bundle))),
        "apt": lambda: apt_configuration(dumped_apt()),
    }
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = {}
    for name in (name for name in configurations if f"id={name}," in dockerfile):
        path = directory / name
        path.write_text(configurations[name]())
        path.chmod(0o600)
        found[name] = path
    return found | ({"ca": bundle} if bundle and "id=ca," in dockerfile else {})
