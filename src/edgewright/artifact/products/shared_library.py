"""A shared library with all ISA levels, its sources, and a program that uses it."""

from __future__ import annotations

from pathlib import Path

from edgewright import toolchain
from edgewright.artifact.products import Built, Parts
from edgewright.artifact.products.sources import write_code, write_main, write_pool


def write(parts: Parts, folder: Path) -> Built:
    """Compile, link, check and copy the library."""
    code, target = parts.code, parts.target
    library = f"{target.library_prefix}{code.name}{target.library_suffix}"
    includes = {"model.h": code.model_h}
    built = toolchain.build_library(
        code.model_c, target, soname=library, includes=includes, compiler=parts.compiler
    )
    write_code(parts, folder)
    write_main(parts, folder)
    write_pool(parts, folder)
    (folder / library).write_bytes(built.read_bytes())
    binary = toolchain.read_binary(built)
    return Built(library, built.stat().st_size, binary.text_bytes + binary.rodata_bytes)
