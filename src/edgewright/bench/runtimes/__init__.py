"""The runtimes that are compared; one file each, found by its place.

A runtime's file has:

    TITLE      how tables call it
    PACKAGES   folders of site-packages whose shared libraries it maps
    prepare()  import what it needs; raises ImportError where it is not installed
    version()  after `prepare`
    load(path, arrays, threads) -> Loaded
    convert(source, folder) -> Path   only if it reads a format of its own: makes that file

and states what it reads in READS, by suffix.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Loaded:
    """A model that is ready to run.

    Attributes:
        bound: runs it on inputs that are in place already.
        complete: what a caller in Python writes: arrays in, arrays out.
        outputs: copies of the results of the last `bound`.
        native: runs it so many times from a loop in C; only ours has one.
    """

    bound: Callable[[], object]
    complete: Callable[[], object]
    outputs: Callable[[], Sequence[Array]]
    native: Callable[[int], None] | None = None


def names() -> list[str]:
    """Every runtime: Edgewright first, then by name."""
    found = [info.name for info in pkgutil.iter_modules(__path__)]
    return sorted(found, key=lambda name: (name != "edgewright", name))


def get(name: str) -> ModuleType:
    """The module of a runtime. Raises ModuleNotFoundError."""
    return importlib.import_module(f"{__name__}.{name}")


def copies(arrays: Sequence[Any]) -> list[Array]:
    """NumPy arrays that nothing else writes to."""
    return [np.array(a) for a in arrays]
