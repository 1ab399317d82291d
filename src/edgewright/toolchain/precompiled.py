"""The compiler's header of intrinsics, parsed once for each set of flags and kept in the cache.

clang takes 0.28 s for it, ten times as long as for the code of a small operator, and each level of
each build needs it. The objects are the same bytes with and without.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from ..errors import CompileFailed
from ..targets import Level, Target
from . import cache
from .compilers import Compiler

#: By the CPU family; on others the header is small, or an error without certain flags.
_HEADERS = {"x86_64": "immintrin.h", "aarch64": "arm_neon.h"}
_CLANGS = ("zig", "clang")
#: What could not be made in this process, so as not to try for each file.
_absent: set[str] = set()

Run = Callable[[Sequence[str]], None]


def find(
    compiler: Compiler, options: Sequence[str], target: Target, level: Level, source: str, run: Run
) -> Path | None:
    """The parsed header for a source that includes it; None where there is none.

    Args:
        compiler: that compiles the source.
        options: all but definitions.
        target: where the code will run.
        level: the instruction set; the baseline of x86-64 includes no intrinsics.
        source: the text of the C file.
        run: runs the compiler with options. Raises CompileFailed.
    """
    header = _HEADERS.get(target.arch)
    if compiler.name not in _CLANGS or header is None or f"#include <{header}>" not in source:
        return None
    if target.arch == "x86_64" and not level.cpu_features:
        return None
    name = _name(compiler, options, header)
    if name in _absent:
        return None

    def make(out: Path) -> None:
        # What a parsed file was made of must stay where it was: a header of ours would not.
        run([*options, "-include", header, "-x", "c-header", os.devnull, "-o", str(out)])

    with suppress(CompileFailed):
        return cache.lookup(name, make)
    _absent.add(name)
    return None


def _name(compiler: Compiler, options: Sequence[str], header: str) -> str:
    """The cache entry: the header is that of one installation, and refused if that was replaced."""
    program = Path(compiler.command[0])
    installed = str(program.stat().st_mtime_ns) if program.exists() else ""
    return cache.key([compiler.version, str(program), installed, *options, header]) + ".pch"
