"""Multiply by a constant matrix as a fully connected layer."""

from __future__ import annotations

from dataclasses import replace

from edgewright.graph import Graph, Node
from edgewright.passes import rewrite
from edgewright.passes.constants import frozen, rebuilt
from edgewright.passes.editing import become, insert


@rewrite("matmul")
def replace_matmul(graph: Graph, node: Node) -> bool:
    """Turn a product with a constant matrix into `fully_connected`, whose weight is packed.

    Given:
        graph main(%x: float32[5,2]) -> (%y) {
          const %w: float32[2,3] = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]
          %y = matmul(%x, %w)
        }
    Result:
        graph main(%x: float32[5,2]) -> (%y) {
          const %w.1: float32[3,2] = [1.0, 4.0, 2.0, 5.0, 3.0, 6.0]
          %y = fully_connected(%x, %w.1, none)
        }
    """
    x, w = node.input(0), node.input(1)
    held = frozen(w)
    if held is None or held.data is None or x.is_constant:
        return False
    if held.type.rank != 2 or x.type.rank < 2:
        return graph.keep(node, f"{w} is not one matrix")
    quant = held.type.quant
    if quant is not None and quant.axis is not None:
        quant = replace(quant, axis=1 - quant.axis)
    weight = rebuilt(graph, node, w, held.data.T, quant)
    y = insert(graph, node, "fully_connected", [x, weight, None], like=node.output)
    return become(graph, node, y)
