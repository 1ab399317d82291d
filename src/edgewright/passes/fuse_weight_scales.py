"""Read integer weights as they are stored, instead of making floats of them ahead of time."""

from __future__ import annotations

from edgewright.graph import Graph, Node
from edgewright.passes import rewrite
from edgewright.passes.editing import become, drop_unused, insert
from edgewright.passes.stored import is_read_by_products_only, stored_rows


@rewrite("fully_connected")
def fuse_weight_scales(graph: Graph, node: Node) -> bool:
    """Scale the sums of a product of float rows with 8-bit or 4-bit weights.

    The weights are a quarter, or an eighth, of the bytes, which is what a product of one row waits
    for.

    Given:
        graph main(%x: float32[1,2]) -> (%y) {
          const %w: int8[1,2]<0.5:0> = [3, 5]
          %f = dequantize(%w)
          %y = fully_connected(%x, %f, none)
        }
    Result:
        graph main(%x: float32[1,2]) -> (%y) {
          const %w.1: int8[1,2] = [3, 5]
          const %w/scale: float32[1,1] = [0.5]
          %y = fully_connected_blocks(%x, %w.1, %w/scale, none, none) {block=2}
        }
    """
    weight = node.input(1)
    made = weight.producer
    if made is None or not is_read_by_products_only(made):
        return False
    held = stored_rows(weight)
    if held is None:
        return False
    source = made.input(0).producer if made.op == "transpose" else made
    assert source is not None
    x, bias = node.input(0), node.inputs[2] if len(node.inputs) > 2 else None
    operands = [x, *held.values(graph, source.input(0).name), bias]
    attrs = {"block": held.block, **node.attrs}
    y = insert(graph, node, "fully_connected_blocks", operands, attrs, like=node.output)
    become(graph, node, y)
    drop_unused(graph, made)
    return True
