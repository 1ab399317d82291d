"""Recognise the Gaussian error linear unit written out."""

from __future__ import annotations

import math

from edgewright.graph import Graph, Node, Value
from edgewright.passes import rewrite
from edgewright.passes.constants import scalar
from edgewright.passes.products import factored, fuse_gated

TOLERANCE = 1e-5


@rewrite("mul")
def fuse_gelu(graph: Graph, node: Node) -> bool:
    """Turn x * 0.5 * (1 + erf(x / sqrt(2))), however it is ordered, into `gelu`.

    Given:
        graph main(%x: float32[8]) -> (%y) {
          const %root: float32[] = [1.4142135]
          const %one: float32[] = [1.0]
          const %half: float32[] = [0.5]
          %a = div(%x, %root)
          %b = erf(%a)
          %c = add(%b, %one)
          %d = mul(%x, %c)
          %y = mul(%d, %half)
        }
    Result:
        graph main(%x: float32[8]) -> (%y) {
          %y = gelu(%x)
        }
    """
    return fuse_gated(graph, node, "gelu", 0.5, _is_gate, TOLERANCE)


def _is_gate(gate: Value, x: Value) -> bool:
    """Whether a value is 1 + erf(x / sqrt(2))."""
    made = gate.producer
    if made is None or made.op != "add" or made.attrs.get("clamp") is not None:
        return False
    for erf, one in (made.inputs, made.inputs[::-1]):
        function = erf.producer if erf is not None else None
        if scalar(one) == 1.0 and function is not None and function.op == "erf":
            factor, values = factored(function.input(0))
            return values == [x] and abs(factor - math.sqrt(0.5)) < TOLERANCE
    return False
