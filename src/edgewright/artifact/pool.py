"""The threads of models that were built for several: the package's own pool, through ctypes."""

from __future__ import annotations

import ctypes
import os
import weakref
from pathlib import Path

from edgewright.errors import InternalError, InvalidPackage


def count_cpus() -> int:
    """The CPUs that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class Pool:
    """A pool of threads, which end with this object. Any number of models and threads may share it.

    Attributes:
        function: address of its `parallel_for`.
        handle: address of the pool.
    """

    def __init__(self, library: Path, threads: int) -> None:
        try:
            held = ctypes.CDLL(str(library.resolve()))
        except OSError as error:
            raise InvalidPackage(f"the threads cannot be loaded: {error}", where=library,
                                 help="build the package again") from None  # fmt: skip
        create, destroy = held.ew_threads_create, held.ew_threads_destroy
        create.restype, create.argtypes = ctypes.c_void_p, [ctypes.c_int32]
        destroy.restype, destroy.argtypes = None, [ctypes.c_void_p]
        handle: int | None = create(threads)
        if handle is None:
            raise InternalError("no memory for a pool of threads")
        self.function = ctypes.cast(held.ew_threads_for, ctypes.c_void_p).value
        self.handle = handle
        # Not at exit, where threads of Python may still be at work with it.
        weakref.finalize(self, _destroy, destroy, handle, os.getpid()).atexit = False


def _destroy(destroy: ctypes._NamedFuncPointer, handle: int, owner: int) -> None:
    """End the threads; after a fork only the parent has them."""
    if os.getpid() == owner:
        destroy(handle)
