"""Quantize before moving elements."""

from __future__ import annotations

from edgewright.graph import DType, Graph, Node
from edgewright.passes import rewrite
from edgewright.passes.constants import has_scales
from edgewright.passes.editing import become, insert, sole_feeder
from edgewright.passes.movement import MOVERS


@rewrite("quantize")
def hoist_quantize(graph: Graph, node: Node) -> bool:
    """Quantize before a node that only moves elements: a quarter of the bytes move.

    Given:
        graph main(%x: float32[2,3]) -> (%z) {
          %y = transpose(%x) {perm=[1, 0]}
          %z: int8[3,2]<0.5:0> = quantize(%y)
        }
    Result:
        graph main(%x: float32[2,3]) -> (%z) {
          %y.1: int8[2,3]<0.5:0> = quantize(%x)
          %z: int8[3,2]<0.5:0> = transpose(%y.1) {perm=[1, 0]}
        }
    """
    mover, type = sole_feeder(graph, node, 0, *MOVERS), node.output.type
    if mover is None or type.dtype not in (DType.INT8, DType.UINT8):
        return False
    if has_scales(type) or mover.input(0).type.quant is not None:
        return graph.keep(node, "it has one scale per channel, or requantizes")
    x, like = mover.input(0), mover.output
    held = type.with_shape(*x.type.shape)
    stored = insert(graph, node, "quantize", [x], like=like, type=held)
    moved = insert(
        graph, node, mover.op, [stored, *mover.inputs[1:]], mover.attrs, like=node.output
    )
    become(graph, node, moved)
    graph.remove(mover)
    return True
