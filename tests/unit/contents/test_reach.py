"""What no import reaches is found, and nothing that one reaches is named."""

from __future__ import annotations

import pytest

from guildnet_local.images import Image, SizeLimitError
from proofs import Figure, image_sizes
from proofs.contents.reach import Unreached, module_of, named_in_source, unreached
from proofs.image_sizes import LIMIT_BYTES, figure

PROGRAM = {"app/__init__.py": b"", "app/__main__.py": b"import used.inner\n"}


def names(files: dict[str, bytes]) -> list[str]:
    return [one.name for one in unreached({**PROGRAM, **files}, ["app.__main__"])]


@pytest.mark.parametrize(
    ("path", "module"),
    [
        ("a/b.py", ("a.b", False)),
        ("a/__init__.py", ("a", True)),
        ("six.py", ("six", False)),
        ("a/__pycache__/b.cpython-313.pyc", ("a.b", False)),
        ("a/__pycache__/__init__.cpython-313.opt-1.pyc", ("a", True)),
        ("a/b.cpython-313-x86_64-linux-gnu.so", ("a.b", False)),
        ("a/b.abi3.so", ("a.b", False)),
        ("a/b.pyi", None),
        ("a/data.json", None),
        ("a-1.0.dist-info/METADATA", None),
        ("a.libs/libx.so.1", None),
    ],
)
def test_a_file_belongs_to_a_module(path: str, module: tuple[str, bool] | None):
    assert module_of(path) == module


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("import x.y", "x.y"),
        ("from x import y", "x.y"),
        ("from . import y", "p.q.y"),
        ("from .y import z", "p.q.y"),
        ("from ..y import z", "p.y.z"),
        ("def f():\n    import x", "x"),
        ("try:\n    import x\nexcept ImportError:\n    pass", "x"),
        ("import_module('x.y')", "x.y"),
        ("load('x.y:Class')", "x.y"),
        ("lazy = {'Name': (__package__, '.y')}", "p.q.y"),
        ("if TYPE_CHECKING:\n    pass\nelse:\n    import x", "x"),
    ],
)
def test_an_import_is_found_wherever_it_stands(source: str, name: str):
    assert name in set(named_in_source(source.encode(), "p.q"))


@pytest.mark.parametrize("test", ["TYPE_CHECKING", "typing.TYPE_CHECKING"])
def test_an_import_for_types_alone_reaches_nothing(test: str):
    assert list(named_in_source(f"if {test}:\n    import x\n".encode(), "p")) == []


def test_what_is_imported_is_reached_with_its_parents_and_data():
    used = {"used/__init__.py": b"", "used/inner.py": b"", "used/table.json": b"{}", "used-1.dist-info/METADATA": b"x"}
    assert names(used) == []


def test_a_tree_that_nothing_imports_is_one_entry_with_all_its_bytes():
    files = {
        "used/__init__.py": b"",
        "used/inner.py": b"",
        "used/idle/__init__.py": b"123",
        "used/idle/deep/x.py": b"45",
        "used/idle/__pycache__/__init__.cpython-313.pyc": b"6",
        "used/idle/data.txt": b"789",
        "lone.py": b"1",
    }
    found = unreached({**PROGRAM, **files}, ["app.__main__"])
    assert found == [Unreached("used.idle", 9), Unreached("lone", 1)]


@pytest.mark.parametrize("source", ['load(f"used.back._{name}")', 'load("used.back._" + name)'])
def test_a_backend_named_by_its_beginning_is_reached(source: str):
    files = {
        "used/__init__.py": b"",
        "used/inner.py": source.encode(),
        "used/back/__init__.py": b"",
        "used/back/_a.py": b"",
        "used/back/other.py": b"1",
    }
    assert names(files) == ["used.back.other"]


def test_a_module_beside_a_reached_one_is_named():
    assert names({"used/__init__.py": b"", "used/inner.py": b"", "used/other.py": b"1"}) == ["used.other"]


def test_a_compiled_module_reaches_what_its_bytes_name():
    files = {
        "used/__init__.py": b"",
        "used/inner.cpython-313-x86_64-linux-gnu.so": b"\x7fELF\0used.helper\0",
        "used/helper.py": b"",
        "used/other.py": b"1",
    }
    assert names(files) == ["used.other"]


def test_what_only_compilers_and_type_checkers_read_is_named_by_kind():
    files = {"used/__init__.py": b"", "used/inner.py": b"", "used/inner.pyi": b"12", "used/fast.pyx": b"1"}
    assert unreached({**PROGRAM, **files}, ["app.__main__"]) == [
        Unreached("used: *.pyi", 2),
        Unreached("used: *.pyx", 1),
    ]


def test_one_image_above_the_limit_misses():
    assert figure({"api": LIMIT_BYTES, "proxy": 1}).met
    assert not figure({"api": LIMIT_BYTES + 1, "proxy": 1}).met


def test_an_image_that_no_build_gives_for_its_size_is_a_miss(monkeypatch: pytest.MonkeyPatch):
    def build(_: object) -> dict[str, Image]:
        raise SizeLimitError("the image api has 256 MB, more than its limit of 150 MB")

    monkeypatch.setattr(image_sizes, "ensure", build)
    assert image_sizes.prove() == Figure("the image api has 256 MB, more than its limit of 150 MB", met=False)
