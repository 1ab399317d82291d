"""Plan to C: `model.c`, `model.h`, `weights.bin`, `main.c`.

Names are looked up when they are first used: loading a package needs `codegen.weights` alone, and
waits neither for the planner nor for the operators.
"""

from typing import TYPE_CHECKING

from edgewright import lend

if TYPE_CHECKING:
    from edgewright.codegen.header import Entry as Entry
    from edgewright.codegen.header import Sizes as Sizes
    from edgewright.codegen.header import Tensor as Tensor
    from edgewright.codegen.program import Code as Code
    from edgewright.codegen.program import generate as generate

lend(
    __name__,
    {
        "Code": "codegen.program",
        "Entry": "codegen.header",
        "Sizes": "codegen.header",
        "Tensor": "codegen.header",
        "generate": "codegen.program",
    },
)
