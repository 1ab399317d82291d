"""Recognise hard swish and hard sigmoid written out."""

from __future__ import annotations

from edgewright.graph import Graph, Node, Value
from edgewright.passes import rewrite
from edgewright.passes.constants import scalar
from edgewright.passes.products import fuse_gated

SIXTH = 1 / 6
#: constants of exported models are float32
TOLERANCE = 1e-6


@rewrite("mul", "div")
def fuse_hard_swish(graph: Graph, node: Node) -> bool:
    """Turn x * clip(x + 3, 0, 6) / 6, however it is ordered, into `hard_swish`.

    Given:
        graph main(%x: float32[8]) -> (%y) {
          const %three: float32[] = [3.0]
          const %six: float32[] = [6.0]
          %a = add(%x, %three)
          %b = clip(%a) {lo=0.0, hi=6.0}
          %c = mul(%x, %b)
          %y = div(%c, %six)
        }
    Result:
        graph main(%x: float32[8]) -> (%y) {
          %y = hard_swish(%x)
        }
    """
    return fuse_gated(graph, node, "hard_swish", SIXTH, _is_gate, TOLERANCE)


def _is_gate(gate: Value, x: Value) -> bool:
    """Whether a value is clip(x + 3, 0, 6), as a clip or as a clamp of the sum."""
    made = gate.producer
    bounds = made.attrs.get("clamp") if made else None
    if made is not None and made.op == "clip":
        bounds = (made.attrs.get("lo"), made.attrs.get("hi"))
        made = made.input(0).producer
    if made is None or made.op != "add" or bounds != (0.0, 6.0):
        return False
    a, b = made.input(0), made.input(1)
    return (a is x and scalar(b) == 3.0) or (b is x and scalar(a) == 3.0)
