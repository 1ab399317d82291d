"""Constant weights of products as they are stored: integers of 8 or 4 bits with their scales."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgewright.graph import Array, DType, Graph, Node, Quant, TensorType, Value
from edgewright.ops import block_scales

SOURCES = ("dequantize", "dequantize_blocks")
_EIGHT = 8  # numbers of 4 bits that are packed together


@dataclass(frozen=True)
class StoredRows:
    """A weight [N, K]: integers, scales [N, ceil(K / block)], zero points as those, or None."""

    w: Array
    dtype: DType
    scale: Array
    zero: Array | None
    block: int

    def values(self, graph: Graph, name: str) -> list[Value | None]:
        """The operands w, scale and zero of `fully_connected_blocks`."""
        w, scale, zero = (
            None if a is None else np.array(a, order="C") for a in (self.w, self.scale, self.zero)
        )
        assert w is not None and scale is not None
        held: list[Value | None] = [
            graph.constant(name, w, TensorType(self.dtype, w.shape)),
            graph.constant(f"{name}/scale", scale),
        ]
        if zero is not None:
            type = TensorType(self.dtype, zero.shape)
            return [*held, graph.constant(f"{name}/zero", zero, type)]
        return [*held, None]


def stored_rows(weight: Value | None) -> StoredRows | None:
    """The stored form of a weight [N, K]; None where kernels need it in float32."""
    if weight is None or weight.type.rank != 2 or weight.producer is None:
        return None
    node = weight.producer
    if node.op == "transpose":
        inner = node.input(0).producer
        swaps = tuple(node.attrs["perm"]) == (1, 0) and inner is not None
        return _rows(inner, turned=True) if swaps and inner is not None else None
    return _rows(node, turned=False)


def is_read_by_products_only(node: Node) -> bool:
    """Whether all that reads a dequantised constant is a product that takes it as it is stored."""
    graph, readers = node.graph, node.output.users
    if graph is None or not readers or graph.is_output(node.output):
        return False
    return all(_takes(reader, node.output) for reader in readers)


def _takes(reader: Node, value: Value) -> bool:
    if reader.op == "transpose" and reader.graph is not None:
        turned = reader.output
        users = turned.users
        fits = bool(users) and not reader.graph.is_output(turned)
        return fits and all(u.op != "transpose" and _takes(u, turned) for u in users)
    if reader.op != "fully_connected" or reader.inputs[1] is not value:
        return False
    plain = reader.input(0).type.dtype is DType.FLOAT32 and reader.inputs.count(value) == 1
    return plain and len(reader.inputs) <= 3 and stored_rows(value) is not None


def _rows(node: Node, turned: bool) -> StoredRows | None:
    """What a dequantisation holds; `turned`: it is [K, N], and its transpose is read."""
    if node.op not in SOURCES or not all(v.is_constant for v in node.arguments):
        return None
    held = node.input(0)
    if held.data is None or held.type.rank != 2 or held.type.dtype not in block_scales.STORED:
        return None
    if node.op == "dequantize":
        return _per_channel(held.data, held.type, turned)
    if node.attrs["axis"] % 2 == int(turned):
        return None
    block, depth = int(node.attrs["block"]), held.data.shape[0 if turned else 1]
    if held.type.dtype.bits == 4 and block % _EIGHT and block < depth:
        return None
    zero = node.inputs[2] if len(node.inputs) > 2 else None
    arrays = [held.data, node.input(1).data, zero.data if zero else None]
    w, scale, zeros = (a.T if turned and a is not None else a for a in arrays)
    assert w is not None and scale is not None
    return StoredRows(w, held.type.dtype, scale, zeros, min(block, depth))


def _per_channel(data: Array, type: TensorType, turned: bool) -> StoredRows | None:
    quant, axis = type.quant, int(turned)
    if quant is None or quant.block is not None or quant.axis not in (None, axis):
        return None
    w = data.T if turned else data
    scale = np.broadcast_to(np.array(quant.scale, np.float32), (w.shape[0],)).reshape(-1, 1)
    return StoredRows(w, type.dtype, scale, _zeros(quant, w), w.shape[1])


def _zeros(quant: Quant, w: Array) -> Array | None:
    """Zero points [N, 1] in the dtype of w; None where all are 0."""
    if not any(quant.zero):
        return None
    return np.broadcast_to(np.array(quant.zero, w.dtype), (w.shape[0],)).reshape(-1, 1)
