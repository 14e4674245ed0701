"""The UI's files: packed for those who take it, unchanged for those who have it, nothing outside the directory."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import pytest
from starlette.exceptions import HTTPException

from guildnet_api.http.static import Ui, load, takes_gzip

PAGE = b"<!doctype html><title>GuildNet</title>" + b"<p>same</p>" * 50
SCRIPT = b"export const x = 1;" * 200


@pytest.fixture
def ui(tmp_path: Path) -> Ui:
    for place, content in {"index.html": PAGE, "assets/main-1.js": SCRIPT, "icon.svg": b"<svg/>"}.items():
        path = tmp_path / "ui" / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    (tmp_path / "secret").write_text("no")
    return load(tmp_path / "ui")


async def ask(ui: Ui, path: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        raise AssertionError("no body is read")

    raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    await ui({"type": "http", "method": "GET", "path": path, "headers": raw}, receive, send)
    answered = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    return sent[0]["status"], answered, b"".join(message.get("body", b"") for message in sent[1:])


@pytest.mark.parametrize(("path", "content"), [("/", PAGE), ("/servers/x", PAGE), ("/assets/main-1.js", SCRIPT)])
async def test_who_takes_gzip_gets_less(ui: Ui, path: str, content: bytes):
    status, headers, body = await ask(ui, path, accept_encoding="br, gzip;q=0.8")
    assert (status, headers["content-encoding"], headers["vary"]) == (200, "gzip", "Accept-Encoding")
    assert gzip.decompress(body) == content
    assert int(headers["content-length"]) == len(body) < len(content) / 2
    status, headers, body = await ask(ui, path)
    assert (status, body, headers["vary"]) == (200, content, "Accept-Encoding")
    assert "content-encoding" not in headers


async def test_each_form_has_a_tag_of_its_own_and_is_not_sent_twice(ui: Ui):
    plain = (await ask(ui, "/"))[1]["etag"]
    packed = (await ask(ui, "/", accept_encoding="gzip"))[1]["etag"]
    assert plain != packed
    for known in (packed, f"W/{packed}", f'"other", {packed}', "*"):
        status, headers, body = await ask(ui, "/", accept_encoding="gzip", if_none_match=known)
        assert (status, body, headers["etag"], headers["vary"]) == (304, b"", packed, "Accept-Encoding")
    assert (await ask(ui, "/", accept_encoding="gzip", if_none_match=plain))[0] == 200
    assert (await ask(ui, "/", if_none_match=packed))[0] == 200


async def test_what_gzip_makes_larger_is_sent_as_it_is_and_answers_304_too(ui: Ui):
    status, headers, body = await ask(ui, "/icon.svg", accept_encoding="gzip")
    assert (status, body, headers["content-type"]) == (200, b"<svg/>", "image/svg+xml")
    assert "vary" not in headers
    assert (await ask(ui, "/icon.svg", if_none_match=headers["etag"]))[0] == 304


async def test_only_names_with_a_hash_are_kept_for_ever(ui: Ui):
    assert "immutable" in (await ask(ui, "/assets/main-1.js"))[1]["cache-control"]
    assert [(await ask(ui, path))[1]["cache-control"] for path in ("/", "/icon.svg")] == ["no-cache"] * 2


async def test_nothing_outside_the_directory_is_served(ui: Ui):
    assert (await ask(ui, "/../secret"))[2] == PAGE
    for path in ("/assets/../../secret", "/assets/none.js"):
        with pytest.raises(HTTPException) as refused:
            await ask(ui, path)
        assert refused.value.status_code == 404


async def test_without_a_ui_the_page_says_so(tmp_path: Path):
    for directory in (None, tmp_path):
        status, _, body = await ask(load(directory), "/")
        assert (status, body.startswith(b"This is GuildNet's API.")) == (404, True)


@pytest.mark.parametrize(
    ("accepted", "takes"),
    [
        ("gzip", True),
        ("br, GZIP ;q=0.5", True),
        ("*", True),
        ("x-gzip", True),
        ("", False),
        ("br", False),
        ("gzip;q=0", False),
        ("*, gzip;q=0.0", False),
        ("*;q=0", False),
        ("gzip;q=much", False),
        ("identity", False),
    ],
)
def test_a_weight_of_nothing_is_a_refusal(accepted: str, takes: bool):
    assert takes_gzip(accepted) is takes
