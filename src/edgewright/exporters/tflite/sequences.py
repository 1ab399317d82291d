"""Which LSTMs keep their state from one call to the next, as TensorFlow Lite's own ones do."""

from __future__ import annotations

import numpy as np

from edgewright.graph import Graph, Module, Node, Value


def stateful_lstms(module: Module, graph: Graph) -> dict[Node, tuple[str, str]]:
    """LSTM nodes that begin with a state and end by writing it, with the states of h and c."""
    found = {}
    for node in graph.nodes:
        names = _states(module, graph, node) if node.op == "lstm" else None
        if names is not None:
            found[node] = names
    return found


def _states(module: Module, graph: Graph, node: Node) -> tuple[str, str] | None:
    given = [*node.inputs, None, None, None][4:6]
    names = [_kept(graph, node, value, result) for value, result in
             zip(given, node.outputs[1:], strict=True)]  # fmt: skip
    h, c = names
    if h is None or c is None or h == c or node.attrs.get("reverse"):
        return None
    if any(_readers(module, name) != 2 or not _begins_at_zero(module, name) for name in (h, c)):
        return None
    weights = [v for v in node.inputs[1:4] if v is not None]
    return (h, c) if all(v.data is not None for v in weights) else None


def _kept(graph: Graph, node: Node, given: Value | None, result: Value) -> str | None:
    """The state that is read into an operand and written from a result, and nothing else."""
    read = given.producer if given is not None else None
    users = graph.users(result)
    if given is None or read is None or read.op != "read_state" or graph.users(given) != [node]:
        return None
    if len(users) != 1 or users[0].op != "write_state" or result in graph.outputs:
        return None
    name = str(read.attrs["state"])
    return name if users[0].attrs["state"] == name else None


def _readers(module: Module, name: str) -> int:
    """How many nodes read or write a state."""
    nodes = [n for g in module.graphs.values() for n in g.walk()]
    return sum(n.op in ("read_state", "write_state") and n.attrs["state"] == name for n in nodes)


def _begins_at_zero(module: Module, name: str) -> bool:
    state = module.states[name]
    zero = state.type.quant.zero[0] if state.type.quant else 0
    return bool(np.all(state.init == zero))


def reads_and_writes(graph: Graph, names: set[str]) -> set[Node]:
    """The nodes that read or write some states."""
    return {n for n in graph.nodes
            if n.op in ("read_state", "write_state") and n.attrs["state"] in names}  # fmt: skip
