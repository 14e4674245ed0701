"""The bill of materials of an image, CycloneDX JSON: which packages are in it, read off the image and its inputs.

Debian packages come from dpkg's status, Python's from their metadata, npm's from each package.json and, for what is
bundled into the UI, its lock file, Go modules from what the compiler writes into every program. Pure but for
`of_programs` and `of_host_files`, which ask `go` and `dpkg-query`. It holds no time and no place, so equal images
have equal bills.
"""

import email
import json
import re
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

SPEC_VERSION = "1.6"
_STATUS = "var/lib/dpkg/status"
_METADATA = re.compile(r"\.dist-info/METADATA$")
_NPM = re.compile(r"(?:^|/)node_modules/(?:@[^/]+/)?[^/]+/package\.json$")


@dataclass(frozen=True, slots=True, order=True)
class Component:
    """One package: `kind` is that of its purl (deb, pypi, npm, golang)."""

    kind: str
    name: str
    version: str
    license: str = ""

    @property
    def purl(self) -> str:
        """The package URL, which scanners look vulnerabilities up by."""
        path = "/".join(quote(part, safe="") for part in self.name.split("/"))
        namespace = "debian/" if self.kind == "deb" else ""
        return f"pkg:{self.kind}/{namespace}{path}@{quote(self.version, safe='')}"

    def as_json(self) -> dict[str, Any]:
        told = {"type": "library", "bom-ref": self.purl, "name": self.name, "version": self.version, "purl": self.purl}
        return told | ({"licenses": [{"license": {"name": self.license}}]} if self.license else {})


def wanted(path: str) -> bool:
    """Whether a file of an image says which packages are in it."""
    return path == _STATUS or bool(_METADATA.search(path) or _NPM.search(path))


def of_image(files: Mapping[str, bytes]) -> Iterator[Component]:
    """What the files of an image say (path → content)."""
    for path, content in files.items():
        if path == _STATUS:
            yield from of_dpkg(content.decode())
        elif _METADATA.search(path):
            said = email.message_from_bytes(content)
            yield Component(
                "pypi", str(said["Name"]).lower().replace("_", "-"), str(said["Version"]), _license(dict(said))
            )
        elif _NPM.search(path):
            yield from _of_package_json(content)


def of_dpkg(status: str) -> Iterator[Component]:
    """The installed packages of dpkg's status file."""
    for paragraph in status.split("\n\n"):
        fields = dict(re.findall(r"^(Package|Version|Status): (.+)$", paragraph, re.MULTILINE))
        if fields.get("Status", "").endswith(" installed"):
            yield Component("deb", fields["Package"], fields["Version"])


def of_npm_lock(lock: bytes) -> Iterator[Component]:
    """What a package-lock.json installs for run time."""
    for path, package in json.loads(lock)["packages"].items():
        if path and not package.get("dev") and "version" in package:
            name = path.rpartition("node_modules/")[2]
            yield Component("npm", name, package["version"], str(package.get("license", "")))


def of_go(said: str) -> Iterator[Component]:
    """What `go version -m PROGRAM` says: the modules that were compiled in, and Go itself."""
    found: dict[str, str] = {}
    last = ""
    for line in said.splitlines():
        if release := re.fullmatch(r"\S.*: go(\d\S*)", line):
            found["stdlib"] = release[1]
        kind, name, version, *_ = (*line.strip("\t").split("\t"), "", "")
        if kind in {"mod", "dep"}:
            last = name
            found[name] = version
        elif kind == "=>":
            found.pop(last, None)
            found[name] = version
    return (Component("golang", name, version) for name, version in found.items() if version not in {"", "(devel)"})


def of_programs(go: str, programs: Iterable[Path]) -> Iterator[Component]:
    """The Go modules of executables."""
    for program in programs:
        yield from of_go(
            subprocess.run([go, "version", "-m", program], capture_output=True, text=True, check=True).stdout
        )


def of_host_files(paths: Iterable[str]) -> Iterator[Component]:
    """The Debian packages of this machine that files come from; nothing where dpkg does not know."""
    for path in paths:
        owner = _said("dpkg-query", "--search", path).partition(":")[0]
        version = _said("dpkg-query", "--show", "--showformat", "${Version}", owner) if owner else ""
        if version:
            yield Component("deb", owner, version)


def document(name: str, key: str, components: Iterable[Component]) -> str:
    """The bill of the image `name` of that key."""
    found = {component.purl: component for component in sorted(components)}
    bill = {
        "bomFormat": "CycloneDX",
        "specVersion": SPEC_VERSION,
        "version": 1,
        "metadata": {"component": {"type": "container", "bom-ref": f"{name}:{key}", "name": name, "version": key}},
        "components": [found[purl].as_json() for purl in sorted(found)],
    }
    return json.dumps(bill, indent=1) + "\n"


def _of_package_json(content: bytes) -> Iterator[Component]:
    package = json.loads(content)
    # Packages hold nameless ones that only say how their files are to be read.
    if isinstance(package.get("name"), str) and isinstance(package.get("version"), str):
        license_ = package.get("license")
        yield Component("npm", package["name"], package["version"], license_ if isinstance(license_, str) else "")


def _license(said: Mapping[str, Any]) -> str:
    text = str(said.get("License-Expression") or said.get("License") or "")
    # Some put the whole text there.
    return text if len(text) < 100 and "\n" not in text else ""


def _said(*command: str) -> str:
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout
    except OSError:
        return ""
