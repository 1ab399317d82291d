"""Elements chosen by indices, and by codes."""

from __future__ import annotations

import numpy as np
import onnx

from edgewright.exporters.onnx.layout import Perm, identity, without
from edgewright.exporters.onnx.node import NodeWriter
from edgewright.exporters.onnx.rule import rule
from edgewright.graph import DType


@rule("gather")
def gather(n: NodeWriter) -> None:
    """Gather; with batch axes GatherND, whose last axis of indices names the places."""
    indices = n.node.input(1)
    if n.op.batch_dims:
        _gather_batches(n)
        return
    rank = indices.type.rank
    perm = n.held() if rank <= 1 and not n.x.is_constant else identity(n.x.type.rank)
    given = [n.real(n.x, perm), n.writer.tensor(indices)]
    result = n.emit("Gather", given, axis=perm.index(n.op.axis))
    n.finish(result, _left(perm, n.op.axis, rank))


def _left(perm: Perm, axis: int, rank: int) -> Perm | None:
    """The order of the result's axes."""
    if rank > 1:
        return None
    return perm if rank == 1 else without(perm, [axis])


def _gather_batches(n: NodeWriter) -> None:
    if n.op.axis != n.op.batch_dims:
        n.refuse(f"batch_dims {n.op.batch_dims} with axis {n.op.axis}", "transpose the operand")
    places = n.emit("Unsqueeze", [_long(n), n.integers([-1])])
    n.finish(n.emit("GatherND", [n.real(n.x), places], batch_dims=n.op.batch_dims))


def _long(n: NodeWriter) -> str:
    """The indices as int64, which GatherND insists on."""
    indices = n.node.input(1)
    tensor = n.writer.tensor(indices)
    if indices.type.dtype is DType.INT64:
        return tensor
    return n.emit("Cast", [tensor], to=int(onnx.TensorProto.INT64))


@rule("gather_nd")
def gather_nd(n: NodeWriter) -> None:
    """GatherND."""
    given = [n.real(n.x), _long(n)]
    n.finish(n.emit("GatherND", given, batch_dims=n.op.batch_dims or None))


@rule("lookup")
def lookup(n: NodeWriter) -> None:
    """Gather from the table of mode "float", which ONNX computes in, by the codes."""
    table, perm = n.node.input(1).data, n.held()
    assert table is not None
    codes = n.emit("Cast", [n.writer.tensor(n.x, perm)], to=int(onnx.TensorProto.INT32))
    entries = table[0]
    if n.x.type.dtype is DType.INT8:
        codes, entries = (
            n.emit("Add", [codes, n.writer.number(np.array(128, np.int32))]),
            np.roll(entries, 128),
        )
    n.writer.define(n.y, n.emit("Gather", [n.writer.number(entries), codes], axis=0), perm)
