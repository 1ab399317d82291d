"""Edits that passes share: make a node, let one value stand for another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from edgewright import ops
from edgewright.graph import Graph, Node, Source, TensorType, Value


def insert(
    graph: Graph,
    before: Node,
    op: str,
    inputs: Sequence[Value | None],
    attrs: dict[str, Any] | None = None,
    *,
    like: Value,
    type: TensorType | None = None,
    source: Source | None = None,
) -> Value:
    """Put a node with one result before another node; the result is named after `like`.

    Its type is what the operator infers, unless given.
    """
    types = None if type is None else [type]
    (value,) = insert_many(graph, before, op, inputs, attrs, likes=[like], types=types)
    value.source = source
    return value


def insert_many(
    graph: Graph,
    before: Node,
    op: str,
    inputs: Sequence[Value | None],
    attrs: dict[str, Any] | None = None,
    *,
    likes: Sequence[Value],
    types: Sequence[TensorType] | None = None,
) -> list[Value]:
    """As `insert`, for any number of results, each named after one of `likes`."""
    node = Node(op, list(inputs), [], dict(attrs or {}), origin=before.origin)
    for like, type in zip(likes, types or ops.infer(node), strict=True):
        node.outputs.append(graph.value(like.name, type))
    graph.insert(node, before)
    return node.outputs


def forward(graph: Graph, node: Node, value: Value) -> bool:
    """Remove a node whose only output is the same tensor as `value`.

    Returns False and leaves the node where the interface needs it: an output of the model keeps its
    name, and an input, a constant or another output cannot take it. Regions are treated alike, so
    that what they hand back is always theirs.
    """
    old = node.output
    if graph.is_output(old):
        inside = value.producer is not None and value.producer.graph is node.graph
        if not inside or graph.is_output(value):
            return False
        old.name, value.name = value.name, old.name
    value.source = value.source or old.source
    graph.replace(node, value)
    return True


def absorb(graph: Graph, node: Node, value: Value) -> None:
    """Remove a node whose work the producer of `value` now does.

    The value takes over the type, the name and the source of the node's only output.
    """
    value.type = node.output.type
    substitute(graph, node.output, value)
    graph.remove(node)


def become(graph: Graph, node: Node, value: Value) -> bool:
    """Remove a node whose result was computed anew as `value`, a fresh one."""
    value.type = value.type.with_quant(node.output.type.quant)
    substitute(graph, node.output, value)
    graph.remove(node)
    return True


def substitute(graph: Graph, old: Value, new: Value) -> None:
    """Let a value take the place, the name and the source of another one."""
    old.name, new.name = new.name, old.name
    new.source = old.source
    graph.replace_uses(old, new)


def drop_unused(graph: Graph, node: Node) -> None:
    """Remove a node, and what only it needed, if nothing reads its results any more."""
    if node.graph is None or any(v.users or graph.is_output(v) for v in node.outputs):
        return
    makers = [v.producer for v in node.arguments]
    node.graph.remove(node)
    for maker in makers:
        if maker is not None and maker.op != "write_state":
            drop_unused(graph, maker)


def is_interface(graph: Graph, value: Value) -> bool:
    """Whether a value is an output of the model, whose name and layout belong to the user."""
    return value in graph.root().outputs


def feeder(node: Node, index: int, *names: str) -> Node | None:
    """The node of the same graph that makes input `index`, if it is one of `names`."""
    value = node.inputs[index] if index < len(node.inputs) else None
    made = value.producer if value is not None else None
    if made is None or made.graph is not node.graph or made.op not in names:
        return None
    return made


def sole_feeder(graph: Graph, node: Node, index: int, *names: str) -> Node | None:
    """As `feeder`, if nothing else reads what it makes."""
    made = feeder(node, index, *names)
    if made is None or len(made.outputs) != 1 or graph.only_user(made.output) is not node:
        return None
    return made


def transposed(source: Source | None, perm: Sequence[int]) -> Source | None:
    """The source of `transpose(value, perm)`, given that of the value."""
    if source is None:
        return None
    moved = tuple(source.perm[i] for i in perm) if source.perm else tuple(perm)
    return replace(source, perm=() if moved == tuple(range(len(moved))) else moved)


def inverse(perm: Sequence[int]) -> tuple[int, ...]:
    """The permutation that undoes another."""
    return tuple(sorted(range(len(perm)), key=lambda i: perm[i]))
