"""A folder for a microcontroller's project: compiled code, sources, weights, a program, CMake."""

from __future__ import annotations

from pathlib import Path

from edgewright import toolchain
from edgewright.artifact.products import Built, Parts
from edgewright.artifact.products.sources import write_code
from edgewright.codegen import firmware
from edgewright.codegen.kernels import read_kernel
from edgewright.errors import InternalError
from edgewright.toolchain import flags


def write(parts: Parts, folder: Path) -> Built:
    """Compile one object, check it, and write what a program around it takes."""
    code, target = parts.code, parts.target
    if target.board is None:
        raise InternalError(f"target {target.name!r} has no board")
    library = f"{target.library_prefix}{code.name}{target.library_suffix}"
    includes = {"model.h": code.model_h}
    built = toolchain.compile_object(
        code.model_c, target, includes=includes, compiler=parts.compiler
    )
    binary = toolchain.check_library(built, target)
    write_code(parts, folder)
    (folder / library).write_bytes(built.read_bytes())
    code_bytes = binary.text_bytes + binary.rodata_bytes
    for name, text in _program(parts, library, code_bytes).items():
        (folder / name).write_text(text, encoding="utf-8")
    return Built(
        library,
        built.stat().st_size,
        code_bytes,
        flash_bytes=code_bytes + code.sizes.weights,
        ram_bytes=code.sizes.arena + code.sizes.state,
        notes=_notes(binary.undefined & target.soft_float),
    )


def _program(parts: Parts, library: str, code_bytes: int) -> dict[str, str]:
    """The text of every file around the model's own, by name."""
    code, target = parts.code, parts.target
    assert target.board is not None
    kind = "arm" if target.triple.startswith("thumb") else "riscv"
    by_hand = ";".join([*flags.BY_HAND, *target.compile_flags])
    options = target.baseline.flags
    return {
        "main.c": firmware.main_text(code),
        "startup.c": read_kernel(f"firmware/startup_{kind}.c"),
        "memory.c": read_kernel("firmware/memory.c"),
        "weights.c": firmware.weights_text(code.name, code.weights),
        "board.h": firmware.board_header(code, target.board, code_bytes),
        "board.ld": firmware.linker_script(target.board),
        "CMakeLists.txt": firmware.cmake_text(code.name, library, by_hand),
        "toolchain.cmake": firmware.toolchain_text(target.cross_cc, target.arch, options),
    }


def _notes(soft_float: frozenset[str]) -> tuple[str, ...]:
    """What a user has to know who expects integers only."""
    if not soft_float:
        return ()
    names = ", ".join(sorted(soft_float))
    return (f"float32 arithmetic is done in software, by the compiler's routines {names}",)
