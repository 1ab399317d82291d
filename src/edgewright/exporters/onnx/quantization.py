"""From real numbers to integers, back, and from one quantisation to another."""

from __future__ import annotations

from edgewright.exporters.onnx.node import NodeWriter
from edgewright.exporters.onnx.rule import rule


@rule("quantize")
def quantize(n: NodeWriter) -> None:
    """QuantizeLinear, behind a DequantizeLinear for another quantisation."""
    perm = n.held()
    n.finish(n.real(n.x, perm), perm)


@rule("dequantize")
def dequantize(n: NodeWriter) -> None:
    """DequantizeLinear, the one that other readers share."""
    perm = n.held()
    n.finish(n.real(n.x, perm), perm)
