"""What a person reads while an image is built, and when it fails; and the builders' command lines."""

import os
import signal
import threading
import time
from pathlib import Path

import pytest

from guildnet_local.build.runner import Command, Progress, duration
from guildnet_local.images import engine
from guildnet_local.images.engine import Build, Buildah, find
from guildnet_local.images.job import Job, Output
from guildnet_local.images.recipes import ImageError
from guildnet_local.machine.process import start_time


@pytest.mark.parametrize(
    ("line", "step"),
    [
        ("[2/3] STEP 4/7: RUN pip install x", "RUN pip install x"),
        ("STEP 2/2: COPY a /a", "COPY a /a"),
        ("#8 [dependencies 4/7] RUN pip install x", "RUN pip install x"),
        ("I: installing essential packages...", "installing essential packages..."),
        ("> vite build", "vite build"),
        ("Collecting six", "starting"),
        ("[1/2] STEP 3/3: COMMIT localhost/x", "starting"),
        ("I: removing tempdir /tmp/x...", "starting"),
    ],
)
def test_the_step_is_read_from_what_the_builder_says(line, step):
    said = Output("starting")
    said.take(line)
    assert said.step == step


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.04, "0.0 s"), (9.94, "9.9 s"), (42.4, "42 s"), (60, "1 min 00 s"), (291.2, "4 min 51 s")]
)
def test_a_duration_reads_like_one(seconds, text):
    assert duration(seconds) == text


@pytest.fixture
def lines() -> list[str]:
    return []


@pytest.fixture
def job(tmp_path, lines) -> Job:
    return Job(Progress("thing", lines.append, heartbeat_seconds=0.05), tmp_path / "logs" / "thing.log")


def test_a_failed_build_says_what_at_which_step_why_and_where_the_rest_is(job):
    said = ("STEP 1/2: FROM x", "STEP 2/2: RUN --mount=type=secret,id=ca,target=/x make it", "boom")
    script = "; ".join([*(f"echo '{line}'" for line in said), "exit 3"])
    with pytest.raises(ImageError) as failed:
        job.run(Command(("sh", "-c", script)))
    text = str(failed.value)
    assert text.startswith("cannot build thing: it failed after ")
    assert "(exit code 3) at the step\n    RUN make it\n" in text
    assert "    boom" in text
    assert text.endswith(f"the whole output is in {job.log}")
    assert "boom" in job.log.read_text()


def test_a_builder_that_is_not_installed_is_named(job):
    with pytest.raises(ImageError, match="cannot build thing: no-such-builder is not installed"):
        job.run(Command(("no-such-builder",)))


def test_a_long_build_says_every_heartbeat_which_step_it_is_at(job, lines, tmp_path):
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    seen = threading.Event()

    def report(line: str) -> None:
        lines.append(line)
        seen.set()

    reporting = Job(Progress("thing", report, heartbeat_seconds=0.05), job.log)
    opened = threading.Thread(target=lambda: (seen.wait(20), gate.write_text("go\n")))
    opened.start()
    reporting.run(Command(("sh", "-c", f"echo 'STEP 1/1: RUN wait'; read x <{gate}")))
    opened.join()
    assert any(line.startswith("  thing: ") and line.endswith(" s)") for line in lines)


@pytest.mark.usefixtures("interruptible")
def test_an_interrupted_build_ends_everything_it_started(job, tmp_path):
    pids = tmp_path / "pids"
    os.mkfifo(pids)
    found: list[int] = []
    followed = threading.Event()

    def interrupt() -> None:
        found.extend(int(word) for word in pids.read_text().split())
        followed.wait(20)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=interrupt).start()
    following = Job(Progress("thing", lambda _: followed.set(), heartbeat_seconds=0.05), job.log)
    with pytest.raises(KeyboardInterrupt):
        following.run(Command(("sh", "-c", f"tail -f /dev/null & echo $$ $! >{pids}; wait")))
    deadline = time.monotonic() + 10
    while running := [pid for pid in found if start_time(pid) is not None]:
        assert time.monotonic() < deadline, running


def test_builders_get_arguments_and_secrets_and_the_place_of_the_certificate_authorities():
    build = Build(Path("/c"), "localhost/x:1", {"BASE": "b"}, {"ca": Path("/ca.pem"), "pip": Path("/p")})
    assert build.options() == [
        "--build-arg", "BASE=b",
        "--build-arg", "NODE_EXTRA_CA_CERTS=/run/secrets/ca.pem",
        "--build-arg", "PIP_CERT=/run/secrets/ca.pem",
        "--build-arg", "SSL_CERT_FILE=/run/secrets/ca.pem",
        "--secret", "id=ca,src=/ca.pem",
        "--secret", "id=pip,src=/p",
        "-t", "localhost/x:1",
        "-f", "/c/Dockerfile",
    ]  # fmt: skip


def test_without_certificate_authorities_no_tool_is_pointed_at_a_file_that_is_not_there():
    assert "--build-arg" not in Build(Path("/c"), "x", {}, {}).options()


def test_buildah_keeps_everything_below_its_own_directory(tmp_path):
    buildah = Buildah(tmp_path)
    command = buildah.command("images")
    assert command[command.index("--root") + 1] == str(tmp_path / "root")
    assert command[command.index("--runroot") + 1].startswith(str(tmp_path / "run-"))
    assert command[-1] == "images"
    assert buildah.environment()["BUILDAH_ISOLATION"] == "chroot"
    assert buildah.environment()["TMPDIR"].startswith(str(tmp_path))


def test_what_an_interrupted_build_or_another_boot_left_is_cleared(tmp_path):
    buildah = Buildah(tmp_path)
    current = buildah.run_directory
    for directory in (current, tmp_path / "run-00000000", tmp_path / "tmp" / "buildah1"):
        directory.mkdir(parents=True)
        (directory / "file").write_text("x")
    (tmp_path / "tmp" / "blob").write_text("x")
    buildah.clear()
    assert (current / "file").exists()
    assert not (tmp_path / "run-00000000").exists()
    assert not list((tmp_path / "tmp").iterdir())


@pytest.mark.parametrize(("kept", "pruned"), [(engine.MAX_KEPT_IMAGES, False), (engine.MAX_KEPT_IMAGES + 1, True)])
def test_layers_without_a_name_go_when_there_are_many_and_no_build_counts_on_them(tmp_path, monkeypatch, kept, pruned):
    asked: list[list[str]] = []
    monkeypatch.setattr(engine, "_quiet", lambda command, *_: asked.append(command))
    for number in range(kept):
        (tmp_path / "root" / "overlay-images" / str(number)).mkdir(parents=True)
    Buildah(tmp_path).forget(["localhost/x:1"])
    assert [command[-2:] for command in asked] == [["rmi", "localhost/x:1"]], "others may be building"
    Buildah(tmp_path).clear()
    assert any(command[-2:] == ["rmi", "--prune"] for command in asked) is pruned


def test_without_any_builder_the_message_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ImageError, match="apt-get install buildah"):
        find(tmp_path)
