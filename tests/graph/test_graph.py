"""Editing graphs: who reads what stays right through every edit."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgewright import ops
from edgewright.graph import (
    DType,
    Graph,
    Location,
    Module,
    Node,
    TensorType,
    Value,
    parse_graph,
    verify_module,
)
from edgewright.graph.text import values_of

F32 = TensorType(DType.FLOAT32, (4,))


def chain() -> tuple[Graph, dict[str, Value]]:
    graph = parse_graph(
        """graph main(%x: float32[4], %flag: bool[]) -> (%d, %b) {
          %a = neg(%x)
          %b = add(%a, %a)
          %c = abs(%a)
          %d = if(%flag)
            region then() -> (%e) { %e = exp(%c) }
            region else() -> (%a) { }
        }""",
        infer=ops.infer,
    )
    return graph, values_of(graph)


def sound(graph: Graph) -> None:
    verify_module(Module({"main": graph}), ops.infer)


def readers(graph: Graph, value: Value) -> list[str]:
    return [node.op for node in graph.users(value)]


def test_users_are_each_counted_once() -> None:
    graph, values = chain()
    assert readers(graph, values["a"]) == ["add", "abs"]
    assert len(values["a"].users) == 3
    assert readers(graph, values["c"]) == ["exp"]  # captured by a region
    assert readers(graph, values["d"]) == []


def test_outputs_of_regions_leave() -> None:
    graph, values = chain()
    assert [graph.is_output(values[n]) for n in "abcde"] == [True, True, False, True, True]


def test_only_user() -> None:
    graph, values = chain()
    assert graph.only_user(values["c"]) is values["e"].producer
    assert graph.only_user(values["a"]) is None  # two readers
    assert graph.only_user(values["d"]) is None  # none, and an output


def test_replace_uses_reaches_regions_and_outputs() -> None:
    graph, values = chain()
    graph.replace_uses(values["a"], values["x"])
    assert values["a"].users == []
    assert readers(graph, values["x"]) == ["neg", "add", "abs"]
    assert values["b"].producer is not None
    assert values["b"].producer.inputs == [values["x"], values["x"]]
    assert graph.nodes[-1].regions[1].outputs == [values["x"]]
    sound(graph)


def test_replace_takes_the_node_out() -> None:
    graph, values = chain()
    node = values["a"].producer
    assert node is not None
    graph.replace(node, values["x"])
    assert node not in graph.nodes
    assert node.graph is None
    sound(graph)


def test_set_input_of_one_of_two_equal_operands() -> None:
    graph, values = chain()
    node = graph.nodes[1]
    graph.set_input(node, 1, values["x"])
    assert node.inputs == [values["a"], values["x"]]
    assert values["a"].users.count(node) == 1
    sound(graph)


def test_an_optional_input_can_come_and_go() -> None:
    graph, values = chain()
    node = graph.nodes[1]
    graph.set_input(node, 1, None)
    assert node.arguments == [values["a"]]
    assert values["a"].users.count(node) == 1
    graph.set_input(node, 1, values["a"])
    sound(graph)


def test_set_inputs_replaces_all() -> None:
    graph, values = chain()
    graph.set_inputs(graph.nodes[1], [values["x"], None, values["x"]])
    assert readers(graph, values["a"]) == ["abs"]
    assert values["x"].users.count(graph.nodes[1]) == 2


def test_remove_forgets_the_reader() -> None:
    graph, values = chain()
    graph.outputs.remove(values["b"])
    graph.remove(graph.nodes[1])
    assert readers(graph, values["a"]) == ["abs"]
    sound(graph)


@pytest.mark.parametrize("name", ["a", "b", "c", "d"])
def test_what_is_still_read_cannot_be_removed(name: str) -> None:
    """By a node, an output, or a region."""
    graph, values = chain()
    node = values[name].producer
    assert node is not None
    with pytest.raises(ValueError, match=f"%{name} is still read, so {node.op} cannot be removed"):
        graph.remove(node)
    sound(graph)


def test_removing_a_node_frees_what_its_regions_captured() -> None:
    graph, values = chain()
    graph.outputs.remove(values["d"])
    graph.remove(graph.nodes[-1])
    assert values["c"].users == []
    assert not graph.is_output(values["a"])
    graph.remove(graph.nodes[-1])  # %c, which only the region read
    sound(graph)


def test_insert_before() -> None:
    graph, values = chain()
    node = Node("neg", [values["x"]], [graph.value("a", F32)])
    graph.insert(node, before=graph.nodes[1])
    assert [n.op for n in graph.nodes] == ["neg", "neg", "add", "abs", "if"]
    assert node.output.name == "a.1"
    assert node.output.producer is node
    sound(graph)


def test_names_are_unique_across_regions() -> None:
    graph, _ = chain()
    region = graph.nodes[-1].regions[0]
    assert graph.unique("e") == "e.1"
    assert region.unique("x") == "x.1"
    assert region.unique("x") == "x.2"
    graph.reserve(["fresh"])
    assert region.unique("fresh") == "fresh.1"


def test_constants_in_order_of_first_use() -> None:
    graph = Graph()
    two, one = (graph.constant(n, np.zeros(4, np.float32)) for n in ("two", "one"))
    unused = graph.constant("unused", np.zeros(4, np.float32))
    graph.insert(Node("add", [one, two], [graph.value("y", F32)]))
    graph.insert(Node("add", [two, one], [graph.value("z", F32)]))
    out = graph.constant("out", np.zeros(4, np.float32))
    graph.outputs = [out]
    assert graph.constants() == [one, two, out]
    assert unused.is_constant


def test_walks_see_outer_before_inner() -> None:
    graph, _ = chain()
    assert [n.op for n in graph.walk()] == ["neg", "add", "abs", "if", "exp"]
    assert [g.name for g in graph.walk_graphs()] == ["main", "then", "else"]


def test_keep_records_why() -> None:
    graph, values = chain()
    graph.rewrite = "fuse_exp"
    node = values["e"].producer
    assert node is not None
    node.origin = Location("m.onnx", "Exp", "head", "e", 7)
    inner = graph.nodes[-1].regions[0]
    assert inner.keep(node, "it is in a region") is False
    (declined,) = graph.declined  # kept where the whole graph's are, however deep
    where = "m.onnx: Exp #7 'head' -> 'e'"
    assert str(declined) == f"fuse_exp: %e = exp: it is in a region ({where})"


def test_locations_say_what_is_known() -> None:
    assert str(Location("m.tflite", "ADD")) == "m.tflite: ADD"
    assert str(Location("m.tflite", "ADD", index=0)) == "m.tflite: ADD #0"


def test_an_input_that_must_be_there() -> None:
    graph, values = chain()
    graph.set_input(graph.nodes[1], 0, None)
    with pytest.raises(AssertionError, match="add has no input 0"):
        graph.nodes[1].input(0)
    assert graph.nodes[1].input(1) is values["a"]


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 9), st.integers(0, 9)), max_size=30))
def test_any_sequence_of_edits_keeps_readers_right(edits: list[tuple[int, int, int]]) -> None:
    """The verifier compares both directions of every edge."""
    graph = Graph()
    values = [graph.add_input("x", F32), graph.constant("w", np.zeros(4, np.float32))]
    for kind, i, j in edits:
        a, b = values[i % len(values)], values[j % len(values)]
        node = graph.nodes[i % len(graph.nodes)] if graph.nodes else None
        if kind == 0 or node is None:
            made = graph.insert(Node("add", [a, b], [graph.value("y", F32)]))
            values.append(made.output)
        elif kind == 1 and _before(graph, a, node):
            graph.set_input(node, j % 2, a)
        elif kind == 2 and all(_before(graph, b, n) for n in graph.users(a)):
            graph.replace_uses(a, b)
        elif kind == 3 and a not in graph.outputs:
            graph.outputs.append(a)
        elif kind == 4 and not node.output.users and not graph.is_output(node.output):
            graph.remove(node)
            values.remove(node.output)
    sound(graph)


def _before(graph: Graph, value: Value, node: Node) -> bool:
    made = value.producer
    return made is None or graph.nodes.index(made) < graph.nodes.index(node)
