"""Reshape once."""

from __future__ import annotations

from edgewright.graph import Graph, Node
from edgewright.passes import rewrite
from edgewright.passes.editing import drop_unused, feeder


@rewrite("reshape")
def merge_reshapes(graph: Graph, node: Node) -> bool:
    """Let a reshape of a reshape read what the first one reads.

    Given:
        graph main(%x: float32[2,3,4]) -> (%z) {
          %y = reshape(%x) {shape=[6, 4]}
          %z = reshape(%y) {shape=[24]}
        }
    Result:
        graph main(%x: float32[2,3,4]) -> (%z) {
          %z = reshape(%x) {shape=[24]}
        }
    """
    first = feeder(node, 0, "reshape")
    if first is None:
        return False
    graph.set_input(node, 0, first.input(0))
    drop_unused(graph, first)
    return True
