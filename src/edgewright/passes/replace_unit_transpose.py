"""Reshape where a transpose only moves axes of one element."""

from __future__ import annotations

from edgewright.graph import Graph, Node
from edgewright.passes import rewrite
from edgewright.passes.constants import has_scales
from edgewright.passes.editing import become, insert


@rewrite("transpose")
def replace_unit_transpose(graph: Graph, node: Node) -> bool:
    """Turn a transpose that leaves the elements in their order into a reshape, which is free.

    Given:
        graph main(%x: float32[1,1,1,8]) -> (%y) {
          %y = transpose(%x) {perm=[0, 3, 1, 2]}
        }
    Result:
        graph main(%x: float32[1,1,1,8]) -> (%y) {
          %y = reshape(%x) {shape=[1, 8, 1, 1]}
        }
    """
    x = node.input(0)
    moved = [p for p in node.attrs["perm"] if x.type.shape[p] != 1]
    if moved != sorted(moved) or has_scales(x.type):
        return False
    attrs = {"shape": node.output.type.shape}
    return become(graph, node, insert(graph, node, "reshape", [x], attrs, like=node.output))
