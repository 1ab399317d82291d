"""State as resource variables: VAR_HANDLE, READ_VARIABLE, ASSIGN_VARIABLE and CALL_ONCE."""

from __future__ import annotations

from collections.abc import Sequence

from edgewright.exporters.tflite.interface import INIT
from edgewright.exporters.tflite.node import ExportedNode
from edgewright.exporters.tflite.records import Operator, Subgraph, Tensor
from edgewright.exporters.tflite.rule import rule
from edgewright.exporters.tflite.scope import Scope
from edgewright.graph import DType, Graph, TensorType


def handle(scope: Scope, name: str) -> Tensor:
    """The handle of a variable in a subgraph."""
    if name not in scope.handles:
        tensor = scope.add(f"{name}/handle", TensorType(DType.INT32, ()))
        tensor.is_resource = True
        options = {"shared_name": name, "container": ""}
        scope.subgraph.operators.append(Operator("VAR_HANDLE", [], [tensor], options))
        scope.handles[name] = tensor
    return scope.handles[name]


@rule("read_state")
def read_state(node: ExportedNode) -> None:
    """READ_VARIABLE."""
    node.add("READ_VARIABLE", [handle(node.scope, node.attrs.state)], node.output())


@rule("write_state")
def write_state(node: ExportedNode) -> None:
    """ASSIGN_VARIABLE."""
    operands = [handle(node.scope, node.attrs.state), node.input(0)]
    node.scope.subgraph.operators.append(Operator("ASSIGN_VARIABLE", operands, [], {}))


def initialise(scopes: list[Scope]) -> None:
    """Let the first call give every variable its first content."""
    used = sorted({name for scope in scopes for name in scope.handles})
    if not used:
        return
    init = next((s for s in scopes if s.graph.name == INIT and s is not scopes[0]), None)
    if init is None:
        init = _new_scope(scopes[0])
        scopes.append(init)
    for name in used:
        if name not in init.handles:
            state = init.module.states[name]
            content = init.add(f"{name}/init", state.type, state.init)
            operands: Sequence[Tensor] = [handle(init, name), content]
            init.subgraph.operators.append(Operator("ASSIGN_VARIABLE", operands, [], {}))
    options = {"init_subgraph_index": scopes.index(init)}
    scopes[0].subgraph.operators.insert(0, Operator("CALL_ONCE", [], [], options))


def _new_scope(main: Scope) -> Scope:
    subgraph = Subgraph(INIT)
    main.file.subgraphs.append(subgraph)
    return Scope(main.module, Graph(INIT), main.file, subgraph, "as_is", main.notes)
