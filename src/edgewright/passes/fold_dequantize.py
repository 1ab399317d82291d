"""Store weights as floats where no integer operator wants them."""

from __future__ import annotations

import numpy as np

from edgewright import ops
from edgewright.graph import Graph, Node
from edgewright.passes import rewrite
from edgewright.passes.editing import is_interface, substitute
from edgewright.passes.stored import is_read_by_products_only


@rewrite("dequantize", "dequantize_blocks")
def fold_dequantize(graph: Graph, node: Node) -> bool:
    """Dequantize constants ahead of time; run it after everything that fuses integer weights.

    Given:
        graph main(%x: float32[2]) -> (%y) {
          const %w: int8[2]<0.5:1> = [3, 5]
          %f = dequantize(%w)
          %y = mul(%x, %f)
        }
    Result:
        graph main(%x: float32[2]) -> (%y) {
          const %f: float32[2] = [1.0, 2.0]
          %y = mul(%x, %f)
        }
    """
    held = node.input(0)
    if held.data is None or is_interface(graph, node.output):
        return False
    if is_read_by_products_only(node):
        return graph.keep(node, "products read it as it is stored")
    call = ops.Call([v.type if v else None for v in node.inputs], [node.output.type])
    (array,) = ops.evaluate_node(node, [v.data if v else None for v in node.inputs], call)
    constant = graph.constant(node.output.name, np.array(array), node.output.type)
    substitute(graph, node.output, constant)
    graph.remove(node)
    return True
