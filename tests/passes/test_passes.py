"""The runner finds passes that break graphs, lie or never end."""

import pytest

from edgewright import ops, passes
from edgewright.errors import InternalError
from edgewright.graph import Graph, Module, Node, parse_graph
from edgewright.passes import Pass, optimize, rewrite, run_pass
from edgewright.passes.order import ORDER


def module() -> Module:
    text = "graph main(%x: float32[2,3]) -> (%z) { %y = neg(%x) %z = abs(%y) }"
    return Module({"main": parse_graph(text, infer=ops.infer)})


def named(name: str, function: object) -> Pass:
    assert callable(function)
    return Pass(name, "", function)


def test_a_pass_that_changes_in_silence() -> None:
    def sweep(graph: Graph) -> bool:
        graph.nodes[0].op = "exp"
        return False

    with pytest.raises(InternalError, match="silent_pass said that it changed nothing"):
        run_pass(named("silent_pass", sweep), module())


def test_a_pass_that_claims_too_much() -> None:
    calls = iter([True, False])
    with pytest.raises(InternalError, match="boast said that it changed the graph"):
        run_pass(named("boast", lambda graph: next(calls)), module())


def test_a_pass_that_breaks_a_type() -> None:
    def sweep(graph: Graph) -> bool:
        node = graph.nodes[0]
        changed = node.op != "transpose"
        node.op, node.attrs = "transpose", {"perm": (1, 0)}
        return changed

    with pytest.raises(InternalError, match="pass breaker broke the graph"):
        run_pass(named("breaker", sweep), module())


def test_a_pass_that_never_ends() -> None:
    def sweep(graph: Graph) -> bool:
        graph.nodes[0].op = "exp" if graph.nodes[0].op == "neg" else "neg"
        return True

    with pytest.raises(InternalError, match="still finds work"):
        run_pass(named("pendulum", sweep), module())


def test_a_pass_is_found_where_its_name_says() -> None:
    def misplaced(graph: Graph, node: Node) -> bool:
        return False

    with pytest.raises(ValueError, match=r"misplaced must be in misplaced\.py"):
        rewrite("add")(misplaced)


def test_only_what_still_stands_is_declined() -> None:
    text = """graph main(%x: float32[1,4,4,2], %w: float32[3,1,1,2]) -> (%z) {
      %y = conv(%x, %w, none) %a = clip(%y) {lo=0.0} %z = add(%a, %y)
    }"""
    graph = parse_graph(text, infer=ops.infer)
    optimize(Module({"main": graph}), [*ORDER, *ORDER])
    assert [str(d) for d in graph.declined if d.rewrite == "fuse_activation"] == [
        "fuse_activation: %a = clip: %y is also read before the clip"
    ]


def test_regions_are_optimised_too() -> None:
    text = """graph main(%c: bool[], %x: float32[2]) -> (%y) {
      %y: float32[2] = if(%c)
        region then() -> (%b) { %a: float32[2] = reshape(%x) {shape=[2]} %b: float32[2] = neg(%a) }
        region else() -> (%d) { %d: float32[2] = neg(%x) }
    }"""
    graph = parse_graph(text)
    optimize(Module({"main": graph}))
    assert [n.op for n in graph.nodes[0].regions[0].nodes] == ["neg"]


def test_names_given_by_assignment_are_not_given_again() -> None:
    """Importers rename values to what the user's file calls them."""
    text = """graph main(%x: float32[1,4,5,3]) -> (%z) {
      %t = transpose(%x) {perm=[0, 3, 1, 2]} %z = neg(%t)
    }"""
    graph = parse_graph(text, infer=ops.infer)
    graph.outputs[0].name = "probabilities"
    optimize(Module({"main": graph}))
    assert [v.name for v in graph.outputs] == ["probabilities"]


def test_packages_may_add_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    def sweep(graph: Graph) -> bool:
        changed = graph.nodes[0].op == "neg"
        graph.nodes[0].op = "exp"
        return changed

    class Entry:
        name = "theirs"

        def load(self) -> Pass:
            return named("theirs", sweep)

    found = {"edgewright.passes": [Entry()]}
    monkeypatch.setattr(passes, "entry_points", lambda group: found[group])
    held = module()
    optimize(held)
    assert [node.op for node in held.main.nodes] == ["exp", "abs"]
