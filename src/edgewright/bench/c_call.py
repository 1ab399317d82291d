"""What a caller in C waits for: the function of a package, called by a loop in C."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from edgewright import targets, toolchain

Array = npt.NDArray[Any]
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


class _Env(ctypes.Structure):
    _fields_ = [
        ("version", ctypes.c_int32), ("isa", ctypes.c_int32),
        ("parallel_for", ctypes.c_void_p), ("pool", ctypes.c_void_p),
    ]  # fmt: skip


def loop() -> Path:
    """The compiled loop, in the cache."""
    options = ["-shared", "-fPIC"]
    return toolchain.link_program({"repeat.c": LOOP}, targets.get("host"), extra_flags=options)


def repeated(package: Any, arrays: Sequence[Array], compiled: Path) -> Callable[[int], None]:
    """A function that calls so many times. It follows model.h, not our own loader.

    Args:
        package: of fixed sizes and with one entry point.
        arrays: its inputs in order.
        compiled: what `loop` made.
    """
    entry = package.manifest.entries[0]
    info = package.manifest.targets[package.target_name]
    folder = package.folder / "targets" / package.target_name
    library = ctypes.CDLL(str((folder / info.library).resolve()))
    weights = _aligned(np.fromfile(folder / "weights.bin", np.uint8))
    outputs = [np.empty(t.shape, t.dtype) for t in entry.outputs]
    state = _aligned(np.zeros(info.memory.state_bytes, np.uint8))
    arena = _aligned(np.zeros(info.memory.arena_bytes, np.uint8))
    pointers = [a.ctypes.data for a in (*arrays, *outputs, *([state] if state.size else []))]
    io = (ctypes.c_void_p * (len(pointers) + 1))(*pointers, None)
    name = package.manifest.name
    if state.size:
        library[f"{name}_reset"](ctypes.c_void_p(state.ctypes.data), _pointer(weights))
    env = _Env(1, library[f"{name}_detect_isa"](), None, None)
    repeat = ctypes.CDLL(str(compiled.resolve())).repeat
    kept = (arrays, outputs, state, weights, arena, io, env)

    def run(count: int) -> None:
        function = ctypes.cast(library[entry.function], ctypes.c_void_p)
        if repeat(function, ctypes.byref(io), _pointer(kept[4]), _pointer(kept[3]),
                  ctypes.byref(env), count):  # fmt: skip
            raise RuntimeError("the compiled model failed")

    return run


def _pointer(array: Array) -> ctypes.c_void_p:
    return ctypes.c_void_p(array.ctypes.data)


def _aligned(content: Array) -> Array:
    memory = np.zeros(content.size + 64, np.uint8)
    start = -memory.ctypes.data % 64
    held = memory[start : start + content.size]
    held[...] = content
    return held
