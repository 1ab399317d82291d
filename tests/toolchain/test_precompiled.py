"""The header of intrinsics is parsed once, changes no byte, and is done without where it fails."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from edgewright import targets, toolchain
from edgewright.errors import CompileFailed
from edgewright.toolchain import cache, precompiled

SOURCE = """\
#include <immintrin.h>
__m256 sum(__m256 a, __m256 b);
__m256 sum(__m256 a, __m256 b) { return _mm256_add_ps(a, b); }
"""
X86 = targets.get("linux-x86_64")
AVX2 = X86.levels[1]


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(cache.VARIABLE, str(tmp_path / "cache"))
    monkeypatch.setattr(precompiled, "_absent", set())


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The options of each run of the compiler."""
    found: list[list[str]] = []
    run = toolchain._run

    def record(compiler: Any, options: Sequence[str], *rest: Any, **more: Any) -> None:
        found.append(list(options))
        run(compiler, options, *rest, **more)

    monkeypatch.setattr(toolchain, "_run", record)
    return found


def headers() -> list[Path]:
    return sorted(cache.root().rglob("*.pch"))


def test_a_parsed_header_changes_no_byte_and_serves_again(
    runs: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    with_header = toolchain.compile_object(SOURCE, X86, AVX2).read_bytes()
    toolchain.compile_object(SOURCE + "\n", X86, AVX2, extra_flags=["-DEW_LEVEL=avx2"])
    assert ["-include-pch" in options for options in runs] == [False, True, True]
    assert len(headers()) == 1
    monkeypatch.setattr(precompiled, "find", lambda *_: None)
    name = toolchain.compile_object(SOURCE, X86, AVX2)
    name.unlink()
    assert toolchain.compile_object(SOURCE, X86, AVX2).read_bytes() == with_header


def test_a_header_that_was_replaced_is_done_without(runs: list[list[str]]) -> None:
    toolchain.compile_object(SOURCE, X86, AVX2)
    (header,) = headers()
    header.write_bytes(b"another compiler's")
    runs.clear()
    assert toolchain.compile_object(SOURCE + "\n", X86, AVX2).stat().st_size
    assert ["-include-pch" in options for options in runs] == [True, False]
    assert headers() == []


def test_what_is_wrong_in_the_source_is_still_told() -> None:
    with pytest.raises(CompileFailed, match="nonsense"):
        toolchain.compile_object(SOURCE + "nonsense", X86, AVX2)


def test_a_header_that_cannot_be_parsed_is_tried_once(
    runs: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(precompiled._HEADERS, "x86_64", "no_such_header.h")
    source = "int a; /* #include <no_such_header.h> */\n"
    for text in (source, source + "\n"):
        toolchain.compile_object(text, X86, AVX2)
    assert ["c-header" in options for options in runs] == [True, False, False]


@pytest.mark.parametrize("plain", [
    {"level": X86.levels[0]},  # the baseline includes no intrinsics
    {"source": "int a;\n"},
    {"target": replace(X86, arch="riscv64")},
])  # fmt: skip
def test_what_needs_no_header_makes_none(plain: dict[str, Any]) -> None:
    given: dict[str, Any] = {"source": SOURCE.replace("__m256", "__m128").replace("_mm256", "_mm")}
    given |= {"target": X86, "level": AVX2} | plain
    toolchain.compile_object(given["source"], given["target"], given["level"])
    assert headers() == []
