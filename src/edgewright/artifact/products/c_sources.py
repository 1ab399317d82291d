"""Sources alone, in portable C11: what a compiler that we do not know is given."""

from __future__ import annotations

from pathlib import Path

from edgewright import toolchain
from edgewright.artifact.products import Built, Parts
from edgewright.artifact.products.sources import write_code, write_main
from edgewright.toolchain import flags


def write(parts: Parts, folder: Path) -> Built:
    """Write the sources, once they have compiled without a warning; sizes are that object's."""
    code = parts.code
    built = toolchain.compile_object(
        code.model_c,
        parts.target,
        includes={"model.h": code.model_h},
        extra_flags=flags.PEDANTIC,
        compiler=parts.compiler,
    )
    binary = toolchain.check_library(built, parts.target)
    write_code(parts, folder)
    write_main(parts, folder)
    size = len(code.model_c.encode())
    return Built("model.c", size, binary.text_bytes + binary.rodata_bytes)
