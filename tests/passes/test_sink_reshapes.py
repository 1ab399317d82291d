"""Reshapes that stay above."""

import pytest

from edgewright.passes.sink_reshapes import sink_reshapes
from tests.passes.conftest import Apply

ARGS = "(%x: float32[2,2], %b: float32[4], %c: float32[1,4])"


@pytest.mark.parametrize(
    "body",
    [
        "%y = reshape(%x) {shape=[4]} %a = neg(%y) %z = add(%a, %y)",
        "%y = reshape(%x) {shape=[4]} %z = softmax(%y)",
        "%y = reshape(%x) {shape=[4]} %z = add(%y, %b)",
        "%y = reshape(%x) {shape=[4]} %a = reshape(%c) {shape=[4]} %z = add(%y, %a)",
        "%y = reshape(%x) {shape=[1, 4]} %z = add(%y, %one)",
        "%y = reshape(%x) {shape=[2, 1, 2]} %a = reshape(%x) {shape=[1, 2, 2]} %z = add(%y, %a)",
    ],
    ids=["also read", "not elementwise", "no reshape", "another shape", "more axes", "broadcast"],
)
def test_they_stay(apply: Apply, body: str) -> None:
    constant = "const %one: float32[1,1,1] = [1.0]"
    assert not apply(sink_reshapes, f"{ARGS} -> (%z) {{ {constant} {body} }}").changed


def test_both_operands_of_a_sum(apply: Apply) -> None:
    text = """(%x: float32[2,2], %w: float32[2,2]) -> (%z) {
      %a = reshape(%x) {shape=[4]} %b = reshape(%w) {shape=[4]} %z = add(%a, %b)
    }"""
    assert apply(sink_reshapes, text).ops == ["add", "reshape"]
