"""The files that every product has: generated code, an example program, the weights."""

from __future__ import annotations

from pathlib import Path

from edgewright.artifact.products import Parts
from edgewright.codegen.main_c import main_text
from edgewright.toolchain import flags


def write_code(parts: Parts, folder: Path) -> None:
    """`model.c`, `model.h` and `weights.bin`."""
    (folder / "model.c").write_text(parts.code.model_c, encoding="utf-8")
    (folder / "model.h").write_text(parts.code.model_h, encoding="utf-8")
    (folder / "weights.bin").write_bytes(parts.code.weights)


def write_main(parts: Parts, folder: Path) -> None:
    """`main.c`, a program for systems with files and a C library."""
    code = parts.code
    command = flags.command_by_hand(code.name, parts.target.cross_cc or "cc")
    windows = parts.target.system == "Windows"
    text = main_text(code.name, code.entries[0], bool(code.sizes.state), command, windows=windows)
    (folder / "main.c").write_text(text, encoding="utf-8")
