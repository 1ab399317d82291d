"""Matrix products."""

from __future__ import annotations

import numpy as np

from edgewright.exporters.onnx.layout import Perm, identity
from edgewright.exporters.onnx.node import NodeWriter
from edgewright.exporters.onnx.rule import rule
from edgewright.exporters.onnx.weights import bias_of, weight_of
from edgewright.graph import Array, Value
from edgewright.ops.fully_connected_blocks import as_one_value

MATRIX = 2  # axes


@rule("fully_connected")
def fully_connected(n: NodeWriter) -> None:
    """Gemm on matrices, else MatMul and Add."""
    _product(n, n.node.input(1), n.operand(2))


@rule("fully_connected_blocks")
def fully_connected_blocks(n: NodeWriter) -> None:
    """The same; 8-bit weights stay integers behind a DequantizeLinear."""
    _product(n, as_one_value(n.node), n.operand(4))


@rule("dequantize_blocks")
def dequantize_blocks(n: NodeWriter) -> None:
    """Refused: only what products read is left of it, and theirs is a rule of its own."""
    n.refuse("weights with a scale per block are written for matrix products only")


def _product(n: NodeWriter, w: Value, offset: Value | None) -> None:
    """Rows of x times w, and a bias."""
    x, bias = n.x, bias_of(n, offset, n.x, w)
    if x.type.rank == MATRIX:
        shuffle = n.writer.shuffles.get(x)
        given = n.writer.shuffled(x) if shuffle else n.real(x)
        weight = weight_of(n, w, lambda a: shuffled(a, shuffle), 0, (0, 1))
        result = n.emit("Gemm", [given, weight, bias], transB=1)
    else:
        weight = weight_of(n, w, lambda a: a.T, 1, (1, 0))
        result = n.emit("MatMul", [n.real(x), weight])
        result = result if bias is None else n.emit("Add", [result, bias])
    n.finish(n.clamped(result, n.op.clamp, n.y.type))


def shuffled(weight: Array, how: tuple[tuple[int, ...], Perm] | None) -> Array:
    """The columns of [N,K] in the order in which the operand holds its elements."""
    if how is None:
        return weight
    shape, perm = how
    apart = weight.reshape(weight.shape[0], *shape[1:])
    return np.ascontiguousarray(apart.transpose(perm)).reshape(weight.shape)


@rule("matmul")
def matmul(n: NodeWriter) -> None:
    """MatMul."""
    operands = [n.node.input(i) for i in (0, 1)]
    given = [n.real(v, identity(v.type.rank)) for v in operands]
    n.finish(n.emit("MatMul", given))
