"""Shapes that only run time knows, computed by operators from the sizes of the inputs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from edgewright.exporters.tflite.records import Tensor
from edgewright.graph import DType, Size, TensorType
from edgewright.graph.dims import Quotient, Sum

if TYPE_CHECKING:
    from edgewright.exporters.tflite.node import ExportedNode

_ONE = TensorType(DType.INT32, (1,))


def shape_tensor(node: ExportedNode, sizes: Sequence[Size]) -> Tensor:
    """Sizes as int32 [rank].

    Raises:
        UnsupportedModel: one of them is not made of sizes of the inputs.
    """
    parts = [_size(node, size) for size in sizes]
    made = node.temporary(TensorType(DType.INT32, (len(parts),)), "shape")
    return node.add("CONCATENATION", parts, made, axis=0, fused_activation_function=0)


def _size(node: ExportedNode, size: Size) -> Tensor:
    """One size as int32 [1]; each is computed once per graph."""
    if isinstance(size, int):
        return node.ints([size], "size")
    known = node.scope.sizes
    if size not in known:
        known[size] = _read(node, size) or _computed(node, size)
    return known[size]


def _read(node: ExportedNode, size: Size) -> Tensor | None:
    """A size that an input has along some axis."""
    for tensor in node.scope.subgraph.inputs:
        if size in tensor.type.shape:
            axis = tensor.type.shape.index(size)
            whole = TensorType(DType.INT32, (tensor.type.rank,))
            shape = node.add("SHAPE", [tensor], node.temporary(whole, "sizes"), out_type=_int32())
            begin, count = node.ints([axis], "begin"), node.ints([1], "count")
            return node.add("SLICE", [shape, begin, count], node.temporary(_ONE, "size"))
    return None


def _int32() -> int:
    from edgewright.exporters.tflite.serialize import tensor_type

    number = tensor_type(DType.INT32)
    assert number is not None
    return number


def _computed(node: ExportedNode, size: Size) -> Tensor:
    """A size that is a sum, a product or a quotient of others."""
    if isinstance(size, Quotient):
        divisor = node.ints([size.denominator], "divisor")
        operands = [_size(node, size.numerator), divisor]
        return node.add("FLOOR_DIV", operands, node.temporary(_ONE, "size"))
    if not isinstance(size, Sum):
        raise node.fail(f"no input has the size {size}")
    total: Tensor | None = None
    for atoms, coefficient in size.terms:
        term = node.ints([coefficient], "coefficient")
        for atom in atoms:
            term = _combined(node, "MUL", term, _size(node, atom))
        total = term if total is None else _combined(node, "ADD", total, term)
    assert total is not None
    return _combined(node, "ADD", total, node.ints([size.constant], "constant"))


def _combined(node: ExportedNode, code: str, a: Tensor, b: Tensor) -> Tensor:
    neutral = 1 if code == "MUL" else 0
    for one, other in ((a, b), (b, a)):
        if one.data is not None and np.all(one.data == neutral):
            return other
    return node.add(code, [a, b], node.temporary(_ONE, "size"), fused_activation_function=0)
