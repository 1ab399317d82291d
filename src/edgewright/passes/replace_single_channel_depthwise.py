"""Use the convolution kernel where a depthwise convolution has but one channel to work on."""

from __future__ import annotations

from dataclasses import replace

from edgewright.graph import Graph, Node
from edgewright.passes import rewrite
from edgewright.passes.constants import frozen, rebuilt
from edgewright.passes.editing import become, insert


@rewrite("depthwise_conv")
def replace_single_channel_depthwise(graph: Graph, node: Node) -> bool:
    """Turn a depthwise convolution of one channel into `conv`: the same sums.

    All its outputs read the same window, which a matrix product does 16 at a time; the depthwise
    kernel would spread one input channel over the lanes for each tap (22x slower than LiteRT on
    micro_speech, before).

    Given:
        graph main(%x: float32[1,4,4,1]) -> (%y) {
          const %w: float32[1,2,2] = [1.0, 2.0, 3.0, 4.0]
          %y = depthwise_conv(%x, %w, none) {stride=[2, 2]}
        }
    Result:
        graph main(%x: float32[1,4,4,1]) -> (%y) {
          const %w.1: float32[2,1,2,1] = [1.0, 3.0, 2.0, 4.0]
          %y = conv(%x, %w.1, none) {stride=[2, 2]}
        }
    """
    if node.input(0).type.shape[3] != 1:
        return False
    held = frozen(node.input(1))
    if held is None or held.data is None:
        return graph.keep(node, "its weight is not a constant")
    quant = held.type.quant
    if quant is not None and quant.axis is not None:
        quant = replace(quant, axis=0)
    array = held.data.transpose(2, 0, 1)[:, :, :, None]
    weight = rebuilt(graph, node, node.input(1), array, quant)
    inputs = [node.input(0), weight, *node.inputs[2:]]
    y = insert(graph, node, "conv", inputs, dict(node.attrs), like=node.output)
    return become(graph, node, y)
