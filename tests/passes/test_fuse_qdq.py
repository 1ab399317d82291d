"""When an operator between dequantize and quantize stays in float."""

import pytest

from edgewright.passes.fuse_qdq import fuse_qdq
from tests.passes.conftest import Apply


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("%y = add(%f, %g) %z: int8[4]<2.0:0> = quantize(%y) %v = neg(%y)", "also read as float"),
        ("%y = add(%f, %h) %z: int8[4]<2.0:0> = quantize(%y)", "not dequantized"),
        ("%y = add(%f, %g) %z: int16[4]<2.0:0> = quantize(%y)", "not 8 bits"),
        ("%y = add(%f, %g) %z: uint8[4]<2.0:0> = quantize(%y)", "integer type"),
        ("%y = minimum(%f, %g) %z: int8[4]<0.5:0> = quantize(%y)", "different scales"),
    ],
)
def test_it_stays(apply: Apply, body: str, why: str) -> None:
    text = f"""(%x: int8[4]<0.5:0>, %u: int8[4]<0.25:1>, %h: float32[4]) -> (%z) {{
      %f = dequantize(%x) %g = dequantize(%u) {body}
    }}"""
    outcome = apply(fuse_qdq, text)
    assert not outcome.changed
    assert why in outcome.why


def test_unknown_operators_stay(apply: Apply) -> None:
    text = """(%x: int8[4]<0.5:0>, %u: int8[4]<0.25:1>) -> (%z) {
      %f = dequantize(%x) %g = dequantize(%u)
      %y = div(%f, %g) %z: int8[4]<2.0:0> = quantize(%y)
    }"""
    assert not apply(fuse_qdq, text).changed


def test_a_float_weight_stays(apply: Apply) -> None:
    text = """(%x: int8[1,1]<0.5:0>) -> (%z) {
      const %w: float32[1,1] = [3.0]
      %f = dequantize(%x) %y = fully_connected(%f, %w, none)
      %z: int8[1,1]<2.0:0> = quantize(%y)
    }"""
    outcome = apply(fuse_qdq, text)
    assert not outcome.changed
    assert "weight" in outcome.why


def test_a_number_becomes_an_exact_integer(apply: Apply) -> None:
    text = """(%x: int8[2]<0.5:0>) -> (%z) {
      const %c: float32[] = [-3.0]
      %f = dequantize(%x) %y = mul(%f, %c) %z: int8[2]<2.0:0> = quantize(%y)
    }"""
    (mul,) = apply(fuse_qdq, text).graph.nodes
    held = mul.input(1)
    assert held.data is not None
    assert held.type.quant is not None
    assert held.type.quant.scale[0] * (held.data.item() - held.type.quant.zero[0]) == -3.0


def test_a_float_bias_is_rounded_to_the_unit_of_the_sums(apply: Apply) -> None:
    text = """(%x: int8[1,1]<0.5:0>) -> (%z) {
      const %w: int8[1,1]<0.25:0> = [3]
      const %b: float32[1] = [1.3]
      %f = dequantize(%x) %g = dequantize(%w) %y = fully_connected(%f, %g, %b)
      %z: int8[1,1]<2.0:0> = quantize(%y)
    }"""
    (node,) = apply(fuse_qdq, text).graph.nodes
    bias = node.input(2).data
    assert bias is not None
    assert bias.tolist() == [10]  # 1.3 / (0.5 * 0.25) = 10.4


def test_a_mean_keeps_its_operands_scale_first(apply: Apply) -> None:
    text = """(%x: int8[1,2,2,1]<0.5:0>) -> (%z) {
      %f = dequantize(%x) %y = avg_pool(%f) {kernel=[2, 2]}
      %z: int8[1,1,1,1]<0.25:3> = quantize(%y)
    }"""
    outcome = apply(fuse_qdq, text)
    assert outcome.ops == ["avg_pool", "quantize"]
    assert str(outcome.graph.nodes[0].output.type) == "int8[1,1,1,1]<0.5:0>"


def test_the_place_of_the_largest(apply: Apply) -> None:
    text = "(%x: int8[4]<0.5:3>) -> (%z) { %f = dequantize(%x) %z = argmax(%f) {axis=0} }"
    assert apply(fuse_qdq, text).ops == ["argmax"]
