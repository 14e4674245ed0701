"""What the proxy writes for others: the serve file, its own pages, its complaints about settings."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from pathlib import Path

import pytest

from guildnet.settings import load
from guildnet_proxy.frontdoor import pages
from guildnet_proxy.frontdoor.own_routes import safe_next
from guildnet_proxy.http.errors import Refusal
from guildnet_proxy.http.forward import Answer
from guildnet_proxy.rewrite.request_head import Caller, to_api, to_workspace
from guildnet_proxy.settings import Settings
from guildnet_proxy.tailnet import serve_config
from unit.proxy.values import CONTROL, OWN, PATH, head

CALLER = Caller("10.0.0.9", CONTROL)


def test_the_serve_file_sends_every_port_to_the_socket():
    assert json.loads(serve_config.render([20002, 20001], "/run/guildnet/tailnet.sock")) == {
        "TCP": {"443": {"HTTPS": True}, "20001": {"HTTPS": True}, "20002": {"HTTPS": True}},
        "Web": {
            f"${{TS_CERT_DOMAIN}}:{port}": {
                "Handlers": {
                    "/": {"Proxy": "unix:/run/guildnet/tailnet.sock", "AcceptAppCaps": ["guildnet.io/cap/role"]}
                }
            }
            for port in (443, 20001, 20002)
        },
    }


def test_the_serve_file_is_replaced_whole_and_only_when_it_differs(tmp_path: Path):
    file = tmp_path / "serve.json"
    file.write_text("{}")
    held = file.open()
    assert serve_config.write(file, "new")
    assert (held.read(), file.read_text()) == ("{}", "new")
    assert not serve_config.write(file, "new")
    assert [item.name for item in tmp_path.iterdir()] == ["serve.json"]
    held.close()


def test_a_page_escapes_what_it_shows_and_asks_on_only_where_something_else_can_come():
    waiting = Refusal(503, "starting", "<b>", conditions=[("Ready", "False", "<r>", "<m>")])
    page = pages.refusal(waiting, "rid", html=True, home="http://guildnet.localhost").body.decode()
    assert "<b>" not in page
    assert "&lt;m&gt;" in page
    assert 'data-status="/.guildnet/status" data-code="starting"' in page
    assert 'href="http://guildnet.localhost/"' in page
    for error, told in (
        (Refusal(409, "stopped", "x"), 'data-status="/.guildnet/status"'),
        (Refusal(503, "too_many_requests", "x"), 'data-again="5"'),
        (Refusal(502, "upstream_refused", "x"), 'data-again="5"'),
        (Refusal(403, "forbidden", "x"), "<main>"),
        (Refusal(504, "upstream_timeout", "x"), "<main>"),
    ):
        assert told in pages.refusal(error, "rid", html=True).body.decode()
    shape = json.loads(pages.refusal(waiting, "rid", html=False).body)
    assert shape == {
        "code": "starting", "message": "<b>", "request_id": "rid", "details": [{"field": "Ready",
        "reason": "False: <r> <m>"}],
    }  # fmt: skip
    assert b'value="&quot;&gt;&lt;x"' in pages.login('"><x', "rid").body


def test_a_page_runs_its_own_script_and_nothing_else():
    answer = pages.refusal(Refusal(409, "stopped", "x"), "rid", html=True, frames="http://a")
    policy = next(line for line in answer.headers.decode().split("\r\n") if line.startswith("Content-Security-Policy"))
    for tag in ("script", "style"):
        found = re.search(f"<{tag}>(.*?)</{tag}>", answer.body.decode(), re.DOTALL)
        assert found is not None, tag
        digest = base64.b64encode(hashlib.sha256(found[1].encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy
    assert "default-src 'none'" in policy
    assert policy.endswith("frame-ancestors http://a")
    assert b"http-equiv" not in answer.body
    assert b"src=" not in answer.body


def test_who_may_use_the_app_is_shown_what_it_asks_for():
    told = pages.AppLogin("password", "<hunter2>")
    page = pages.refusal(Refusal(503, "starting", "x"), "rid", html=True, app_login=told).body.decode()
    assert "The app asks for its password: <code>&lt;hunter2&gt;</code>" in page


def test_an_answer_frames_itself():
    answer = Answer(200, b"ok")
    assert answer.encode(head_only=False, keep_alive=True) == b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
    assert answer.encode(head_only=True, keep_alive=False).endswith(b"Content-Length: 2\r\nConnection: close\r\n\r\n")


def test_the_request_head_of_a_workspace():
    given = head(
        "User-Agent: u", "Connection: close, X-Hop", "X-Hop: 1", "TE: trailers", "Proxy-Authorization: x",
        "Authorization: Bearer y", "Cookie: __Host-guildnet-i=1; a=b", "X-Forwarded-For: evil", "Content-Length: 3",
        method="POST",
    )  # fmt: skip
    block = to_workspace(given.block, PATH, CALLER, strip_authorization=True, prefix=True).head(b"POST", b"/x", b"rid")
    assert block.decode().split("\r\n") == [
        "POST /x HTTP/1.1", "Host: guildnet.localhost:8080", "User-Agent: u", "Cookie: a=b",
        "X-Forwarded-For: 10.0.0.9", "X-Forwarded-Host: guildnet.localhost:8080", "X-Forwarded-Proto: http",
        "Forwarded: for=10.0.0.9;proto=http", "X-Request-Id: rid",
        "X-Forwarded-Prefix: /proxy/server/ws", "Content-Length: 3", "", "",
    ]  # fmt: skip
    kept = to_workspace(given.block, OWN, CALLER, strip_authorization=False, prefix=True).head(b"GET", b"/x", b"rid")
    assert b"Authorization: Bearer y" in kept
    assert b"Prefix" not in kept


def test_an_upgrade_and_chunks_are_framed_by_us():
    upgrade = head("Upgrade: websocket", "Connection: keep-alive, Upgrade", "Sec-WebSocket-Key: k")
    assert to_workspace(upgrade.block, OWN, CALLER, strip_authorization=False, prefix=True).after.endswith(
        b"Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
    )
    chunked = head("Transfer-Encoding: chunked", method="POST")
    assert (
        to_api(chunked.block, CALLER)
        .signed_head(b"POST", b"/", b"rid", "v1.x.y")
        .endswith(b"X-Guildnet-Identity: v1.x.y\r\nTransfer-Encoding: chunked\r\n\r\n")
    )


@pytest.mark.parametrize("text", ["//x", "/\\x", "x", "", "http://x/", "/a b", "/a\nb", "/é"])
def test_next_is_a_path_of_ours_or_the_root(text):
    assert safe_next(text) == "/"
    assert safe_next("/a?b=//c#d") == "/a?b=//c#d"


@pytest.mark.parametrize(
    ("environ", "named"),
    [
        ({}, "no entry is configured"),
        ({"LOCAL_ORIGIN": "guildnet.localhost"}, "LOCAL_ORIGIN"),
        ({"LOCAL_ORIGIN": "http://x/path"}, "LOCAL_ORIGIN"),
        ({"LOCAL_ORIGIN": "http://x.localhost", "ALLOWED_TARGETS": "10.0.0.0/8"}, "ALLOWED_TARGETS"),
        ({"LOCAL_ORIGIN": "http://x.localhost", "LISTEN_LOCAL": "8080"}, "LISTEN_LOCAL"),
        ({"LOCAL_ORIGIN": "http://x.localhost", "PROXY_TRANSPORT": "by-pigeon"}, "PROXY_TRANSPORT"),
        ({"TAILNET_SOCKET": "/x"}, "TAILSCALED_SOCKET"),
        ({"LOCAL_ORIGIN": "http://x.localhost", "ADMIN_SERVICE_ACCOUNT": "admin"}, "ADMIN_SERVICE_ACCOUNT"),
        ({"LOCAL_ORIGIN": "http://g.localhost:80", "LOCAL_MODE": "port"}, "LOCAL_MODE=port"),
        ({"DOMAIN_ORIGIN": "https://g.example", "DOMAIN_MODE": "port"}, "DOMAIN_MODE=port"),
        ({"DOMAIN_ORIGIN": "http://g.example"}, "DOMAIN_ORIGIN is plain http"),
        ({"LOCAL_ORIGIN": "http://g.example:8080"}, "LOCAL_ORIGIN is plain http"),
        ({"LOCAL_ORIGIN": "http://192.168.1.2:8080", "LOCAL_MODE": "path"}, "LOCAL_ORIGIN is plain http"),
        ({"LOCAL_ORIGIN": "http://127.0.0.1:8080"}, "LOCAL_MODE=host"),
        ({"LOCAL_ORIGIN": "http://localhost:8080"}, "use NAME.localhost"),
        ({"LOCAL_ORIGIN": "http://g.localhost:80", "FRONTEND_ORIGIN": "http://ui.example"}, "FRONTEND_ORIGIN is plain"),
        ({"LOCAL_ORIGIN": "http://x.localhost", "LOCAL_MODE": "weird"}, "LOCAL_MODE"),
    ],
)
def test_bad_settings_are_named_and_end_the_process_with_2(environ, named, capsys):
    with pytest.raises(SystemExit) as ended:
        load(Settings, environ)
    assert ended.value.code == 2
    assert named in capsys.readouterr().err


def test_settings_are_read_by_their_names():
    settings = load(
        Settings,
        {"LOCAL_ORIGIN": "http://GuildNet.localhost:8080/", "ALLOWED_TARGETS": "10.0.0.0/8:80, [fd00::/8]:443",
         "LISTEN_LOCAL": ":8081", "PATH_TRUSTED": "true", "HOSTAPP_DISABLE_API_PROXY": "true"},
    )  # fmt: skip
    assert settings.local_origin == "http://guildnet.localhost:8080"
    assert settings.allowed_targets == ("10.0.0.0/8:80", "[fd00::/8]:443")
    assert (settings.listen_local, settings.path_trusted) == ("0.0.0.0:8081", True)


@pytest.mark.parametrize(
    ("transport", "disabled", "through"),
    [("pod", "false", False), ("api-server", "false", True), ("api-server", "true", False)],
)
def test_the_first_generations_switch_keeps_requests_from_the_api_server(transport: str, disabled: str, through: bool):
    environ = {
        "LOCAL_ORIGIN": "http://g.localhost",
        "PROXY_TRANSPORT": transport,
        "HOSTAPP_DISABLE_API_PROXY": disabled,
    }
    assert load(Settings, environ).by_api_server is through
