"""The verifier: each kind of broken module, and all problems at once."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings

from edgewright import ops
from edgewright.errors import InvalidGraph
from edgewright.graph import (
    DType,
    Graph,
    Module,
    Node,
    Symbol,
    TensorType,
    Value,
    parse_module,
    upper,
    verify_module,
)
from edgewright.graph.text import values_of
from tests.graph.strategies import modules

TEXT = """\
module requantization="float"
state %s: float32[4] = [0.0, 0.0, 0.0, 0.0]
graph main(%x: float32[2,4], %flag: bool[]) -> (%z) {
  const %w: float32[4] = [1.0, 2.0, 3.0, 4.0]
  %y: float32[2,4] = add(%x, %w)
  %r: float32[4] = read_state() {state="s"}
  write_state(%r) {state="s"}
  %z: float32[2,4] = if(%flag)
    region then() -> (%a) {
      %a: float32[2,4] = neg(%y)
    }
    region else() -> (%b) {
      %b: float32[2,4] = abs(%x)
    }
}
"""
F32 = TensorType(DType.FLOAT32, (2, 4))
Break = Callable[[Module, Graph, dict[str, Value]], object]


def fresh() -> tuple[Module, Graph, dict[str, Value]]:
    module = parse_module(TEXT)
    return module, module.main, values_of(module.main)


def problems(module: Module) -> str:
    with pytest.raises(InvalidGraph) as caught:
        verify_module(module, ops.infer)
    return caught.value.what


def test_the_example_is_sound() -> None:
    verify_module(fresh()[0], ops.infer)


def undefined(module: Module, graph: Graph, values: dict[str, Value]) -> None:
    graph.set_input(graph.nodes[0], 0, Value("ghost", F32))


def undefined_output(module: Module, graph: Graph, values: dict[str, Value]) -> None:
    graph.outputs.append(Value("ghost", F32))


def too_early(module: Module, graph: Graph, values: dict[str, Value]) -> None:
    graph.nodes.append(graph.nodes.pop(0))


def leaked(module: Module, graph: Graph, values: dict[str, Value]) -> None:
    """A region's own value read outside of it."""
    graph.insert(Node("neg", [values["a"]], [graph.value("n", F32)]))


def two_names(module: Module, graph: Graph, values: dict[str, Value]) -> None:
    values["a"].name = "y"


def constant_name(module: Module, graph: Graph, values: dict[str, Value]) -> None:
    values["w"].name = "x"


def constant_dtype(module: Module, graph: Graph, values: dict[str, Value]) -> None:
    values["w"].data = np.zeros(4, np.float64)


def constant_shape(module: Module, graph: Graph, values: dict[str, Value]) -> None:
    values["w"].data = np.zeros((4, 1), np.float32)


def output_constant(module: Module, graph: Graph, values: dict[str, Value]) -> None:
    graph.outputs.append(graph.constant("k", np.zeros(3, np.int8), F32))


def unknown_state(module: Module, graph: Graph, values: dict[str, Value]) -> None:
    graph.nodes[2].attrs["state"] = "t"


def state_content(module: Module, graph: Graph, values: dict[str, Value]) -> None:
    module.states["s"].init = np.zeros(5, np.float32)


def wrong_type(module: Module, graph: Graph, values: dict[str, Value]) -> None:
    values["y"].type = TensorType(DType.FLOAT32, (2, 5))


def operands(module: Module, graph: Graph, values: dict[str, Value]) -> None:
    values["x"].type = TensorType(DType.FLOAT32, (2, 3))


def results(module: Module, graph: Graph, values: dict[str, Value]) -> None:
    extra = graph.value("extra", F32)
    extra.producer = graph.nodes[0]
    graph.nodes[0].outputs.append(extra)


def forgotten_reader(module: Module, graph: Graph, values: dict[str, Value]) -> None:
    values["x"].users.remove(graph.nodes[0])


def counted_once(module: Module, graph: Graph, values: dict[str, Value]) -> None:
    graph.nodes[0].inputs[1] = values["x"]
    values["w"].users.clear()


def stale_reader(module: Module, graph: Graph, values: dict[str, Value]) -> None:
    values["y"].users.append(graph.nodes[1])


def producer(module: Module, graph: Graph, values: dict[str, Value]) -> None:
    values["y"].producer = None


def lost_node(module: Module, graph: Graph, values: dict[str, Value]) -> None:
    graph.nodes[0].graph = Graph()


def negative(module: Module, graph: Graph, values: dict[str, Value]) -> None:
    values["x"].type = TensorType(DType.FLOAT32, (Symbol("h", 1, 4) - 5, 4))


def unknown_operator(module: Module, graph: Graph, values: dict[str, Value]) -> None:
    graph.nodes[0].op = "ad"


def unknown_attribute(module: Module, graph: Graph, values: dict[str, Value]) -> None:
    graph.nodes[0].attrs["klamp"] = None


BREAKS: list[tuple[Break, str]] = [
    (undefined, "%ghost is read before it is defined\n    in %y: float32[2,4] = add(%ghost, %w)"),
    (undefined_output, "output %ghost of main is not defined"),
    (too_early, "%y is read before it is defined\n    in %a: float32[2,4] = neg(%y)"),
    (leaked, "%a is read before it is defined\n    in %n: float32[2,4] = neg(%a)"),
    (two_names, "%y is the name of two values"),
    (constant_name, "%x is the name of two values"),
    (constant_dtype, "constant %w is float32[4] but holds float64[4]"),
    (constant_shape, "constant %w is float32[4] but holds float32[4, 1]"),
    (output_constant, "constant %k is float32[2,4] but holds int8[3]"),
    (unknown_state, "there is no state 't'\n    in write_state(%r)"),
    (state_content, "state %s is float32[4] but begins as float32[5]"),
    (wrong_type, "%y is float32[2,5], but add makes float32[2,4]"),
    (operands, "in %y: float32[2,4] = add(%x, %w)"),
    (results, "add has 1 results, not 2"),
    (forgotten_reader, "%x does not know that add reads it"),
    (counted_once, "%x does not know that add reads it"),
    (stale_reader, "%y remembers read_state, which does not read it any more"),
    (producer, "%y does not know its producer"),
    (lost_node, "add does not know the graph it is in"),
    (negative, "%x has a negative size: float32[(h - 5),4]"),
    (unknown_operator, "unknown operator 'ad'"),
    (unknown_attribute, "add has no attribute 'klamp'"),
]


@pytest.mark.parametrize(("spoil", "what"), BREAKS, ids=[b.__name__ for b, _ in BREAKS])
def test_each_kind_is_found(spoil: Break, what: str) -> None:
    module, graph, values = fresh()
    spoil(module, graph, values)
    assert what in problems(module)


def test_all_are_reported_at_once() -> None:
    module, graph, values = fresh()
    together: tuple[Break, ...] = (
        constant_dtype,
        unknown_state,
        wrong_type,
        forgotten_reader,
        undefined_output,
    )
    for spoil in together:
        spoil(module, graph, values)
    found = problems(module)
    for spoil, what in BREAKS:
        if spoil in together:
            assert what in found


def test_every_graph_is_looked_at() -> None:
    module, *_ = fresh()
    for name in ("one", "two"):
        graph = Graph(name)
        graph.outputs = [Value(name, F32)]
        module.graphs[name] = graph
    found = problems(module)
    assert "output %one of one" in found
    assert "output %two of two" in found


def test_types_are_only_checked_on_request() -> None:
    module, graph, values = fresh()
    wrong_type(module, graph, values)
    verify_module(module)


@given(modules())
@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None, max_examples=30)
def test_what_the_graph_builds_is_sound(module: Module) -> None:
    """`users`, producers and names are right however a graph came to be."""
    values = [v for g in module.graphs.values() for v in values_of(g).values()]
    assume(all(upper(d) >= 0 for v in values for d in v.type.shape))
    verify_module(module)
