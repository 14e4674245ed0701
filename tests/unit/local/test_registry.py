"""Where images are pushed, by whom, and what an install is told about them."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from guildnet_local import publish
from guildnet_local.build.pins import UpstreamError
from guildnet_local.registry.login import Helper, Login, find
from guildnet_local.registry.place import Place, parse_place
from guildnet_local.registry.push import Output, Pushed, Pusher, command
from guildnet_local.registry.values import example, values
from guildnet_local.settings import LocalError, load

TEAM = Place("registry.example.com", "team", "0.1.0")
DIGEST = f"sha256:{'ab' * 32}"


@pytest.mark.parametrize(
    ("registry", "reference"),
    [
        ("registry.example.com/team", "registry.example.com/team/guildnet/api:0.1.0"),
        ("registry.example.com/", "registry.example.com/guildnet/api:0.1.0"),
        ("Registry.example.com:5000/a/b/", "registry.example.com:5000/a/b/guildnet/api:0.1.0"),
        ("localhost", "localhost/guildnet/api:0.1.0"),
        ("docker.io/alice", "docker.io/alice/guildnet-api:0.1.0"),
        ("quay.io/alice", "quay.io/alice/guildnet-api:0.1.0"),
    ],
)
def test_an_image_has_its_name_below_what_the_registry_is_called(registry: str, reference: str):
    assert parse_place({"REGISTRY": registry}, "0.1.0").reference("api") == reference


def test_a_tag_of_ones_own_takes_the_place_of_the_version():
    assert parse_place({"REGISTRY": "r.example", "TAG": "main_1"}, "0.1.0").reference("api").endswith(":main_1")


@pytest.mark.parametrize(
    ("environ", "said"),
    [
        pytest.param({}, "no registry is named", id="none"),
        pytest.param({"REGISTRY": " / "}, "no registry is named", id="a slash"),
        pytest.param({"REGISTRY": "https://r.example/x"}, "leave out https://", id="a scheme"),
        pytest.param({"REGISTRY": "alice"}, "docker.io/alice", id="an account of Docker Hub"),
        pytest.param({"REGISTRY": "team/x"}, "'team' is not a registry's host", id="no host"),
        pytest.param({"REGISTRY": "r.example/Team"}, "lower case", id="capitals"),
        pytest.param({"REGISTRY": "r.example/team:1"}, "without a tag", id="a tag"),
        pytest.param({"REGISTRY": "r.example/a b"}, "HOST", id="a blank"),
        pytest.param({"REGISTRY": "r.example:port/a"}, "HOST", id="a port that is none"),
        pytest.param({"REGISTRY": "r.example", "TAG": "a/b"}, "TAG is 'a/b'", id="a wrong tag"),
        pytest.param({"REGISTRY": "docker.io"}, "docker.io/NAME", id="Docker Hub without an account"),
        pytest.param({"REGISTRY": "quay.io/a/b"}, "quay.io/NAME", id="a third level where there are two"),
    ],
)
def test_a_registry_that_cannot_be_is_refused_with_what_can(environ: dict[str, str], said: str):
    with pytest.raises(LocalError, match=said):
        parse_place(environ, "0.1.0")


@pytest.mark.parametrize(
    ("environ", "plain"),
    [
        ({"REGISTRY": "127.0.0.1:5000"}, True),
        ({"REGISTRY": "localhost:5000/x"}, True),
        ({"REGISTRY": "[::1]:5000"}, True),
        ({"REGISTRY": "r.example"}, False),
        ({"REGISTRY": "127.0.0.1.example.com"}, False),
        ({"REGISTRY": "r.example", "REGISTRY_PLAIN_HTTP": "1"}, True),
        ({"REGISTRY": "r.example", "REGISTRY_PLAIN_HTTP": "0"}, False),
    ],
)
def test_http_without_tls_is_for_this_machine_or_when_it_is_asked_for(environ: dict[str, str], *, plain: bool):
    assert parse_place(environ, "0.1.0").plain is plain


def _noted(path: Path, **known: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(known))


def _auth(user: str) -> dict[str, str]:
    return {"auth": base64.b64encode(f"{user}:pa:ss".encode()).decode()}


def test_who_is_named_logs_in_before_whom_docker_noted(tmp_path: Path):
    environ = {"HOME": str(tmp_path)}
    assert find("r.example", environ) is None
    _noted(tmp_path / ".docker/config.json", auths={"r.example": _auth("noted")})
    assert find("r.example", environ) == Login("noted", "pa:ss", str(tmp_path / ".docker/config.json"))
    assert find("other.example", environ) is None
    named = find("r.example", {**environ, "REGISTRY_USER": "named", "REGISTRY_PASSWORD": "x"})
    assert isinstance(named, Login)
    assert named.user == "named"


def test_docker_hub_is_noted_under_a_name_of_its_own(tmp_path: Path):
    _noted(tmp_path / ".docker/config.json", auths={"https://index.docker.io/v1/": _auth("alice")})
    assert isinstance(find("docker.io", {"HOME": str(tmp_path)}), Login)


@pytest.mark.parametrize(
    "known",
    [
        pytest.param({"credHelpers": {"r.example": "gcloud"}}, id="of the registry"),
        pytest.param({"auths": {"r.example": {}}, "credsStore": "desktop"}, id="of all"),
    ],
)
def test_a_login_that_a_helper_keeps_is_left_to_the_tool_that_pushes(tmp_path: Path, known: dict[str, Any]):
    _noted(tmp_path / ".docker/config.json", **known)
    assert find("r.example", {"HOME": str(tmp_path)}) == Helper(str(tmp_path / ".docker/config.json"))


@pytest.mark.parametrize("text", ["", "not json", '{"auths": {"r.example": {"auth": "not base64"}}}'])
def test_a_file_of_logins_that_says_nothing_is_passed_over(tmp_path: Path, text: str):
    (tmp_path / ".docker").mkdir()
    (tmp_path / ".docker/config.json").write_text(text)
    assert find("r.example", {"HOME": str(tmp_path)}) is None


def test_half_a_login_is_told():
    with pytest.raises(LocalError, match="both REGISTRY_USER and REGISTRY_PASSWORD"):
        find("r.example", {"REGISTRY_USER": "a"})


def test_a_password_is_never_on_a_command_line_nor_in_what_is_printed(tmp_path: Path):
    login = Login("alice", "hunter2", "REGISTRY_USER")
    argv = command(TEAM, tmp_path / "a.tar", TEAM.reference("api"), tmp_path / "digest", tmp_path / "auth.json")
    assert "hunter2" not in " ".join(argv) + repr(login)
    assert json.loads(login.file("r.example")) == {"auths": {"r.example": {"auth": "YWxpY2U6aHVudGVyMg=="}}}


def test_tls_is_only_left_out_where_the_place_says_so(tmp_path: Path):
    def argv(place: Place) -> list[str]:
        return command(place, tmp_path / "a.tar", place.reference("api"), tmp_path / "digest", None)

    assert "--dest-tls-verify=false" not in argv(TEAM)
    assert "--dest-tls-verify=false" in argv(Place("127.0.0.1:5000", "", "1", plain=True))


def test_what_skopeo_ends_with_is_what_went_wrong():
    output = Output()
    output.take("Copying blob sha256:12")
    output.take(r'time="2026-11-28T23:09:47Z" level=fatal msg="trying: Get \"https://r/v2/\": refused"')
    assert (output.last, output.problem) == ("Copying blob sha256:12", 'trying: Get "https://r/v2/": refused')


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("unauthorized: authentication required", "refuses alice"),
        ("denied: requested access to the resource is denied", "may this user push"),
        ("name unknown: The repository with name 'x' does not exist", "want a repository to be made first"),
        ("no space left on device", "cannot be pushed: no space left"),
    ],
)
def test_a_push_that_fails_says_what_to_look_at(said: str, told: str):
    pusher = Pusher(TEAM, Login("alice", "x", "REGISTRY_USER"), lambda _: None)
    assert told in pusher._failure(TEAM.reference("api"), said)


def _pushed(*names: str) -> list[Pushed]:
    return [Pushed(name, TEAM, DIGEST) for name in names]


def _presets() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = yaml.safe_load((load({}).chart / "values.yaml").read_text())["presets"]
    return found


def test_what_was_not_pushed_stays_as_the_chart_has_it_and_is_not_offered():
    told = values(_pushed("api", "jupyterlab"), _presets())
    assert set(told) == {"api", "presets"}
    assert [one["label"] for one in told["presets"]] == ["JupyterLab"]


def test_the_example_is_launched_from_where_its_image_was_pushed():
    manifest = {"spec": {"image": "guildnet/jupyterlab:0.1.0", "ports": []}}
    assert example(manifest, _pushed("api", "jupyterlab"))["spec"] == {
        "image": f"registry.example.com/team/guildnet/jupyterlab@{DIGEST}", "ports": [],
    }  # fmt: skip
    assert example(manifest, _pushed("api")) == manifest


def test_all_is_pushed_unless_some_are_named():
    assert publish.wanted({"IMAGES": "proxy api"}, lambda _: None) == ("api", "proxy")
    with pytest.raises(LocalError, match="IMAGES names pause"):
        publish.wanted({"IMAGES": "api pause"}, lambda _: None)


def test_without_go_the_sidecar_is_the_charts_own_choice(monkeypatch: pytest.MonkeyPatch):
    def missing(_: object) -> None:
        raise UpstreamError("Go is missing")

    said: list[str] = []
    monkeypatch.setattr(publish, "find_go", missing)
    assert publish.wanted({}, said.append) == tuple(name for name in publish.PUBLISHED if name != "tailscale")
    assert "Go is missing" in said[0]
