"""Compute everything once."""

from __future__ import annotations

from collections.abc import Hashable

from edgewright.graph import Graph, Node, Value
from edgewright.graph.text import INLINE_LIMIT, attribute_text
from edgewright.passes import whole_graph
from edgewright.passes.editing import forward

STATEFUL = ("read_state", "write_state")


@whole_graph
def eliminate_common_subexpressions(graph: Graph) -> bool:
    """Let one node stand for all that apply the same operator to the same operands.

    Numbers, and plain integers such as axes, count as the same when they are equal, since importers
    make one per use; other constants are trained, and which of them are equal must not shape the
    code.

    Given:
        graph main(%x: float32[2]) -> (%z) {
          const %a: float32[] = [2.0]
          const %b: float32[] = [2.0]
          %p = mul(%x, %a)
          %q = mul(%x, %b)
          %z = sub(%p, %q)
        }
    Result:
        graph main(%x: float32[2]) -> (%z) {
          const %a: float32[] = [2.0]
          %p = mul(%x, %a)
          %z = sub(%p, %p)
        }
    """
    changed = False
    for inner in graph.walk_graphs():
        seen: dict[Hashable, Node] = {}
        for node in list(inner.nodes):
            if node.regions or node.op in STATEFUL or not node.outputs:
                continue
            first = seen.setdefault(_key(node), node)
            if first is not node:
                changed |= _merge(inner, first, node)
    return changed


def _key(node: Node) -> Hashable:
    attrs = tuple((k, attribute_text(v)) for k, v in sorted(node.attrs.items()))
    types = tuple(v.type for v in node.outputs)
    return node.op, attrs, tuple(map(_operand, node.inputs)), types


def _operand(value: Value | None) -> Hashable:
    if value is None or value.data is None:
        return id(value)
    plain = value.type.dtype.is_integer and value.type.quant is None
    if value.data.size > (INLINE_LIMIT if plain else 1):
        return id(value)
    return value.type, value.data.tobytes()


def _merge(graph: Graph, first: Node, node: Node) -> bool:
    if len(node.outputs) == 1:
        return forward(graph, node, first.output)
    if any(graph.is_output(v) for v in node.outputs):
        return graph.keep(node, "it gives outputs their names")
    for old, new in zip(node.outputs, first.outputs, strict=True):
        graph.replace_uses(old, new)
    graph.remove(node)
    return True
