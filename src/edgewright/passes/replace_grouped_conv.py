"""Use the depthwise kernel where every channel is a group of its own."""

from __future__ import annotations

from dataclasses import replace

from edgewright.graph import Graph, Node
from edgewright.passes import rewrite
from edgewright.passes.constants import frozen, rebuilt
from edgewright.passes.editing import become, insert

SHARED = ("stride", "dilation", "pad", "clamp")


@rewrite("conv")
def replace_grouped_conv(graph: Graph, node: Node) -> bool:
    """Turn a convolution with as many groups as channels into `depthwise_conv`.

    Given:
        graph main(%x: float32[1,4,4,2]) -> (%y) {
          const %w: float32[2,2,1,1] = [1.0, 2.0, 3.0, 4.0]
          %y = conv(%x, %w, none) {groups=2, stride=[2, 2]}
        }
    Result:
        graph main(%x: float32[1,4,4,2]) -> (%y) {
          const %w.1: float32[2,1,2] = [1.0, 3.0, 2.0, 4.0]
          %y = depthwise_conv(%x, %w.1, none) {stride=[2, 2]}
        }
    """
    groups, held = node.attrs.get("groups", 1), frozen(node.input(1))
    if groups == 1 or groups != node.input(0).type.shape[3]:
        return False
    if held is None or held.data is None or len(node.inputs) > 3:
        return graph.keep(node, "its weight is not a constant, or a residual is added")
    quant = held.type.quant
    if quant is not None and quant.axis is not None:
        quant = replace(quant, axis=2)
    array = held.data[:, :, :, 0].transpose(1, 2, 0)
    weight = rebuilt(graph, node, node.input(1), array, quant)
    inputs = [node.input(0), weight, *node.inputs[2:]]
    attrs = {name: node.attrs[name] for name in SHARED if name in node.attrs}
    y = insert(graph, node, "depthwise_conv", inputs, attrs, like=node.output)
    return become(graph, node, y)
