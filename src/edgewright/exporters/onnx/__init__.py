"""Writes .onnx files: opset 13 to the newest that the onnx package knows, nodes channels-first.

Every operator has a rule in a file of this folder. A value may be held in any order of axes
(`writer.Writer`), so transposes are written only where an operator needs another order than the
one that its operand has: in a convolutional net, at most at the interface.

The default opset is 18: the oldest with every operator that most models need, read by ONNX Runtime
from 1.14 (February 2023) on, by OpenVINO, and by the mobile builds that apps already carry. A model
that needs more (16-bit quantisation: 21) gets the opset that it needs, and a note.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from edgewright.data.contract import Contract
    from edgewright.exporters import Exported
    from edgewright.graph import Module

NAME: Final = "onnx"
SUFFIX: Final = ".onnx"
OLDEST_OPSET: Final = 13
DEFAULT_OPSET: Final = 18
WEIGHTS: Final = ("as_is", "float16", "dynamic_range")


def export(
    module: Module,
    *,
    opset: int | None = None,
    weights: str = "as_is",
    channels_first: bool | None = None,
    contract: Contract | None = None,
) -> Exported:
    """The module's first entry point as an ONNX model.

    Args:
        module: optimised or not.
        opset: of the operators; default: 18, or what the model needs.
        weights: "as_is"; "float16" stores large float32 constants in half the space; or
            "dynamic_range" stores weights as 8-bit integers, one scale per output channel.
        channels_first: order of the axes of images at the interface; default: as in the module.
        contract: what the model says about itself (`metadata_props`).

    Raises:
        InvalidOption: an option has no meaning.
        UnsupportedModel, Problems: what ONNX cannot express, all of it.
    """
    from edgewright.exporters.onnx.model import write

    return write(
        module, opset=opset, weights=weights, channels_first=channels_first, contract=contract
    )
