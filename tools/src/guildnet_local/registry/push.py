"""Pushing image archives by skopeo: blob by blob, without those that the registry has; layers go packed."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from guildnet_local.build.cache import Report
from guildnet_local.build.runner import Command, Progress, run
from guildnet_local.registry.login import Helper, Login
from guildnet_local.registry.place import Place
from guildnet_local.registry.probe import refusal
from guildnet_local.settings import LocalError

MISSING = "images are pushed by skopeo, and it is not there: apt-get install skopeo (or dnf, brew)"
# Registries say it in these ways, through skopeo.
_REFUSED = re.compile(r"unauthorized|authentication required|denied|status code 40[13]|forbidden", re.IGNORECASE)
_NO_REPOSITORY = re.compile(r"name unknown|does not exist|repository .*not found", re.IGNORECASE)
_MESSAGE = re.compile(r'level=fatal msg="(?P<text>.*)"$')


@dataclass(frozen=True, slots=True)
class Pushed:
    """An image that a registry has."""

    name: str
    place: Place
    digest: str

    @property
    def tagged(self) -> str:
        return self.place.reference(self.name)

    @property
    def pinned(self) -> str:
        """The reference that never means anything else."""
        return f"{self.place.host}/{self.place.repository(self.name)}@{self.digest}"


@dataclass
class Output:
    """What skopeo says: its last line, and the error where there was one."""

    last: str = "starting"
    problem: str = ""
    lines: list[str] = field(default_factory=list)

    def take(self, line: str) -> None:
        if found := _MESSAGE.search(line):
            self.problem = found["text"].replace('\\"', '"')
        elif line.strip():
            self.last = line.strip()


@dataclass(frozen=True, slots=True)
class Pusher:
    """Pushes to one place as one user."""

    place: Place
    login: Login | Helper | None
    report: Report

    def push(self, name: str, archive: Path) -> Pushed:
        """The image, once the registry has it. Raises LocalError with what the registry said."""
        if shutil.which("skopeo") is None:
            raise LocalError(MISSING)
        output, target = Output(), self.place.reference(name)
        with tempfile.TemporaryDirectory(prefix="guildnet-push-") as scratch:
            digest = Path(scratch) / "digest"
            argv = command(self.place, archive, target, digest, self._authentication(Path(scratch)))
            code = run(Command(argv, dict(os.environ)), output.take, Progress(name, self.report), lambda: output.last)
            if code != 0:
                raise LocalError(self._failure(target, output.problem or output.last))
            return Pushed(name, self.place, digest.read_text().strip())

    def _authentication(self, scratch: Path) -> Path | None:
        """A file that only this user reads: a password on a command line could be read by everybody."""
        if not isinstance(self.login, Login):
            return None
        path = scratch / "auth.json"
        path.touch(mode=0o600)
        path.write_text(self.login.file(self.place.host))
        return path

    def _failure(self, target: str, said: str) -> str:
        if _NO_REPOSITORY.search(said):
            return f"{target} cannot be pushed: {said}\n  some registries want a repository to be made first"
        if _REFUSED.search(said):
            return f"{refusal(self.place, self.login)}\n  it said: {said}"
        return f"{target} cannot be pushed: {said}"


def command(place: Place, archive: Path, target: str, digest: Path, authentication: Path | None) -> list[str]:
    """skopeo's call: the archive's one image to `target`, its digest into the file `digest`."""
    who = [f"--dest-authfile={authentication}"] if authentication else []
    plain = ["--dest-tls-verify=false"] if place.plain else []
    # Which signatures an image needs is a question of pulling one, and the machine may have no policy.
    return [
        "skopeo", "--insecure-policy", "copy", *plain, *who, f"--digestfile={digest}",
        f"oci-archive:{archive}", f"docker://{target}",
    ]  # fmt: skip
