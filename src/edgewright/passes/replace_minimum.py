"""Clip where a number bounds a tensor."""

from __future__ import annotations

from edgewright.graph import Graph, Node
from edgewright.passes import rewrite
from edgewright.passes.constants import scalar
from edgewright.passes.editing import become, insert

BOUNDS = {"minimum": "hi", "maximum": "lo"}


@rewrite("minimum", "maximum")
def replace_minimum(graph: Graph, node: Node) -> bool:
    """Turn the minimum or maximum of a float tensor and a number into a clip, which can be fused.

    Given:
        graph main(%x: float32[8]) -> (%z) {
          const %zero: float32[] = [0.0]
          const %six: float32[1] = [6.0]
          %y = maximum(%zero, %x)
          %z = minimum(%y, %six)
        }
    Result:
        graph main(%x: float32[8]) -> (%z) {
          %y = clip(%x) {lo=0.0}
          %z = clip(%y) {hi=6.0}
        }
    """
    for index in (0, 1):
        bound, x = scalar(node.input(index)), node.input(1 - index)
        if bound is None or x.type != node.output.type or not x.type.dtype.is_float:
            continue
        attrs = {BOUNDS[node.op]: bound}
        return become(graph, node, insert(graph, node, "clip", [x], attrs, like=node.output))
    return False
