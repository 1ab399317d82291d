"""Dequantize of what flows."""

from edgewright.passes.fold_dequantize import fold_dequantize
from tests.passes.conftest import Apply


def test_activations_stay(apply: Apply) -> None:
    text = "(%x: int8[2]<0.5:0>) -> (%z) { %y = dequantize(%x) %z = neg(%y) }"
    assert not apply(fold_dequantize, text).changed


def test_an_output_keeps_its_node(apply: Apply) -> None:
    text = "() -> (%y) { const %w: int8[1]<0.5:0> = [1] %y = dequantize(%w) }"
    assert not apply(fold_dequantize, text).changed
