"""The pool of threads: every piece once, no races, no deadlock, asleep when idle."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from tests.kernels.harness import HERE

from edgewright import targets, toolchain
from edgewright.codegen import threads
from edgewright.toolchain import flags

SOURCE = HERE / "threads" / "pool.c"


def run(program: Path, *arguments: str) -> None:
    done = subprocess.run(
        [program, *arguments], capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr


def test_every_piece_is_done_once() -> None:
    """By three callers at once, whose tasks call again; with threads, with one, with no pool."""
    sources = {**threads.sources(), "main.c": SOURCE.read_text("utf-8")}
    program = toolchain.link_program(sources, targets.get("host"))
    for count in ("3", "1", "0", "-1"):
        run(program, count, "400")


def test_no_races(tmp_path: Path) -> None:
    """ThreadSanitizer, and gcc's warnings, with the flags that a package prints."""
    if shutil.which("gcc") is None:
        pytest.skip("gcc is not installed")
    for name, text in {**threads.sources(), "main.c": SOURCE.read_text("utf-8")}.items():
        (tmp_path / name).write_text(text)
    options = [*flags.COMPILE, *flags.PEDANTIC, "-fsanitize=thread", "-pthread", "-g"]
    program = tmp_path / "pool"
    done = subprocess.run(
        ["gcc", *options, "main.c", "threads.c", "-o", str(program)],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if "tsan" in done.stderr:
        pytest.skip("gcc has no ThreadSanitizer")
    assert done.returncode == 0, done.stderr
    run(program, "4", "200")
