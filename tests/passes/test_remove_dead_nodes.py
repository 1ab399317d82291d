"""What looks dead and is not."""

from edgewright import ops
from edgewright.graph import parse_module
from edgewright.passes import run_pass
from edgewright.passes.remove_dead_nodes import remove_dead_nodes
from tests.passes.conftest import Apply


def test_a_node_with_one_used_result_stays(apply: Apply) -> None:
    text = "(%x: float32[4]) -> (%b) { %a, %b = split(%x) {axis=0, sizes=[1, 3]} }"
    assert not apply(remove_dead_nodes, text).changed


def test_writing_a_state_is_an_effect() -> None:
    text = """module requantization="float"
    state %s: float32[1] = [0.0]
    graph main(%x: float32[1]) -> (%y) {
      %a = neg(%x)
      write_state(%a) {state="s"}
      %y = abs(%x)
    }"""
    assert not run_pass(remove_dead_nodes, parse_module(text, infer=ops.infer))
