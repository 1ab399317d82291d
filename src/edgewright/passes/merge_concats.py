"""Concatenate once."""

from __future__ import annotations

from edgewright.graph import Graph, Node
from edgewright.passes import rewrite
from edgewright.passes.editing import sole_feeder


@rewrite("concat")
def merge_concats(graph: Graph, node: Node) -> bool:
    """Let a concatenation read the parts of another one that only it reads.

    Given:
        graph main(%x: float32[2,3], %y: float32[2,1]) -> (%z) {
          %a = concat(%x, %y) {axis=1}
          %z = concat(%y, %a, %x) {axis=1}
        }
    Result:
        graph main(%x: float32[2,3], %y: float32[2,1]) -> (%z) {
          %z = concat(%y, %x, %y, %x) {axis=1}
        }
    """
    for index, part in enumerate(node.inputs):
        first = sole_feeder(graph, node, index, "concat")
        if first is None or node.inputs.count(part) > 1 or not _agrees(first, node):
            continue
        graph.set_inputs(node, [*node.inputs[:index], *first.inputs, *node.inputs[index + 1 :]])
        graph.remove(first)
        return True
    return False


def _agrees(first: Node, node: Node) -> bool:
    """Whether both join the same axis, and the first does not requantise."""
    rank, quant = node.output.type.rank, first.output.type.quant
    same = first.attrs.get("axis", 0) % rank == node.attrs.get("axis", 0) % rank
    plain = same and not first.attrs.get("perm")
    return plain and all(v.type.quant == quant for v in first.arguments)
