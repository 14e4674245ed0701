"""Image references and allow lists: whole segments, normalised names, tags and digests."""

from __future__ import annotations

import pytest

from guildnet import image

D1, D2 = "sha256:" + "a" * 64, "sha256:" + "b" * 64

ALLOWED = [
    ("nginx", "nginx"),
    ("nginx", "nginx:1.27"),
    ("nginx", f"nginx@{D1}"),
    ("nginx", "docker.io/library/nginx"),
    ("nginx", "index.docker.io/nginx:1"),
    ("docker.io/library", "nginx"),
    ("docker.io", "anyone/anything"),
    ("ghcr.io", "ghcr.io/acme/x:1"),
    ("GHCR.io/acme", "ghcr.io/acme/x"),
    ("ghcr.io/acme", "ghcr.io/acme"),
    ("ghcr.io/acme/", "ghcr.io/acme/x/y"),
    ("jupyter/", "jupyter/minimal-notebook"),
    ("jupyter/", "docker.io/jupyter/minimal-notebook:latest"),
    ("localhost", "localhost/guildnet/jupyterlab:dev-1"),
    ("localhost:5000/", "localhost:5000/acme/x"),
    ("localhost:5000/acme", "localhost:5000/acme/x"),
    ("ghcr.io/acme/x:1.2", "ghcr.io/acme/x:1.2"),
    ("ghcr.io/acme/x:latest", "ghcr.io/acme/x"),
    (f"ghcr.io/acme/x@{D1}", f"ghcr.io/acme/x@{D1}"),
    (f"ghcr.io/acme/x@{D1}", f"ghcr.io/acme/x:9@{D1}"),
    ("myregistry.example:5000/a/b", "myregistry.example:5000/a/b:1"),
]
REFUSED = [
    ("nginx", "nginx/evil"),
    ("nginx", "nginxevil"),
    ("nginx", "ghcr.io/library/nginx"),
    ("ghcr.io/acme", "ghcr.io/acmeevil/x"),
    ("ghcr.io/acme", "ghcr.io.evil.example/acme/x"),
    ("ghcr.io/acme", "evil.example/ghcr.io/acme/x"),
    ("ghcr.io/acme", "ghcr.io:444/acme/x"),
    ("ghcr.io/acme", "ghcr.io/acme/../evil/x"),
    ("ghcr.io/acme", "ghcr.io/acme//x"),
    ("ghcr.io/acme", "ghcr.io/Acme/x"),
    ("ghcr.io/acme", "ghcr.io/acme/x:"),
    ("ghcr.io/acme", "ghcr.io/acme/x@"),
    ("ghcr.io/acme", "ghcr.io/acme/x@sha256:short"),
    ("ghcr.io/acme", " ghcr.io/acme/x"),
    ("ghcr.io/acme", "ghcr.io/acme/x\n"),
    ("jupyter", "jupyter/minimal-notebook"),
    ("jupyter/", "jupyterevil/x"),
    ("ghcr.io/acme/x:1.2", "ghcr.io/acme/x:1.3"),
    ("ghcr.io/acme/x:1.2", "ghcr.io/acme/x"),
    ("ghcr.io/acme/x:1.2", f"ghcr.io/acme/x:1.2@{D2}"),
    ("ghcr.io/acme/x:1.2", "ghcr.io/acme/x/y:1.2"),
    (f"ghcr.io/acme/x@{D1}", f"ghcr.io/acme/x@{D2}"),
    (f"ghcr.io/acme/x@{D1}", "ghcr.io/acme/x"),
    ("", "nginx"),
    ("/", "nginx"),
    ("*", "nginx"),
    ("nginx", ""),
]


@pytest.mark.parametrize(("line", "reference"), ALLOWED)
def test_a_line_covers_what_it_names(line: str, reference: str) -> None:
    assert image.allows(line, reference)


@pytest.mark.parametrize(("line", "reference"), REFUSED)
def test_a_line_covers_nothing_else(line: str, reference: str) -> None:
    assert not image.allows(line, reference)
