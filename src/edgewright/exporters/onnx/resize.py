"""Images resized."""

from __future__ import annotations

from typing import Any, Final

from edgewright.exporters.onnx.layout import CHANNELS_FIRST, arranged
from edgewright.exporters.onnx.node import NodeWriter
from edgewright.exporters.onnx.rule import rule

ROUNDING: Final = {
    "floor": "floor", "ceil": "ceil", "round_half_down": "round_prefer_floor",
    "round_half_up": "round_prefer_ceil",
}  # fmt: skip


@rule("resize_bilinear")
def bilinear(n: NodeWriter) -> None:
    """Resize, linear."""
    _resize(n, mode="linear")


@rule("resize_nearest")
def nearest(n: NodeWriter) -> None:
    """Resize, nearest."""
    _resize(n, mode="nearest", nearest_mode=ROUNDING[n.op.rounding])


def _resize(n: NodeWriter, **attrs: Any) -> None:
    sizes = n.writer.shape(arranged(n.y.type.shape, CHANNELS_FIRST))
    given = [n.real(n.x, CHANNELS_FIRST), None, None, sizes]
    attrs["coordinate_transformation_mode"] = n.op.coordinate
    n.finish(n.emit("Resize", given, **attrs), CHANNELS_FIRST)
