"""Nodes that look alike and are not."""

import pytest

from edgewright.graph import parse_module
from edgewright.passes import run_pass
from edgewright.passes.eliminate_common_subexpressions import eliminate_common_subexpressions
from tests.passes.conftest import Apply


@pytest.mark.parametrize(
    "body",
    [
        "%a = sub(%x, %w) %b = sub(%w, %x)",
        "%a = clip(%x) {lo=0.0} %b = clip(%x) {lo=1.0}",
        "%a = mul(%x, %c) %b = mul(%x, %d)",
    ],
)
def test_they_stay(apply: Apply, body: str) -> None:
    text = f"""(%x: float32[2], %w: float32[2]) -> (%z) {{
      const %c: float32[2] = [1.0, 2.0] const %d: float32[2] = [1.0, 3.0]
      {body} %z = add(%a, %b)
    }}"""
    assert not apply(eliminate_common_subexpressions, text).changed


def test_equal_weights_are_trained(apply: Apply) -> None:
    text = """(%x: float32[2]) -> (%z) {
      const %c: float32[2] = [1.0, 1.0] const %d: float32[2] = [1.0, 1.0]
      %a = mul(%x, %c) %b = mul(%x, %d) %z = add(%a, %b)
    }"""
    assert not apply(eliminate_common_subexpressions, text).changed


def test_two_outputs_keep_their_names(apply: Apply) -> None:
    text = "(%x: float32[2]) -> (%a, %b) { %a = neg(%x) %b = neg(%x) }"
    assert not apply(eliminate_common_subexpressions, text).changed


def test_a_state_may_have_been_written_in_between() -> None:
    text = """module requantization="float"
    state %s: float32[1] = [0.0]
    graph main(%x: float32[1]) -> (%y) {
      %a: float32[1] = read_state() {state="s"}
      write_state(%x) {state="s"}
      %b: float32[1] = read_state() {state="s"}
      %y: float32[1] = add(%a, %b)
    }"""
    assert not run_pass(eliminate_common_subexpressions, parse_module(text))


def test_splits_merge(apply: Apply) -> None:
    text = """(%x: float32[2]) -> (%z) {
      %a, %b = split(%x) {axis=0, sizes=[1, 1]} %c, %d = split(%x) {axis=0, sizes=[1, 1]}
      %z = add(%a, %d)
    }"""
    assert apply(eliminate_common_subexpressions, text).ops == ["split", "add"]
