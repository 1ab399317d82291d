"""Chains that are functions of one 8-bit tensor, and those that are not."""

import numpy as np
import pytest

from edgewright import ops
from edgewright.graph import Module, parse_graph
from edgewright.ops.interpreter import Interpreter
from edgewright.passes import run_pass
from edgewright.passes.fold_lookups import fold_lookups
from tests.passes.conftest import Apply

HEAD = """(%x: uint8[256]<0.03:120>, %w: uint8[256]<0.03:120>, %f: float32[256]) -> (%y) {
  const %half: float32[] = [0.5]
  const %one: uint8[1]<0.0078:0> = [128]
  const %row: float32[2] = [1.0, 2.0]
"""
GELU = """
  %a = dequantize(%x)
  %b = mul(%a, %half)
  %c = erf(%b)
  %d: uint8[256]<0.0078:127> = quantize(%c)
  %e: uint8[256]<0.0157:0> = add(%d, %one)
  %y: uint8[256]<0.04:8> = mul(%x, %e)
}"""


@pytest.mark.parametrize("mode", ["float", "fixed"])
def test_every_code_becomes_what_it_was(mode: str) -> None:
    def module() -> Module:
        return Module({"main": parse_graph("graph main" + HEAD + GELU, ops.infer)}, {}, mode)

    plain, folded = module(), module()
    assert run_pass(fold_lookups, folded)
    assert [n.op for n in folded.graphs["main"].nodes] == ["lookup"]
    inputs = {"x": np.arange(256).astype(np.uint8), "w": np.zeros(256, np.uint8)}
    inputs |= {"f": np.zeros(256, np.float32)}
    wanted, found = (Interpreter(m).run(inputs) for m in (plain, folded))
    np.testing.assert_array_equal(found["y"], wanted["y"])


def test_what_others_read_stays(apply: Apply) -> None:
    found = apply(fold_lookups, (HEAD + GELU).replace("(%y) {", "(%y, %c) {"))
    assert found.ops == ["dequantize", "mul", "erf", "lookup"]


def test_the_farthest_tensor_is_looked_up(apply: Apply) -> None:
    body = """%a: uint8[256]<0.04:0> = sigmoid(%x) %b: uint8[256]<0.04:9> = tanh(%a)
      %y: uint8[256]<0.05:3> = mul(%b, %a) }"""
    found = apply(fold_lookups, HEAD + body)
    assert found.ops == ["lookup"]
    assert found.graph.nodes[0].input(0).name == "x"


@pytest.mark.parametrize(
    "body",
    [
        "%y: uint8[256]<0.04:8> = sigmoid(%x) }",
        """%a = dequantize(%x) %b = dequantize(%w) %c = add(%a, %b)
        %y: uint8[256]<0.04:8> = quantize(%c) }""",
        "%a = erf(%f) %y: uint8[256]<0.04:8> = quantize(%a) }",
        "%a = dequantize(%x) %y = erf(%a) }",
        """%a = dequantize(%x) %b = reshape(%a) {shape=[128, 2]} %c = mul(%b, %row)
        %y: uint8[128,2]<0.04:8> = quantize(%c) }""",
    ],
)
def test_they_stay(apply: Apply, body: str) -> None:
    assert not apply(fold_lookups, HEAD + body).changed
