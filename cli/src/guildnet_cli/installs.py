"""The installs a person knows, by name, and their tokens: in the system's keyring, else in a file of mode 0600."""

from __future__ import annotations

import json
import os
import re
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, NamedTuple

from guildnet_cli.errors import NOT_FOUND, NOT_LOGGED_IN, USAGE, CliError

KEYRING: Final = "keyring"
FILE: Final = "file"
NONE: Final = ""
_SERVICE: Final = "guildnet"
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")


class Install(NamedTuple):
    """One install. `kept` says where its token is: `keyring`, `file`, or "" where the tailnet is the login; `cluster`
    how it is reached by kubectl, empty where it is reached by its address."""

    name: str
    url: str
    kept: str = NONE
    cluster: tuple[str, ...] = ()


class Installs:
    """The file `installs.json`, and the tokens beside it. Every change is written at once, whole or not at all."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._file = folder / "installs.json"
        self.current = ""
        self.known: dict[str, Install] = {}
        self._read()

    def _read(self) -> None:
        try:
            document: dict[str, Any] = json.loads(self._file.read_text())
            self.current = str(document.get("current", ""))
            for name, entry in document["installs"].items():
                self.known[name] = Install(
                    name, entry["url"], entry.get("kept", NONE), tuple(map(str, entry.get("cluster", ())))
                )
        except FileNotFoundError:
            return
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            hint = "put it right, or delete it and log in again"
            raise CliError(USAGE, f"{self._file} cannot be read: {error}", hint) from None

    def choose(self, name: str = "") -> Install:
        """The install of that name, or the current one. Raises CliError where there is none."""
        wanted = name or self.current
        if not wanted:
            raise CliError(NOT_LOGGED_IN, "no install is known", "guildnet login URL")
        if wanted not in self.known:
            known = ", ".join(self.known) or "none"
            hint = "guildnet login URL --name NAME, or guildnet use NAME"
            raise CliError(NOT_FOUND, f"there is no install {wanted!r} (known: {known})", hint)
        return self.known[wanted]

    def use(self, name: str) -> None:
        """Make it the current one. Raises CliError where it is not known."""
        self.current = self.choose(name).name
        self._write()

    def add(self, name: str, url: str, token: str, *, keyring: bool = True, cluster: tuple[str, ...] = ()) -> Install:
        """Remember an install and its token ("" for none), and make it the current one."""
        if not _NAME.fullmatch(name):
            raise CliError(
                USAGE, f"{name!r} is no name of an install: letters, digits, `.`, `_` and `-`", "--name NAME"
            )
        self._drop_token(name)
        kept = self._keep(name, token, keyring=keyring) if token else NONE
        self.known[name] = Install(name, url, kept, cluster)
        self.current = name
        self._write()
        return self.known[name]

    def remove(self, name: str) -> None:
        """Forget an install and its token. Another one becomes current only when it is the last."""
        self._drop_token(self.choose(name).name)
        del self.known[name]
        if self.current == name:
            self.current = next(iter(self.known)) if len(self.known) == 1 else ""
        self._write()

    def token(self, install: Install) -> str:
        """Raises CliError where the token is gone from where it was kept."""
        if install.kept == NONE:
            return ""
        if install.kept == KEYRING:
            backend = _keyring()
            found = backend.get_password(_SERVICE, install.name) if backend else None
        else:
            found = None
            with suppress(FileNotFoundError):
                found = self._token_file(install.name).read_text().strip()
        if not found:
            hint = f"guildnet login {install.url} --token -"
            raise CliError(NOT_LOGGED_IN, f"the token of {install.name} is not in the {install.kept} any more", hint)
        return str(found)

    def _keep(self, name: str, token: str, *, keyring: bool) -> str:
        backend = _keyring() if keyring else None
        if backend is not None:
            try:
                backend.set_password(_SERVICE, name, token)
            except Exception:  # noqa: BLE001  backends raise what they like: a locked keyring is no keyring
                backend = None
        if backend is not None:
            return KEYRING
        _write_private(self._token_file(name), token + "\n")
        return FILE

    def _drop_token(self, name: str) -> None:
        install = self.known.get(name)
        if install is not None and install.kept == KEYRING and (backend := _keyring()) is not None:
            with suppress(Exception):
                backend.delete_password(_SERVICE, name)
        self._token_file(name).unlink(missing_ok=True)

    def _token_file(self, name: str) -> Path:
        return self._folder / "tokens" / name

    def _write(self) -> None:
        entries = {
            one.name: {"url": one.url, "kept": one.kept, **({"cluster": one.cluster} if one.cluster else {})}
            for one in self.known.values()
        }
        text = json.dumps({"current": self.current, "installs": entries}, indent=2)
        _write_private(self._file, text + "\n")


def folder(environ: os._Environ[str] | dict[str, str]) -> Path:
    """Where installs are remembered: `$GUILDNET_CONFIG`, else below `$XDG_CONFIG_HOME` or `~/.config`."""
    if given := environ.get("GUILDNET_CONFIG"):
        return Path(given)
    return Path(environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "guildnet"


def _write_private(path: Path, text: str) -> None:
    """Readable by its owner alone from its first byte on, and never half written."""
    # Parents too: `mkdir(parents=True)` would give those the default mode (XDG base directories: 0700).
    for folder in reversed([path.parent, *path.parent.parents]):
        folder.mkdir(mode=0o700, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    beside.unlink(missing_ok=True)
    with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    beside.replace(path)


def _keyring() -> Any | None:
    """The keyring, or None where the package is not installed or finds no backend that keeps anything."""
    try:
        import keyring
        from keyring.backends import fail, null
    except ImportError:
        return None
    backend = keyring.get_keyring()
    return None if isinstance(backend, fail.Keyring | null.Keyring) else backend
