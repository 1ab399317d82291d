"""Turns pairs of an input and an output into memory that lives between calls."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from edgewright.errors import InvalidOption, UnsupportedModel
from edgewright.graph import Graph, Location, Module, Node, State, Value


def tie_states(module: Module, pairs: Mapping[str, str]) -> None:
    """Let each named input of `main` be what the named output was in the call before, zeros first.

    A model that a stream is fed to step by step takes its memory as an input and returns it as an
    output. Tied, the pair leaves the interface: the input becomes `read_state`, the output
    `write_state`.

    Raises:
        InvalidOption: there is no such input or output, one is tied twice, or the types differ.
        UnsupportedModel: the size of the state is chosen at run time.
    """
    graph = module.main
    _check_once(list(pairs.values()))
    written = [
        (_state(module, name, output), _find(graph.outputs, output, "output"))
        for name, output in pairs.items()
    ]
    for state, value in written:
        _write(graph, state, value)
    for _, value in written:
        graph.outputs.remove(value)


def _check_once(outputs: list[str]) -> None:
    repeated = sorted({name for name in outputs if outputs.count(name) > 1})
    if repeated:
        raise InvalidOption(
            f"output {repeated[0]!r} is tied to two inputs", help="tie each output to one input"
        )


def _state(module: Module, name: str, output: str) -> State:
    """Replace an input by a read of a new state."""
    graph = module.main
    value = _find(graph.inputs, name, "input")
    result = _find(graph.outputs, output, "output")
    held, made = value.type, result.type
    if (held.dtype, held.shape) != (made.dtype, made.shape):
        raise InvalidOption(f"state {name!r} is {held}, but {output!r}, tied to it, is {made}")
    if not held.is_static:
        raise UnsupportedModel(f"state {name!r} has run-time sizes: {held}", None, "fix them")
    zero = held.quant.zero[0] if held.quant else 0
    state = State(name, held, np.full(held.dims, zero, held.dtype.numpy))
    module.states[name] = state
    graph.inputs.remove(value)
    where = Location("", "state", tensor=name)
    node = Node("read_state", [], [value], {"state": name}, [], where)
    graph.insert(node, before=graph.nodes[0] if graph.nodes else None)
    return state


def _write(graph: Graph, state: State, value: Value) -> None:
    where = Location("", "state", tensor=value.name)
    graph.insert(Node("write_state", [value], [], {"state": state.name}, [], where))


def _find(values: list[Value], name: str, what: str) -> Value:
    for value in values:
        if value.name == name:
            return value
    known = ", ".join(v.name for v in values)
    raise InvalidOption(f"the model has no {what} {name!r}", help=f"its {what}s: {known}")
