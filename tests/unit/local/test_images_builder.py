"""Images are built once, whole or not at all, and old ones go. The builder is a fake that writes real archives."""

import gzip
import hashlib
import io
import json
import tarfile
import threading
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from guildnet_local.images import archive, base
from guildnet_local.images.builder import ImageBuilder
from guildnet_local.images.engine import Build
from guildnet_local.images.job import Job
from guildnet_local.images.recipes import ImageError, Recipe
from guildnet_local.images.store import Store, reference
from guildnet_local.settings import cache_directory


def write_archive(path: Path, ref: str, content: bytes, *, packed: bool = True) -> None:
    """An OCI archive of one layer, as `buildah push oci-archive:` lays it out."""
    blobs: dict[str, bytes] = {}

    def blob(data: bytes, kind: str) -> dict[str, object]:
        digest = hashlib.sha256(data).hexdigest()
        blobs[f"blobs/sha256/{digest}"] = data
        return {"mediaType": f"application/vnd.oci.image.{kind}", "digest": f"sha256:{digest}", "size": len(data)}

    layer = blob(gzip.compress(content), "layer.v1.tar+gzip") if packed else blob(content, "layer.v1.tar")
    config = blob(json.dumps({"config": {"User": "65532"}}).encode(), "config.v1+json")
    manifest = blob(json.dumps({"config": config, "layers": [layer]}).encode(), "manifest.v1+json")
    index = {"manifests": [manifest | {"annotations": {"org.opencontainers.image.ref.name": ref}}]}
    with tarfile.open(path, "w") as out:
        for name, data in {**blobs, "index.json": json.dumps(index).encode()}.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            out.addfile(member, io.BytesIO(data))


@dataclass
class FakeEngine:
    """Builds nothing, remembers what it was asked, and writes an archive of `content`."""

    pulls: bool = True
    content: bytes = b"\0" * 5000
    fails: str = ""
    builds: list[Build] = field(default_factory=list)
    forgotten: list[str] = field(default_factory=list)

    def build(self, build: Build, job: Job) -> None:
        self.builds.append(build)
        if self.fails:
            raise ImageError(self.fails)

    def save(self, ref: str, archive: Path, job: Job) -> None:
        write_archive(archive, ref, self.content)

    def has(self, ref: str) -> bool:
        return True

    def forget(self, refs: Iterable[str]) -> None:
        self.forgotten.extend(refs)


RECIPE = Recipe("thing", "Dockerfile", ("source",), bases={"BASE": "python", "BUILD_BASE": "build"})


@dataclass
class Made:
    builder: ImageBuilder
    engine: FakeEngine
    lines: list[str]
    checkout: Path

    def change(self, text: str) -> None:
        (self.checkout / "source").write_text(text)

    @property
    def files(self) -> list[str]:
        return sorted(p.name for p in self.builder.store.directory.iterdir() if not p.name.startswith(".lock"))


@pytest.fixture
def made(tmp_path) -> Made:
    checkout = tmp_path / "checkout"
    checkout.mkdir()
    (checkout / "Dockerfile").write_text("FROM scratch\n")
    (checkout / "source").write_text("one")
    lines: list[str] = []
    builder = ImageBuilder(tmp_path / "cache", lines.append, checkout, {})
    engine = FakeEngine()
    builder.__dict__["engine"] = engine
    return Made(builder, engine, lines, checkout)


def test_an_image_is_built_when_it_is_first_asked_for_and_then_kept(made):
    first = made.builder.ensure(RECIPE)
    said = list(made.lines)
    assert made.builder.ensure(RECIPE) == first
    assert len(made.engine.builds) == 1
    assert made.lines == said, "nothing is said when all is there"
    assert first.ref == f"localhost/guildnet/thing:dev-{first.key}"
    assert first.archive == made.builder.cache / "images" / f"thing-{first.key}.tar"
    assert first.size_bytes == 5000
    assert archive.read(first.archive).name == first.ref
    bill = json.loads(made.builder.store.bill("thing", first.key).read_text())
    assert bill["metadata"]["component"]["version"] == first.key
    assert said[0] == "building the image thing …"
    assert said[1].startswith("built the image thing: 0 MB, ")


def test_a_changed_input_makes_another_image_and_the_old_one_stays_for_other_checkouts(made):
    first = made.builder.ensure(RECIPE)
    made.change("two")
    second = made.builder.ensure(RECIPE)
    made.change("one")
    assert first.ref != second.ref
    assert made.builder.ensure(RECIPE) == first
    assert len(made.engine.builds) == 2


def test_only_the_two_builds_used_last_are_kept(made):
    first = made.builder.ensure(RECIPE)
    made.change("two")
    second = made.builder.ensure(RECIPE)
    made.change("one")
    made.builder.ensure(RECIPE)
    made.change("three")
    third = made.builder.ensure(RECIPE)
    assert [image.key for image in made.builder.store.kept("thing")] == [third.key, first.key]
    assert made.engine.forgotten == [second.ref]
    assert not second.archive.exists()


def test_two_images_of_one_dockerfile_differ_by_their_arguments(made):
    one, other = (Recipe("thing", "Dockerfile", ("source",), arguments={"SERVICE": name}) for name in ("a", "b"))
    assert made.builder.ensure(one).ref != made.builder.ensure(other).ref
    assert [build.arguments for build in made.engine.builds] == [{"SERVICE": "a"}, {"SERVICE": "b"}]


def test_a_failed_build_leaves_no_archive_and_no_directory_and_is_tried_again(made):
    made.engine.fails = "cannot build thing: no space"
    with pytest.raises(ImageError, match="no space"):
        made.builder.ensure(RECIPE)
    assert made.files == []
    made.engine.fails = ""
    assert made.builder.ensure(RECIPE).archive.exists()


def test_an_image_above_its_limit_is_refused(made):
    limited = Recipe("thing", "Dockerfile", ("source",), limit_bytes=4999)
    with pytest.raises(ImageError, match="more than its limit"):
        made.builder.ensure(limited)
    assert made.files == []


def test_what_an_interrupted_build_left_is_removed_by_the_next(made):
    left = made.builder.store.directory / ".build-thing.abc"
    left.mkdir()
    (left / "context").write_text("x")
    made.builder.ensure(RECIPE)
    assert not left.exists()


def test_an_archive_without_its_facts_is_not_taken_for_an_image(made):
    first = made.builder.ensure(RECIPE)
    first.archive.with_suffix(".json").unlink()
    assert made.builder.ensure(RECIPE).key == first.key
    assert len(made.engine.builds) == 2


def test_two_who_ask_at_once_get_one_build_and_the_second_is_told_to_wait(made):
    began, go_on = threading.Event(), threading.Event()

    class Slow(FakeEngine):
        def build(self, build: Build, job: Job) -> None:
            super().build(build, job)
            began.set()
            assert go_on.wait(20)

    slow = Slow()
    made.builder.__dict__["engine"] = slow

    def report(line: str) -> None:
        made.lines.append(line)
        if "waiting for it" in line:
            go_on.set()

    other = ImageBuilder(made.builder.cache, report, made.checkout, {})
    other.__dict__["engine"] = slow
    first = threading.Thread(target=made.builder.ensure, args=(RECIPE,))
    first.start()
    assert began.wait(20)
    second = threading.Thread(target=other.ensure, args=(RECIPE,))
    second.start()
    first.join(20)
    second.join(20)
    assert len(slow.builds) == 1
    assert any(line.startswith("the image thing is being built by process ") for line in made.lines)


def test_docker_takes_the_dockerfile_s_own_bases_and_buildah_those_made_here(made):
    assert made.builder.bases(RECIPE) == {}
    made.engine.pulls = False
    (made.checkout / "images/base").mkdir(parents=True)
    (made.checkout / "images/base/Dockerfile").write_text("FROM scratch\n")
    made = made.builder.bases(RECIPE)
    assert made["BASE"].startswith("localhost/guildnet/base-python:")
    assert made["BUILD_BASE"].startswith("localhost/guildnet/base-build:")


def test_the_base_that_begins_as_another_is_made_first_which_makes_the_other(made, monkeypatch):
    made.engine.pulls = False
    (made.checkout / "images/base").mkdir(parents=True)
    (made.checkout / "images/base/Dockerfile").write_text("FROM scratch\n")
    there: set[str] = set()
    monkeypatch.setattr(made.engine, "has", there.__contains__, raising=False)
    runs = []

    def make(variant, dockerfile, engine, job, work):
        runs.append(variant.name)
        for one in filter(None, (variant.begins, variant)):
            there.add(base.reference(one, dockerfile.read_bytes()))
        (work / variant.name).mkdir()
        (work / variant.name / "base.tar").write_bytes(b"")

    monkeypatch.setattr(base, "make", make)
    made.builder.ensure(RECIPE)
    assert runs == ["build"]


@pytest.mark.parametrize("pulls", [True, False])
def test_a_base_that_the_user_names_is_taken_for_both_stages_unless_a_second_is_named(made, pulls):
    made.engine.pulls = pulls
    named = ImageBuilder(made.builder.cache, print, made.checkout, {"BASE": "python:3.13"})
    named.__dict__["engine"] = made.engine
    assert named.bases(RECIPE) == {"BASE": "python:3.13", "BUILD_BASE": "python:3.13"}
    both = ImageBuilder(made.builder.cache, print, made.checkout, {"BASE": "a", "BUILD_BASE": "b"})
    assert both.bases(RECIPE) == {"BASE": "a", "BUILD_BASE": "b"}


@pytest.mark.parametrize("packed", [True, False], ids=["gzip", "plain"])
def test_the_size_of_an_archive_is_that_of_its_unpacked_layers(tmp_path, packed):
    write_archive(tmp_path / "a.tar", "localhost/x:1", b"\0" * 70_000, packed=packed)
    facts = archive.read(tmp_path / "a.tar")
    assert (facts.name, facts.size, facts.layers) == ("localhost/x:1", 70_000, 1)
    assert facts.config["config"]["User"] == "65532"


@pytest.mark.parametrize("packed", [True, False], ids=["gzip", "plain"])
def test_an_archive_says_how_large_it_is_as_it_stands(tmp_path, packed):
    write_archive(tmp_path / "a.tar", "localhost/x:1", b"\0" * 70_000, packed=packed)
    facts = archive.read(tmp_path / "a.tar")
    assert facts.packed < 1000 if packed else facts.packed == 70_000


@pytest.mark.parametrize("packed", [True, False], ids=["gzip", "plain"])
def test_the_files_of_an_archive_are_read_by_their_paths(tmp_path, packed):
    layer = io.BytesIO()
    with tarfile.open(fileobj=layer, mode="w") as out:
        for name in ("./opt/a.py", "etc/passwd"):
            member = tarfile.TarInfo(name)
            member.size = len(name)
            out.addfile(member, io.BytesIO(name.encode()))
        folder = tarfile.TarInfo("opt/empty")
        folder.type = tarfile.DIRTYPE
        out.addfile(folder)
    write_archive(tmp_path / "a.tar", "localhost/x:1", layer.getvalue(), packed=packed)
    facts = archive.read(tmp_path / "a.tar", lambda path: path.startswith("opt/"))
    assert facts.files == {"opt/a.py": b"./opt/a.py"}
    assert facts.size == len(layer.getvalue())


def test_a_tar_that_is_no_image_is_refused(tmp_path):
    with tarfile.open(tmp_path / "a.tar", "w") as out:
        out.addfile(tarfile.TarInfo("file"))
    with pytest.raises(ImageError, match=r"not an OCI archive: it has no index\.json"):
        archive.read(tmp_path / "a.tar")


def test_a_name_that_begins_like_another_is_not_taken_for_it(tmp_path):
    store = Store(tmp_path)
    for name in ("api", "api-extra"):
        path = store.archive(name, "0123456789ab")
        path.write_bytes(b"")
        path.with_suffix(".json").write_text('{"size_bytes": 1, "seconds": 1}')
    assert [image.ref for image in store.kept("api")] == [reference("api", "0123456789ab")]


def test_the_cache_is_where_xdg_says_and_a_relative_path_is_ignored():
    assert cache_directory({"XDG_CACHE_HOME": "/x", "HOME": "/h"}) == Path("/x/guildnet")
    assert cache_directory({"XDG_CACHE_HOME": "x", "HOME": "/h"}) == Path("/h/.cache/guildnet")
