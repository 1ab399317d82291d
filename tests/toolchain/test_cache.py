"""The cache: one key one content, atomic, bounded."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from edgewright.errors import InvalidOption
from edgewright.toolchain import cache


def test_a_key_depends_on_where_its_parts_end() -> None:
    assert cache.key(["ab", "c"]) != cache.key(["a", "bc"])
    assert cache.key(["ab", "c"]) == cache.key([b"ab", "c"])


def test_an_entry_is_made_once(fresh_cache: Path) -> None:
    made = []

    def make(path: Path) -> None:
        made.append(path)
        path.write_text("content")

    first, second = cache.lookup("ab.o", make), cache.lookup("ab.o", make)
    assert first == second
    assert first.read_text() == "content"
    assert len(made) == 1
    assert [p.name for p in fresh_cache.rglob("*") if p.is_file()] == ["ab.o"]


def test_a_failed_entry_leaves_nothing(fresh_cache: Path) -> None:
    def make(path: Path) -> None:
        path.write_text("half")
        raise RuntimeError("killed")

    with pytest.raises(RuntimeError, match="killed"):
        cache.lookup("cd.o", make)
    assert [p for p in fresh_cache.rglob("*") if p.is_file()] == []


def writer(content: str) -> Callable[[Path], None]:
    def make(path: Path) -> None:
        path.write_text(content)

    return make


@pytest.mark.usefixtures("fresh_cache")
def test_many_writers_of_one_key_see_whole_files() -> None:
    content = "x" * 100_000
    with ThreadPoolExecutor(8) as pool:
        paths = list(pool.map(lambda _: cache.lookup("ef.o", writer(content)), range(32)))
    assert {path.read_text() for path in paths} == {content}


@pytest.mark.usefixtures("fresh_cache")
def test_pruning_removes_what_was_unused_for_longest() -> None:
    for i, name in enumerate(["aa.o", "bb.o", "cc.o"]):
        entry = cache.lookup(name, writer("0123456789"))
        os.utime(entry, (i, i))
    cache.lookup("aa.o", lambda _: None)  # used again: now the youngest
    assert cache.prune(limit_bytes=25) == 10
    left = sorted(path.name for path in cache.root().rglob("*.o"))
    assert left == ["aa.o", "cc.o"]


def test_a_cache_that_cannot_be_written_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("EDGEWRIGHT_CACHE", str(tmp_path / "file"))
    with pytest.raises(InvalidOption, match="cannot write to the cache") as caught:
        cache.lookup("aa.o", writer("content"))
    assert caught.value.help == "set EDGEWRIGHT_CACHE to a folder that you can write to"
