"""Shorten arithmetic with constants."""

from __future__ import annotations

import numpy as np

from edgewright.graph import Graph, Node, Value
from edgewright.passes import rewrite
from edgewright.passes.constants import float_like, is_float, scalar
from edgewright.passes.editing import become, drop_unused, feeder, forward, insert

#: the number that changes nothing, as the second operand
NEUTRAL = {"add": 0.0, "sub": 0.0, "mul": 1.0, "div": 1.0, "pow": 1.0}
COMMUTES = ("add", "mul")


@rewrite("add", "sub", "mul", "div", "pow", "neg")
def simplify_arithmetic(graph: Graph, node: Node) -> bool:
    """Drop x + 0, x * 1 and double negation, turn x - c into x + (-c), and merge x * a * b.

    Only numbers count as 0 and 1, not tensors, which are trained: their values must not shape code.

    Given:
        graph main(%x: float32[2]) -> (%z) {
          const %one: float32[] = [1.0]
          const %a: float32[2] = [2.0, 3.0]
          const %b: float32[2] = [5.0, 7.0]
          const %c: float32[2] = [0.5, 0.25]
          %p = mul(%x, %one)
          %q = mul(%p, %a)
          %r = mul(%b, %q)
          %z = sub(%r, %c)
        }
    Result:
        graph main(%x: float32[2]) -> (%z) {
          const %b.1: float32[2] = [10.0, 21.0]
          const %c.1: float32[2] = [-0.5, -0.25]
          %r = mul(%x, %b.1)
          %z = add(%r, %c.1)
        }
    """
    if node.op == "neg":
        return _double_negation(graph, node)
    if node.output.type.quant is not None:
        return False
    return _neutral(graph, node) or _sub_to_add(graph, node) or _merge(graph, node)


def _double_negation(graph: Graph, node: Node) -> bool:
    made = feeder(node, 0, "neg")
    if made is None or not forward(graph, node, made.input(0)):
        return False
    drop_unused(graph, made)
    return True


def _neutral(graph: Graph, node: Node) -> bool:
    """Drop an operation with the number that changes nothing."""
    if node.attrs.get("clamp") is not None:
        return False
    for index in (1, 0) if node.op in COMMUTES else (1,):
        x = node.input(1 - index)
        if scalar(node.input(index)) == NEUTRAL[node.op] and x.type == node.output.type:
            return forward(graph, node, x)
    return False


def _sub_to_add(graph: Graph, node: Node) -> bool:
    """X - c is x + (-c), exactly; biases are additions."""
    term = node.input(1)
    if node.op != "sub" or not is_float(term) or term.data is None:
        return False
    minus = float_like(graph, np.negative(term.data), like=term)
    inputs = [node.input(0), minus]
    return become(graph, node, insert(graph, node, "add", inputs, node.attrs, like=node.output))


def _merge(graph: Graph, node: Node) -> bool:
    """(x * a) * b is x * (a * b), likewise for sums, when nothing else reads the middle."""
    if node.op not in COMMUTES:
        return False
    for index in (0, 1):
        first = feeder(node, index, node.op)
        if first is None or first.attrs.get("clamp") is not None:
            continue
        parts = _variable_and_constant(first)
        if parts is not None and is_float(node.input(1 - index)):
            return _replace(graph, node, first, parts, node.input(1 - index))
    return False


def _variable_and_constant(node: Node) -> tuple[Value, Value] | None:
    a, b = node.input(0), node.input(1)
    if is_float(b) and not a.is_constant:
        return a, b
    return (b, a) if is_float(a) and not b.is_constant else None


def _replace(graph: Graph, node: Node, first: Node, parts: tuple[Value, Value], b: Value) -> bool:
    x, a = parts
    assert a.data is not None and b.data is not None
    if graph.only_user(first.output) is not node:
        return graph.keep(node, f"{first.output} is also read elsewhere")
    left, right = a.data.astype(np.float64), b.data.astype(np.float64)
    both = left * right if node.op == "mul" else left + right
    if both.size > max(a.data.size, b.data.size):
        return graph.keep(node, "the constants together are larger than each")
    graph.set_inputs(node, [x, float_like(graph, both, like=b)])
    drop_unused(graph, first)
    return True
