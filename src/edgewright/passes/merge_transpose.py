"""Transpose while joining."""

from __future__ import annotations

from edgewright.graph import Graph, Node
from edgewright.passes import rewrite
from edgewright.passes.constants import has_scales
from edgewright.passes.editing import become, insert, sole_feeder


@rewrite("transpose")
def merge_transpose(graph: Graph, node: Node) -> bool:
    """Let a concatenation put its parts where a transpose of it wants them.

    Runs after every pass that moves transposes.

    Given:
        graph main(%x: float32[1,4,3], %y: float32[1,2,3]) -> (%z) {
          %a = concat(%x, %y) {axis=1}
          %z = transpose(%a) {perm=[0, 2, 1]}
        }
    Result:
        graph main(%x: float32[1,4,3], %y: float32[1,2,3]) -> (%z) {
          %z = concat(%x, %y) {axis=1, perm=[0, 2, 1]}
        }
    """
    made = sole_feeder(graph, node, 0, "concat")
    if made is None or made.attrs.get("perm"):
        return False
    quant = made.output.type.quant
    if has_scales(made.output.type) or any(v.type.quant != quant for v in made.arguments):
        return graph.keep(node, f"{made.output} is rescaled while it is joined")
    attrs = {"axis": made.attrs.get("axis", 0), "perm": tuple(node.attrs["perm"])}
    y = insert(graph, node, "concat", made.inputs, attrs, like=node.output, type=node.output.type)
    assert y.producer is not None
    y.producer.origin = made.origin
    become(graph, node, y)
    graph.remove(made)
    return True
