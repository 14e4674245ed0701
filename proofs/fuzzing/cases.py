"""Requests from an OpenAPI document: valid and invalid ones by schemathesis, and the ones that once broke something."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any, Final
from urllib.parse import parse_qsl, quote, urlencode

import schemathesis
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.core.result import Ok, Result

from guildnet_api.openapi.parameters import ID

MANY_DIGITS: Final = "9" * 4301
CHARACTERS_IN_NAMES: Final = 'abc-019._~%é日٣²"\r\n;\x00'


@dataclass(frozen=True, slots=True)
class Wish:
    """One request. `path` is encoded, `query` are pairs as text; `body` is JSON, or bytes as they are."""

    method: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Any = None

    @property
    def target(self) -> str:
        return f"{self.path}?{urlencode(self.query, errors='replace')}" if self.query else self.path


Ask = Callable[[Wish], None]

_LOG: Final = "/api/servers/{id}/logs"
KNOWN_TROUBLE: Final[tuple[tuple[str, str, str], ...]] = (
    ("/sse/servers", "lastEventId", f"{MANY_DIGITS}.1"),
    ("/sse/logs", "lastEventId", f"abc.{MANY_DIGITS}.main.5-0"),
    ("/sse/logs", "lastEventId", f"w.0.main.{'9' * 20}-0"),
    ("/sse/logs", "container", "日"),
    (_LOG, "since", "999999d"),
    (_LOG, "since", "0001-01-01T00:00:00+23:59"),
    (_LOG, "since", "9999-12-31T23:59:59-23:59"),
    (_LOG, "until", "0001-01-01"),
    (_LOG, "container", 'x"\r\nSet-Cookie: a=b'),
    (_LOG, "limit", MANY_DIGITS),
    (_LOG, "q", "/" + "(" * 100),
    (_LOG, "q", "/[ab].{250}[cd].{250}z/"),
    ("/api/servers", "status", "running,sleeping"),
    ("/api/image-defaults", "image", "@" * 600),
)
"""Path, parameter and value of what gave a 500 or a torn stream once, or might."""

JOBS: Final = st.fixed_dictionaries(
    {"image": st.sampled_from(["guildnet/jupyterlab:0.1.0", "acme/tool", "nginx@sha256:" + "a" * 64, "A B", ""])},
    optional={
        "name": st.text(CHARACTERS_IN_NAMES, max_size=300),
        "command": st.one_of(st.text(max_size=20), st.lists(st.text(max_size=5), max_size=3)),
        "env": st.dictionaries(st.sampled_from(["A", " A", "TOKEN", "1", ""]), st.text(max_size=5), max_size=3),
        "resources": st.sampled_from([{}, {"cpu": "100m"}, {"cpu": ""}, {"memory": "1Xi"}, {"memory": "64Mi"}, None]),
        "labels": st.dictionaries(st.sampled_from(["team", "guildnet.io/id", "a b"]), st.text(max_size=70), max_size=2),
        "expose": st.lists(
            st.fixed_dictionaries(
                {"port": st.integers(-1, 70000)}, optional={"name": st.sampled_from(["http", "p-80", "HTTP", ""])}
            ),
            max_size=3,
        ),
        "storage": st.sampled_from([None, {"size": "1Mi"}, {"size": "-1"}, {}]),
        "notes": st.text(max_size=10),
    },
)


def trouble(server: str) -> Iterator[Wish]:
    """KNOWN_TROUBLE of this workspace, and the same without one."""
    for path, name, value in KNOWN_TROUBLE:
        for one in (server, "nobody"):
            query = ((name, value), *((("target", one),) if path == "/sse/logs" else ()))
            yield Wish("GET", path.format(id=one), query)
            if path == _LOG:
                yield Wish("GET", path.format(id=one), (*query, ("format", "text")))


def play(document: Mapping[str, Any], server: str, ask: Ask, enough: Callable[[], bool], chance: random.Random) -> None:
    """Ask for everything that the document has, until it is enough; `server` is a workspace that may be changed."""
    for wish in trouble(server):
        ask(wish)
    schema = schemathesis.openapi.from_dict(dict(document))
    operations = [_ok(found) for found in schema.get_all_operations()]
    strategies = [
        operation.as_strategy(generation_mode=mode)
        for operation in operations
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
    ]
    while not enough():
        for strategy in strategies:
            _examples(strategy.map(lambda case: _wish(case, server, chance)), ask, 25, chance)
        _examples(JOBS.map(lambda job: Wish("POST", "/api/jobs", body=job)), ask, 100, chance)
        _examples(JOBS.map(lambda job: Wish("PATCH", f"/api/servers/{server}", body=_patch(job))), ask, 50, chance)


def _ok(found: Result[Any, Any]) -> Any:
    assert isinstance(found, Ok), f"an operation that cannot be read: {found}"
    return found.ok()


def _patch(job: Mapping[str, Any]) -> dict[str, Any]:
    """A launch's fields as changes; the image stays, so that the workspace goes on."""
    return {key: value for key, value in job.items() if key not in ("image", "name", "storage")}


def _examples(wishes: st.SearchStrategy[Wish], ask: Ask, count: int, chance: random.Random) -> None:
    @seed(chance.getrandbits(32))
    @settings(max_examples=count, database=None, deadline=None, suppress_health_check=list(HealthCheck))
    @given(wishes)
    def run(wish: Wish) -> None:
        ask(wish)

    # An operation without parameters cannot be asked wrongly.
    with suppress(Unsatisfiable):
        run()


def _wish(case: Any, server: str, chance: random.Random) -> Wish:
    """A case of schemathesis; half of those about a workspace are about one that is there."""
    sent = case.as_transport_kwargs(base_url="http://api")
    path = sent["url"].removeprefix("http://api")
    if ID.name in (case.path_parameters or {}) and chance.random() < 0.5:
        path = case.path.replace(f"{{{ID.name}}}", quote(server))
    given_headers = {key: str(value) for key, value in (case.headers or {}).items()}
    body = sent.get("json", sent.get("data"))
    return Wish(case.method.upper(), path, tuple(_pairs(sent.get("params") or {})), given_headers, body)


def _pairs(params: Mapping[str, Any] | str) -> Iterator[tuple[str, str]]:
    if isinstance(params, str):
        yield from parse_qsl(params, keep_blank_values=True)
        return
    for name, value in params.items():
        for one in value if isinstance(value, list) else (value,):
            yield name, str(one)


def harmless(wish: Wish, server: str) -> Wish:
    """The wish as it may be asked of an install that people use: only `server` is changed, and no stream stays open."""
    if "stop-all" in wish.path:
        return replace(wish, query=(*(item for item in wish.query if item[0] != "dryRun"), ("dryRun", "true")))
    if wish.path == "/sse/logs":
        named = dict(wish.query)
        target = () if "target" in named else (("target", server),)
        kept = tuple(item for item in wish.query if item[0] != "follow")
        return replace(wish, query=(*kept, *target, ("follow", "false")))
    return wish
