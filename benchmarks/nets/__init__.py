"""Architectures of the benchmark suite, built with seeded weights; one file per family.

Each file has `NETS`: name of a net -> function that appends it to a `Net`.
"""

from __future__ import annotations

import importlib
import pkgutil
import zlib
from collections.abc import Callable
from pathlib import Path

from benchmarks.nets.net import Net

Builder = Callable[[Net], None]
#: Raised when a net changes: files of an older version are written anew.
VERSION = 3


def nets() -> dict[str, Builder]:
    """Every net by name, families in alphabetical order."""
    found: dict[str, Builder] = {}
    for info in pkgutil.iter_modules(__path__):
        found |= getattr(importlib.import_module(f"{__name__}.{info.name}"), "NETS", {})
    return found


def write(name: str, folder: Path) -> Path:
    """The .onnx file of a net, written unless it is there. Raises KeyError."""
    builder = nets()[name]
    path = folder / f"{name}-v{VERSION}.onnx"
    if not path.exists():
        net = Net(name, seed=zlib.crc32(name.encode()))
        builder(net)
        folder.mkdir(parents=True, exist_ok=True)
        temporary = path.with_suffix(".partial")
        temporary.write_bytes(net.finish().SerializeToString())
        temporary.rename(path)
    return path
