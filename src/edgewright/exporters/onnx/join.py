"""Tensors end to end, and cut apart again."""

from __future__ import annotations

from edgewright.exporters.onnx.node import NodeWriter
from edgewright.exporters.onnx.rule import rule


@rule("concat")
def concat(n: NodeWriter) -> None:
    """Concat; a result in another order of axes is one that is held in another order."""
    values = n.node.arguments
    perm = n.agreed(values)
    axis = perm.index(n.op.axis % len(perm))
    order = tuple(n.op.perm.index(p) for p in perm) if n.op.perm else perm
    if _is_plain(n):
        given = [n.writer.tensor(v, perm) for v in values]
        n.writer.define(n.y, n.emit("Concat", given, axis=axis), order)
    else:
        n.finish(n.emit("Concat", [n.real(v, perm) for v in values], axis=axis), order)


def _is_plain(n: NodeWriter) -> bool:
    """Whether integers are joined as they are: one has no scale, which fits every scale."""
    quants = {v.type.quant for v in n.node.arguments}
    return None in quants and quants <= {None, n.y.type.quant}


@rule("split")
def split(n: NodeWriter) -> None:
    """Split."""
    perm = n.held()
    axis = perm.index(n.op.axis % len(perm))
    outputs = [f"{v.name}/Split" for v in n.node.outputs]
    given = [n.real(n.x, perm), n.writer.shape(n.op.sizes)]
    results = n.writer.emit_many("Split", given, outputs, axis=axis)
    for index, result in enumerate(results):
        n.finish(result, perm, index)
