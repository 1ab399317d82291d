"""Reshapes that something else reads."""

from edgewright.passes.merge_reshapes import merge_reshapes
from tests.passes.conftest import Apply


def test_the_first_stays_for_its_other_reader(apply: Apply) -> None:
    text = """(%x: float32[2,2]) -> (%b) {
      %y = reshape(%x) {shape=[4]} %z = reshape(%y) {shape=[4, 1]} %b = add(%y, %z)
    }"""
    outcome = apply(merge_reshapes, text)
    assert outcome.ops == ["reshape", "reshape", "add"]
    assert outcome.graph.nodes[1].input(0) is outcome.graph.inputs[0]


def test_one_reshape_is_left_alone(apply: Apply) -> None:
    text = "(%x: float32[2,2]) -> (%z) { %y = neg(%x) %z = reshape(%y) {shape=[4]} }"
    assert not apply(merge_reshapes, text).changed
