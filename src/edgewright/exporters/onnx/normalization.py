"""Batch normalisation that no pass has folded, and layer normalisation."""

from __future__ import annotations

from edgewright.exporters.onnx.conv import channels_first
from edgewright.exporters.onnx.node import NodeWriter
from edgewright.exporters.onnx.rule import rule

LAYER_NORM_OPSET = 17


@rule("batch_norm")
def batch_norm(n: NodeWriter) -> None:
    """BatchNormalization."""
    perm = channels_first(n.x)
    given = [n.real(n.x, perm), *(n.real(n.node.input(i)) for i in range(1, 5))]
    n.finish(n.emit("BatchNormalization", given, epsilon=n.op.epsilon), perm)


@rule("layer_norm")
def layer_norm(n: NodeWriter) -> None:
    """LayerNormalization from opset 17 on; before, what it is made of."""
    x, scale, bias = (n.real(n.node.input(i)) for i in range(3))
    if n.file.opset >= LAYER_NORM_OPSET:
        given = [x, scale, bias]
        n.finish(n.emit("LayerNormalization", given, axis=-1, epsilon=n.op.epsilon))
        return
    centred = n.emit("Sub", [x, n.emit("ReduceMean", [x], axes=[-1], keepdims=1)])
    square = n.emit("Mul", [centred, centred])
    variance = n.emit("ReduceMean", [square], axes=[-1], keepdims=1)
    root = n.emit("Sqrt", [n.emit("Add", [variance, n.number(n.op.epsilon, n.x.type)])])
    scaled = n.emit("Mul", [n.emit("Div", [centred, root]), scale])
    n.finish(n.emit("Add", [scaled, bias]))
