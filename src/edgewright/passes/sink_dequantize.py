"""Move integers rather than the floats that they stand for."""

from __future__ import annotations

from edgewright.graph import DType, Graph, Node
from edgewright.passes import rewrite
from edgewright.passes.constants import has_scales
from edgewright.passes.editing import drop_unused, feeder, insert, insert_many, substitute
from edgewright.passes.movement import MOVERS


@rewrite(*MOVERS)
def sink_dequantize(graph: Graph, node: Node) -> bool:
    """Dequantize after a node that only moves elements: a quarter of the bytes move.

    Given:
        graph main(%x: int8[2,3]<0.5:0>) -> (%z) {
          %y = dequantize(%x)
          %z = transpose(%y) {perm=[1, 0]}
        }
    Result:
        graph main(%x: int8[2,3]<0.5:0>) -> (%z) {
          %z.1: int8[3,2]<0.5:0> = transpose(%x) {perm=[1, 0]}
          %z = dequantize(%z.1)
        }
    """
    made = feeder(node, 0, "dequantize")
    if made is None:
        return False
    x = made.input(0)
    if x.type.dtype not in (DType.INT8, DType.UINT8):
        return False
    if has_scales(x.type):
        return graph.keep(node, f"{x} has one scale per channel")
    moved = insert_many(graph, node, node.op, [x, *node.inputs[1:]], node.attrs, likes=node.outputs)
    for old, new in zip(node.outputs, moved, strict=True):
        new.type = new.type.with_quant(x.type.quant)
        substitute(graph, old, insert(graph, node, "dequantize", [new], like=old))
    graph.remove(node)
    drop_unused(graph, made)
    return True
