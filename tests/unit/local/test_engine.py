"""The compiled data path: when it is built anew, and where it cannot be."""

from __future__ import annotations

from pathlib import Path

import pytest

from guildnet_local.build import engine


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    for name in ("services/proxy/native.py", "services/proxy/src/guildnet_proxy/memo.py", "libs/guildnet/src/names.py"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("first")
    return tmp_path


@pytest.mark.parametrize(
    "name", ["services/proxy/native.py", "services/proxy/src/guildnet_proxy/memo.py", "libs/guildnet/src/names.py"]
)
def test_a_source_or_a_type_it_is_compiled_by_changes_the_key(checkout: Path, name: str) -> None:
    before = engine.key(checkout)
    (checkout / name).write_text("second")
    assert engine.key(checkout) != before
    (checkout / name).write_text("first")
    assert engine.key(checkout) == before


def test_without_a_compiler_the_reason_is_told(checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(engine.NotCompiledError, match=r"no C compiler"):
        engine.ensure(checkout, tmp_path / "cache", lambda _: None)
    assert not (tmp_path / "cache").exists()


def test_what_is_there_is_not_compiled_again(checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "missing", lambda: None)
    there = tmp_path / "cache" / "engine" / engine.key(checkout)
    there.mkdir(parents=True)
    assert engine.ensure(checkout, tmp_path / "cache", lambda _: pytest.fail("compiles")) == there


def test_what_mypyc_says_is_told_and_nothing_is_kept(
    checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "missing", lambda: None)
    (checkout / "services/proxy/native.py").write_text("raise SystemExit('no such type')")
    with pytest.raises(engine.NotCompiledError, match=r"no such type"):
        engine.ensure(checkout, tmp_path / "cache", lambda _: None)
    assert [path.name for path in (tmp_path / "cache" / "engine").iterdir()] == [".lock"]
