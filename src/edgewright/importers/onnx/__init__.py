"""Reads .onnx models: opset 7 to the newest that the onnx package knows.

Every operator has a rule in a file of this folder; `load` walks the graph once, applies the rules,
collects everything that is not supported, and raises it all at once.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from edgewright.importers.options import ImportOptions

if TYPE_CHECKING:
    from edgewright.graph import Module

NAME: Final = "onnx"
OLDEST_OPSET: Final = 7
#: inputs and outputs go by the names that they have in the file
KEEPS_NAMES: Final = True


def sniff(head: bytes, path: Path) -> bool:
    """Whether a file looks like an ONNX model, by its first bytes and its name."""
    return path.suffix.lower() == ".onnx" or (
        head[:1] == b"\x08"
        and len(head) > 2
        and head[1] < 32
        and head[2] in (0x12, 0x1A, 0x22, 0x3A)
    )


def load(path: Path, options: ImportOptions | None = None) -> Module:
    """Import a model.

    Raises:
        InvalidModel: the file is damaged or contradicts itself.
        UnsupportedModel: one thing in it cannot be built.
        Problems: several of the above.
        InvalidOption: `options` do not fit the model.
    """
    from edgewright.importers.onnx import model

    return model.load(path, options or ImportOptions())
