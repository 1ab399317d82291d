"""Batch normalisation that no pass has folded."""

from __future__ import annotations

from edgewright.exporters.onnx.conv import channels_first
from edgewright.exporters.onnx.node import NodeWriter
from edgewright.exporters.onnx.rule import rule


@rule("batch_norm")
def batch_norm(n: NodeWriter) -> None:
    """BatchNormalization."""
    perm = channels_first(n.x)
    given = [n.real(n.x, perm), *(n.real(n.node.input(i)) for i in range(1, 5))]
    n.finish(n.emit("BatchNormalization", given, epsilon=n.op.epsilon), perm)
