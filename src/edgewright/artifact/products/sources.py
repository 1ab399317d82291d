"""The files that every product has: generated code, an example program, the weights."""

from __future__ import annotations

from pathlib import Path

from edgewright import toolchain
from edgewright.artifact.products import Parts
from edgewright.codegen import threads
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
    chunks = parts.target.chunks
    text = main_text(code.name, code.entries[0], bool(code.sizes.state), command, windows=windows,
                     threads=chunks, marked=code.marked)  # fmt: skip
    (folder / "main.c").write_text(text, encoding="utf-8")
    if chunks > 1:
        for name, source in threads.sources().items():
            (folder / name).write_text(source, encoding="utf-8")


def write_pool(parts: Parts, folder: Path) -> None:
    """The pool as a library of its own, for loaders: where we have the system's C library."""
    target = parts.target
    if target.chunks == 1 or target.system != "Linux":
        return
    name = f"lib{parts.code.name}_threads.so"
    built = toolchain.link_hosted(threads.sources(), target, soname=name, compiler=parts.compiler)
    (folder / name).write_bytes(built.read_bytes())
