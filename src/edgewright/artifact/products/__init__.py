"""Products: what a build makes of generated code.

One module per kind (`targets.Target.product`), with a function `write(parts, folder) -> Built` that
puts everything a user of that target needs into `folder`.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol, cast

from edgewright.codegen import Code
from edgewright.targets import Target
from edgewright.toolchain import Compiler


@dataclass(frozen=True)
class Parts:
    """What a product is made of.

    Attributes:
        code: the generated code and weights.
        target: where it will run.
        compiler: what compiles it.
        contract: the model contract as JSON data, for products with a face.
    """

    code: Code
    target: Target
    compiler: Compiler
    contract: dict[str, Any]


@dataclass(frozen=True)
class Built:
    """What was written besides the sources.

    Attributes:
        library: name of the main file: the library, module or object that the app links.
        library_bytes: its size.
        code_bytes: instructions and constants in it, without weights.
        flash_bytes: code, constants and weights, of a microcontroller.
        ram_bytes: arena and state, of a microcontroller.
        notes: what a user has to know.
    """

    library: str
    library_bytes: int
    code_bytes: int
    flash_bytes: int | None = None
    ram_bytes: int | None = None
    notes: tuple[str, ...] = ()


class ProductModule(Protocol):
    """What a module of this folder has."""

    def write(self, parts: Parts, folder: Path) -> Built:
        """Write the product into the existing, empty `folder`. Raises CompileFailed."""


def find(target: Target) -> ProductModule:
    """The module that writes what `target` gets."""
    return cast(ProductModule, import_module(f"{__name__}.{target.product}"))
