"""Cookies between a browser and a workspace: which ones the workspace gets, and what its own become outside.

Cookies ignore ports, and a page can toss them at its sister names (`Domain=`). So a workspace's are renamed, with a
part that no other workspace can know: what it sets under such a name reaches nobody. Those that scripts read keep their
names, and are shared. Ours never reach a workspace, and none of its can take one of our names.
"""

from __future__ import annotations

import hmac
import re

from guildnet.workspace import Workspace
from guildnet_proxy.memo import Memo
from guildnet_proxy.sites import Placement, SharedJar, Site

OURS = "__host-guildnet"
SCRIPT_COOKIES = "GUILDNET_SCRIPT_COOKIES"
"""An env of a workspace: the names, separated by commas, of the cookies that its scripts read."""
_RENAMED = re.compile(r"gn(?:h|[1-9][0-9]{0,4})-")


# A page's requests differ in much, but not in their cookies, which are the longest field and the dearest to read.
_REMEMBERED_CHARACTERS = 1024 * 1024
_values: Memo[tuple[str, str], tuple[str, ...]] = Memo(_REMEMBERED_CHARACTERS, lambda key: len(key[0]))
_sent: Memo[tuple[str, SharedJar | None], str] = Memo(_REMEMBERED_CHARACTERS, lambda key: len(key[0]))


def jar_of(workspace: Workspace, site: Site, key: bytes, below: str) -> SharedJar:
    """The workspace's part of the jar of its site: of all ports of a name, or of what pages of sister names can toss
    into it (`Domain=`). `below` is the path that its app lives below, if any."""
    mac = hmac.digest(key, workspace.uid.encode(), "sha256").hex()[:16]
    named = next((item.value for item in workspace.spec.env if item.name == SCRIPT_COOKIES), None)
    scripts = None if named is None else frozenset(name.strip() for name in named.split(",") if name.strip())
    if site.port is None:
        return SharedJar(f"gnh-{mac}-", scripts)
    return SharedJar(f"gn{site.port}-{mac}-", scripts, below)


def is_ours(name: str) -> bool:
    return name.lower().startswith((OURS, "__secure-guildnet"))


def pairs(header: str) -> list[tuple[str, str]]:
    """The name and value pairs of a Cookie header, in order, duplicates kept."""
    found = []
    for part in header.split(";"):
        name, equals, value = part.strip(" \t").partition("=")
        if equals:
            found.append((name, value))
    return found


def value_of(header: str, name: str) -> str | None:
    """The value of one cookie; None when absent or when two claim the name, which a page could have arranged."""
    known = _values.get((header, name))
    if known is None:
        known = tuple(value for key, value in pairs(header) if key == name)
        _values.put((header, name), known)
    return known[0] if len(known) == 1 else None


def for_upstream(header: str, placement: Placement) -> str:
    """The Cookie header a workspace gets: without ours, without other workspaces' renamed ones, its own unrenamed."""
    key = header, placement.jar
    known = _sent.get(key)
    if known is None:
        known = _for_upstream(header, placement.jar)
        _sent.put(key, known)
    return known


def _for_upstream(header: str, jar: SharedJar | None) -> str:
    own: list[str] = []
    plain: list[tuple[str, str]] = []
    for name, value in pairs(header):
        if is_ours(name):
            continue
        if jar is not None and name.startswith(jar.prefix):
            own.append(f"{name[len(jar.prefix) :]}={value}")
        elif not _RENAMED.match(name) and (jar is None or jar.scripts is None or name in jar.scripts):
            plain.append((name, value))
    taken = {item.partition("=")[0] for item in own}
    return "; ".join([*own, *(f"{name}={value}" for name, value in plain if name not in taken)])


def set_cookie(header: str, placement: Placement) -> list[str]:
    """A workspace's Set-Cookie as the browser gets it: none, one, or two (a removal has to hit both names)."""
    first, *rest = header.split(";")
    name, equals, value = first.strip(" \t").partition("=")
    if not equals or not name or is_ours(name) or _RENAMED.match(name):
        return []
    attributes = _attributes(rest)
    # `__Host-` demands Path=/, which below a base would reach past it; in a shared cookie jar it would reach everyone.
    if name.lower().startswith("__host-") and placement.base:
        return []
    if placement.base:
        attributes["path"] = _below(attributes.get("path") or "", placement.base)
    if placement.secure:
        attributes["secure"] = None
    if placement.cross_site:
        attributes.update({"samesite": "None", "secure": None, "partitioned": None})
    if placement.jar is None:
        return [_rendered(name, value, attributes)]
    return _in_shared_jar(name, value, attributes, placement.jar)


def _in_shared_jar(name: str, value: str, attributes: dict[str, str | None], jar: SharedJar) -> list[str]:
    """Renamed unless scripts read it. What is renamed no script may see: its name is what keeps others from it."""
    if "httponly" in attributes or (jar.scripts is not None and name not in jar.scripts):
        return [_rendered(jar.prefix + name, value, attributes | {"httponly": None})]
    confined = dict(attributes)
    if jar.path and not name.lower().startswith("__host-"):
        confined["path"] = _below(attributes.get("path") or "", jar.path)
    plain = _rendered(name, value, confined)
    return [plain, _rendered(jar.prefix + name, value, attributes)] if _removes(attributes) else [plain]


def _rendered(name: str, value: str, attributes: dict[str, str | None]) -> str:
    texts = (f"; {_SPELLED.get(key, key)}" + ("" if text is None else f"={text}") for key, text in attributes.items())
    return f"{name}={value}{''.join(texts)}"


_SPELLED = {
    "path": "Path", "expires": "Expires", "max-age": "Max-Age", "secure": "Secure", "httponly": "HttpOnly",
    "samesite": "SameSite", "partitioned": "Partitioned", "priority": "Priority",
}  # fmt: skip


def _attributes(parts: list[str]) -> dict[str, str | None]:
    found: dict[str, str | None] = {}
    for part in parts:
        key, equals, value = part.strip(" \t").partition("=")
        lower = key.strip(" \t").lower()
        if lower and lower != "domain":
            found[lower] = value.strip(" \t") if equals else None
    return found


def _below(path: str, base: str) -> str:
    if not path.startswith("/"):
        return base + "/"
    return path if path == base or path.startswith(base + "/") else base + path


def _removes(attributes: dict[str, str | None]) -> bool:
    age = attributes.get("max-age") or ""
    return age == "0" or age.startswith("-") or "1970" in (attributes.get("expires") or "")
