"""Resource variables: VAR_HANDLE, READ_VARIABLE, ASSIGN_VARIABLE and CALL_ONCE."""

from __future__ import annotations

import numpy as np

from edgewright.graph import Graph, State, TensorType, Value
from edgewright.importers.tflite.node import SourceNode
from edgewright.importers.tflite.rule import rule


@rule("VAR_HANDLE")
def var_handle(node: SourceNode) -> None:
    """Remember which variable the handle stands for."""
    name = bytes(node.option("shared_name", b"") or b"").decode(errors="replace")
    container = bytes(node.option("container", b"") or b"").decode(errors="replace")
    node.scope.handles[node.operator.outputs[0]] = "/".join(p for p in (container, name) if p)


def _variable(node: SourceNode) -> str:
    handle = node.operator.inputs[0]
    node.require(handle in node.scope.handles, "the variable's handle is computed at run time")
    return node.scope.handles[handle]


def declare_state(node: SourceNode, name: str, type: TensorType) -> State:
    """The state of a variable; the zero point everywhere until something else is known."""
    states = node.scope.module.states
    if name not in states:
        node.require(type.is_static, f"variable '{name}' has no fixed size")
        zero = type.quant.zero[0] if type.quant else 0
        states[name] = State(name, type, np.full(type.dims, zero, type.dtype.numpy))
    held = states[name].type
    same = (held.dtype, held.shape) == (type.dtype, type.shape)
    node.require(same, f"variable '{name}' is {held} and {type}")
    return states[name]


@rule("READ_VARIABLE")
def read_variable(node: SourceNode) -> Value:
    """The variable's content."""
    name = _variable(node)
    declare_state(node, name, node.output_type())
    return node.add_typed("read_state", [], state=name)


@rule("ASSIGN_VARIABLE")
def assign_variable(node: SourceNode) -> None:
    """Replace the content; in an initialising graph, what a reset brings back."""
    name, value = _variable(node), node.input(1)
    state = declare_state(node, name, value.type)
    if node.graph.name == "init" and value.data is not None:
        state.init = value.data
    node.add_all("write_state", [value], state=name)


@rule("CALL_ONCE")
def call_once(node: SourceNode) -> None:
    """The initialising subgraph becomes an entry point of its own, `init`.

    Constants that it assigns are what `reset` brings back, so callers need not run it.
    """
    from edgewright.importers.tflite import import_subgraph, replace_subgraph

    index = int(node.option("init_subgraph_index"))
    subgraphs = node.scope.model.subgraphs
    node.require(0 < index < len(subgraphs), f"there is no subgraph {index}")
    graphs = node.scope.module.graphs
    node.require("init" not in graphs, "a second CALL_ONCE is not supported")
    scope = replace_subgraph(node.scope, subgraphs[index])
    scope.graph = graphs["init"] = Graph("init")
    import_subgraph(scope)
