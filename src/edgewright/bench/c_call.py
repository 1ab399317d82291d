"""What a caller in C waits for: the function of a package, called by a loop in C."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from pathlib import Path

from edgewright import targets, toolchain
from edgewright.artifact.native import Bound

LOOP = """\
#include <stdint.h>
typedef int (*entry)(const void *io, void *arena, const void *weights, const void *env);
int repeat(entry run, const void *io, void *arena, const void *weights, const void *env,
           int32_t count);
int repeat(entry run, const void *io, void *arena, const void *weights, const void *env,
           int32_t count) {
  int error = 0;
  for (int32_t i = 0; i < count; ++i) error |= run(io, arena, weights, env);
  return error;
}
"""


def loop() -> Path:
    """The compiled loop, in the cache."""
    options = ["-shared", "-fPIC"]
    return toolchain.link_program({"repeat.c": LOOP}, targets.get("host"), extra_flags=options)


def repeated(bound: Bound, compiled: Path) -> Callable[[int], None]:
    """A function that calls so many times, on the memory of the bound call.

    Other memory would be another measurement: how pages lie in caches makes more of a difference
    than Python does.

    Args:
        bound: what `Package.bind` gave.
        compiled: what `loop` made.
    """
    repeat = ctypes.CDLL(str(compiled.resolve())).repeat
    function = ctypes.cast(bound.function, ctypes.c_void_p)

    def run(count: int) -> None:
        if repeat(function, *bound.arguments, count):
            raise RuntimeError("the compiled model failed")

    return run
