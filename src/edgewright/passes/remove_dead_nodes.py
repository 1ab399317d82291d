"""Remove nodes whose results nobody reads."""

from __future__ import annotations

from edgewright.graph import Graph, Node
from edgewright.passes import whole_graph


@whole_graph
def remove_dead_nodes(graph: Graph) -> bool:
    """Remove what neither reaches an output nor writes a state.

    Given:
        graph main(%x: float32[4]) -> (%y) {
          %a = exp(%x)
          %b = neg(%a)
          %y = abs(%x)
        }
    Result:
        graph main(%x: float32[4]) -> (%y) {
          %y = abs(%x)
        }
    """
    changed = False
    for inner in reversed(list(graph.walk_graphs())):
        for node in reversed(list(inner.nodes)):
            if not _is_needed(inner, node):
                inner.remove(node)
                changed = True
    return changed


def _is_needed(graph: Graph, node: Node) -> bool:
    if any(v.users or graph.is_output(v) for v in node.outputs):
        return True
    inner = [n for region in node.regions for n in region.walk()]
    return any(n.op == "write_state" for n in [node, *inner])
