"""Edgewright's own packages, through its Python loader."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from edgewright.bench import c_call
from edgewright.bench.runtimes import Array, Loaded, copies

TITLE = "Edgewright"
READS = (".package",)
PACKAGES = ()


def prepare() -> None:
    """Import the loader, and what it imports when it is first used."""
    import edgewright.artifact.native
    import edgewright.artifact.package  # noqa: F401
    from edgewright import targets

    targets.registry()


def version() -> str:
    """Of the installed package."""
    import edgewright

    return edgewright.__version__


def load(path: Path, arrays: Sequence[Array], threads: int) -> Loaded:
    """A package, with its inputs in order."""
    from edgewright.artifact.package import load_package

    package = load_package(path, threads=threads)
    fed = {info.name: array for info, array in zip(package.inputs, arrays, strict=True)}
    bound = package.bind(fed)

    def native(count: int) -> None:
        if not loops:
            loops.append(c_call.repeated(bound, c_call.loop()))
        loops[0](count)

    loops: list[Callable[[int], None]] = []
    return Loaded(
        bound, lambda: package.run(fed), lambda: copies(list(bound.outputs.values())), native
    )
