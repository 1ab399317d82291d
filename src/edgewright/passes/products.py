"""Products with numbers, however exporters order them."""

from __future__ import annotations

from collections.abc import Callable

from edgewright.graph import Graph, Node, Value
from edgewright.passes.constants import scalar
from edgewright.passes.editing import become, drop_unused, insert


def factored(value: Value) -> tuple[float, list[Value]]:
    """A chain of multiplications and divisions by numbers as a number times what is left."""
    number, made = scalar(value), value.producer
    if number is not None:
        return number, []
    if made is None or made.attrs.get("clamp") is not None:
        return 1.0, [value]
    divisor = scalar(made.input(1)) if made.op == "div" else None
    if divisor:
        factor, values = factored(made.input(0))
        return factor / divisor, values
    if made.op != "mul":
        return 1.0, [value]
    (p, left), (q, right) = factored(made.input(0)), factored(made.input(1))
    return p * q, [*left, *right]


def fuse_gated(
    graph: Graph,
    node: Node,
    op: str,
    factor: float,
    is_gate: Callable[[Value, Value], bool],
    tolerance: float,
) -> bool:
    """Replace a product factor * x * gate by the operator `op` of x; says whether it did.

    `is_gate(gate, x)` recognises the gate; exported constants are float32, so the factor may be off
    by `tolerance`.
    """
    if node.attrs.get("clamp") is not None or node.output.type.quant is not None:
        return False
    found, values = factored(node.output)
    if abs(found - factor) > tolerance or len(values) != 2:
        return False
    for gate, x in (values, values[::-1]):
        if is_gate(gate, x) and x.type.shape == node.output.type.shape:
            makers = [v.producer for v in node.arguments]
            become(graph, node, insert(graph, node, op, [x], like=node.output))
            for maker in makers:
                if maker is not None:
                    drop_unused(graph, maker)
            return True
    return False
