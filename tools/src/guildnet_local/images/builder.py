"""The build of one image: what it needs before, its build context, the build, the archive.

Everything is done under the image's lock in a directory that is removed at the end, whatever happens.
"""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TextIO

from guildnet_local.build.cache import Report, locked
from guildnet_local.build.go import find_go
from guildnet_local.build.runner import Progress
from guildnet_local.images import archive, base, host, sbom, ui
from guildnet_local.images.context import DOCKERFILE, Entry, entries, key, lay_out
from guildnet_local.images.engine import Build, Buildah, Engine, find
from guildnet_local.images.job import Job, megabytes
from guildnet_local.images.recipes import ImageError, Recipe, SizeLimitError
from guildnet_local.images.store import Image, Store, reference

CHECKOUT = Path(__file__).resolve().parents[4]
BASE_DOCKERFILE = Path("images/base/Dockerfile")


@dataclass(frozen=True)
class ImageBuilder:
    """Builds images: from which checkout, into which cache, reporting where.

    `environ` may name official bases (BASE, BUILD_BASE) to be pulled in place of those made here.
    """

    cache: Path
    report: Report
    checkout: Path = CHECKOUT
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)

    @cached_property
    def store(self) -> Store:
        return Store(self.cache)

    @cached_property
    def engine(self) -> Engine:
        return find(self.cache)

    def ensure(self, recipe: Recipe) -> Image:
        """The image, built when it is not there. Raises ImageError."""
        files = self.files(recipe)
        bases = self.bases(recipe)
        current = key(files, {**bases, **recipe.arguments})
        if (image := self.store.find(recipe.name, current)) is not None:
            return image
        with locked(self._lock(recipe.name), f"the image {recipe.name}", self.report):
            return self.store.find(recipe.name, current) or self._make(recipe, files, bases)

    def files(self, recipe: Recipe) -> tuple[Entry, ...]:
        """The context's files, with programs and UI built where they are not there."""
        made: dict[str, Path] = {}
        if recipe.programs:
            from guildnet_local.build import programs

            made |= programs.ensure(recipe.programs, report=self.report)
        if recipe.ui:
            made["ui/dist"] = ui.ensure(self.checkout / "ui", self.cache, self.report)
        return entries(recipe, self.checkout, made)

    def bases(self, recipe: Recipe) -> dict[str, str]:
        """Build argument → base image. Docker takes a Dockerfile's own; a base that is named is taken by both."""
        named = {name: self.environ[name] for name in recipe.bases if self.environ.get(name)}
        if "BUILD_BASE" in recipe.bases and "BASE" in self.environ:
            named.setdefault("BUILD_BASE", self.environ["BASE"])
        if named or self.engine.pulls:
            return named
        dockerfile = (self.checkout / BASE_DOCKERFILE).read_bytes()
        return {name: base.reference(base.VARIANTS[variant], dockerfile) for name, variant in recipe.bases.items()}

    def _lock(self, name: str) -> Path:
        return self.cache / "images" / f".lock-{name}"

    def _make(self, recipe: Recipe, files: tuple[Entry, ...], bases: Mapping[str, str]) -> Image:
        with self._building(), self._work_directory(recipe.name) as work:
            # One that begins as another first: that one is made on the way.
            for name in sorted(bases, key=lambda name: not base.VARIANTS[recipe.bases[name]].begins):
                self._ensure_base(recipe.bases[name], bases[name])
            job = self._job(recipe.name)
            self.report(f"building the image {recipe.name} …")
            arguments = {**bases, **recipe.arguments}
            # What is built is what was copied, and gets the key of that, should a file change at this moment.
            current = key(lay_out(files, work / "context"), arguments)
            ref = reference(recipe.name, current)
            written = work / f"{recipe.name}.tar"
            dockerfile = (work / "context" / DOCKERFILE).read_text()
            secrets = host.secrets(dockerfile, work / "secrets", self.environ)
            self.engine.build(Build(work / "context", ref, arguments, secrets), job)
            self.engine.save(ref, written, job)
            facts = archive.read(written, sbom.wanted)
            if recipe.limit_bytes and facts.size > recipe.limit_bytes:
                found, allowed = megabytes(facts.size), megabytes(recipe.limit_bytes)
                raise SizeLimitError(f"the image {recipe.name} has {found}, more than its limit of {allowed}")
            kept, seconds = self.store.archive(recipe.name, current), round(job.progress.seconds, 1)
            finished = Image(recipe.name, current, ref, kept, facts.size, seconds)
            self.store.bill(recipe.name, current).write_text(self._bill(recipe, current, facts.files, work / "context"))
            self.store.put(finished, written)
            self.report(f"built the image {recipe.name}: {megabytes(finished.size_bytes)}, {job.progress.elapsed}")
            self.engine.forget(stale.ref for stale in self.store.forget_stale(recipe.name))
        return finished

    def _bill(self, recipe: Recipe, current: str, files: Mapping[str, bytes], context: Path) -> str:
        """The bill of materials of what was built: from its files, and from what was compiled for it before."""
        found = [*sbom.of_image(files), *sbom.of_host_files(recipe.files)]
        if recipe.programs:
            programs = [context / program for program in recipe.programs]
            found += sbom.of_programs(find_go(self.environ).path, programs)
        if recipe.ui:
            found += sbom.of_npm_lock((self.checkout / "ui/package-lock.json").read_bytes())
        return sbom.document(recipe.name, current, found)

    def run_in_base(
        self, variant: str, argv: Sequence[str], env: Mapping[str, str], directory: Path, shared: Iterable[Path]
    ) -> int:
        """Run a command in a base image made here, in its `directory`, with the `shared` paths of this machine.

        The answer is its exit code. Raises ImageError: the base cannot be made, or the builder is not buildah."""
        if not isinstance(self.engine, Buildah):
            raise ImageError("only buildah makes base images here")
        ref = base.reference(base.VARIANTS[variant], (self.checkout / BASE_DOCKERFILE).read_bytes())
        with self._building():
            self._ensure_base(variant, ref)
            return self.engine.run(ref, argv, env, directory, shared)

    def _ensure_base(self, variant: str, ref: str) -> None:
        if not ref.startswith("localhost/guildnet/base-") or self.engine.has(ref):
            return
        what = f"base-{variant}"
        with locked(self._lock(what), f"the base image {variant}", self.report), self._work_directory(what) as work:
            if not self.engine.has(ref):
                job = self._job(what)
                self.report(f"building the base image {variant} …")
                base.make(base.VARIANTS[variant], self.checkout / BASE_DOCKERFILE, self.engine, job, work)
                size = (work / variant / "base.tar").stat().st_size
                self.report(f"built the base image {variant}: {megabytes(size)}, {job.progress.elapsed}")

    def _job(self, name: str) -> Job:
        log = self.cache / "images" / "logs" / f"{name}.log"
        log.unlink(missing_ok=True)
        return Job(Progress(name, self.report), log)

    @contextmanager
    def _work_directory(self, name: str) -> Iterator[Path]:
        """A directory for one build, on the file system of the archives; what an interrupted one left goes first."""
        parent = self.cache / "images"
        for left in parent.glob(f".build-{name}.*"):
            shutil.rmtree(left, ignore_errors=True)
        work = Path(tempfile.mkdtemp(prefix=f".build-{name}.", dir=parent))
        try:
            yield work
        finally:
            shutil.rmtree(work, ignore_errors=True)

    @contextmanager
    def _building(self) -> Iterator[None]:
        """Hold the engine's store together with other builds; whoever is alone clears what broken ones left."""
        with (self.store.directory / ".lock-engine").open("a") as lock:
            self._clear_alone(lock)
            fcntl.flock(lock, fcntl.LOCK_SH)
            try:
                yield
            except BaseException:
                self._clear_alone(lock)
                raise

    def clean(self) -> None:
        """Drop the builder's store, once no build uses it. Docker's is not ours to drop."""
        if isinstance(self.engine, Buildah):
            with (self.store.directory / ".lock-engine").open("a") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                self.engine.clear()
                shutil.rmtree(self.engine.directory, ignore_errors=True)

    def _clear_alone(self, lock: TextIO) -> None:
        if isinstance(self.engine, Buildah):
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return
            self.engine.clear()
