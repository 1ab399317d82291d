"""Go from one quantisation to another without floats in between."""

from __future__ import annotations

from edgewright.graph import DType, Graph, Node
from edgewright.passes import rewrite
from edgewright.passes.constants import has_scales
from edgewright.passes.editing import drop_unused, feeder, forward


@rewrite("quantize")
def merge_quantize(graph: Graph, node: Node) -> bool:
    """Drop a dequantize and quantize that agree; make one step of two that do not.

    Given:
        graph main(%x: int8[2]<0.5:0>) -> (%z) {
          %b = dequantize(%x)
          %c: int8[2]<0.5:0> = quantize(%b)
          %d: int8[2]<0.25:3> = quantize(%b)
          %z: int8[2]<0.5:0> = add(%c, %d)
        }
    Result:
        graph main(%x: int8[2]<0.5:0>) -> (%z) {
          %d: int8[2]<0.25:3> = quantize(%x)
          %z: int8[2]<0.5:0> = add(%x, %d)
        }
    """
    made = feeder(node, 0, "dequantize")
    if made is None:
        return False
    x = made.input(0)
    if x.type == node.output.type and forward(graph, node, x):
        drop_unused(graph, made)
        return True
    if x.type.dtype not in (DType.INT8, DType.UINT8, DType.INT16):
        return False
    if has_scales(x.type) or has_scales(node.output.type):
        return graph.keep(node, "it has one scale per channel")
    graph.set_input(node, 0, x)
    drop_unused(graph, made)
    return True
