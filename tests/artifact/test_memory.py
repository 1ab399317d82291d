"""Memory that models run in."""

from __future__ import annotations

import mmap
from pathlib import Path

import numpy as np
import pytest

from edgewright.artifact import memory


@pytest.mark.parametrize("size", [0, 1, 63, 4096, memory.LARGE_BYTES - 1, memory.LARGE_BYTES,
                                  memory.HUGE_BYTES, 3 * memory.HUGE_BYTES + 5])  # fmt: skip
def test_an_arena_is_aligned_and_cleared(size: int) -> None:
    held = memory.arena(size)
    assert held.size == max(size, 1) if size < memory.LARGE_BYTES else held.size == size
    assert held.ctypes.data % memory.ALIGNMENT == 0
    assert not held.any()
    held[...] = 1
    assert memory.arena(size).sum() == 0


@pytest.mark.skipif(not hasattr(mmap, "MADV_HUGEPAGE"), reason="this system has no huge pages")
def test_a_large_arena_starts_at_a_huge_page() -> None:
    for size in (memory.LARGE_BYTES, 5 * memory.HUGE_BYTES + 1):
        assert memory.arena(size).ctypes.data % memory.HUGE_BYTES == 0


def test_arrays_of_every_size_are_aligned() -> None:
    for shape in ((), (0, 3), (2, 5), (1000,)):
        held = memory.aligned_array(shape, np.dtype(np.float32))
        assert held.shape == shape
        assert held.dtype == np.float32
        assert held.ctypes.data % memory.ALIGNMENT == 0


@pytest.mark.parametrize("size", [1, 5000, memory.HUGE_BYTES + 1])
def test_a_mapped_file_is_what_it_holds_and_cannot_be_written(tmp_path: Path, size: int) -> None:
    path = tmp_path / "file"
    path.write_bytes(bytes(range(251)) * (size // 251 + 1))
    held = memory.mapped(path)
    assert held.tobytes() == path.read_bytes()
    assert held.ctypes.data % memory.ALIGNMENT == 0
    with pytest.raises(ValueError, match="read-only"):
        held[0] = 1


def test_a_file_that_is_empty_or_absent_cannot_be_mapped(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    with pytest.raises(ValueError, match="empty"):
        memory.mapped(tmp_path / "empty")
    with pytest.raises(FileNotFoundError):
        memory.mapped(tmp_path / "absent")
