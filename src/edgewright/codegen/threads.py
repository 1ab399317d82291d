"""The pool of threads that a package built for several of them brings: `threads.c`, `threads.h`."""

from __future__ import annotations

from edgewright.codegen.kernels import read_kernel


def sources() -> dict[str, str]:
    """Text by file name."""
    return {name: read_kernel(f"threads/{name}") for name in ("threads.c", "threads.h")}
