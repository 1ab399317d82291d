"""Plan to C: `model.c`, `model.h`, `weights.bin`, `main.c`."""

from edgewright.codegen.header import Entry, Sizes, Tensor
from edgewright.codegen.program import Code, generate

__all__ = ["Code", "Entry", "Sizes", "Tensor", "generate"]
