"""Pools over windows."""

from __future__ import annotations

from edgewright.exporters.onnx.conv import window
from edgewright.exporters.onnx.layout import CHANNELS_FIRST
from edgewright.exporters.onnx.node import NodeWriter
from edgewright.exporters.onnx.rule import rule

DILATED_AVERAGE_OPSET = 19


@rule("max_pool")
def max_pool(n: NodeWriter) -> None:
    """MaxPool."""
    _check_pads(n)
    attrs = window(n.op, n.op.kernel)
    result = n.emit("MaxPool", [n.real(n.x, CHANNELS_FIRST)], **attrs)
    n.finish(n.clamped(result, n.op.clamp, n.y.type), CHANNELS_FIRST)


@rule("avg_pool")
def avg_pool(n: NodeWriter) -> None:
    """AveragePool; what lies outside the image counts only where it is to."""
    _check_pads(n)
    attrs = window(n.op, n.op.kernel)
    if n.op.dilation == (1, 1):
        del attrs["dilations"]
    else:
        n.needs(DILATED_AVERAGE_OPSET, "a dilated average")
    include = int(n.op.count_include_pad)
    x = n.real(n.x, CHANNELS_FIRST)
    result = n.emit("AveragePool", [x], count_include_pad=include, **attrs)
    n.finish(n.clamped(result, n.op.clamp, n.y.type), CHANNELS_FIRST)


def _check_pads(n: NodeWriter) -> None:
    """ONNX Runtime wants at least one pixel of the image in each window."""
    for pads, kernel, dilation in zip(n.op.pad, n.op.kernel, n.op.dilation, strict=True):
        if max(pads) >= (kernel - 1) * dilation + 1:
            n.refuse(f"padding {list(pads)} is as large as the window of {kernel}",
                     "pad with an operator of its own")  # fmt: skip
