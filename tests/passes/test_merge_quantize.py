"""Conversions that need their floats."""

import pytest

from edgewright.passes.merge_quantize import merge_quantize
from tests.passes.conftest import Apply


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("int8[2]<axis=0 0.5:0, 0.25:0>", "int8[2]<0.5:0>"),
        ("int8[2]<0.5:0>", "int8[2]<axis=0 0.5:0, 0.25:0>"),
        ("int32[2]<0.5:0>", "int8[2]<0.5:0>"),
    ],
)
def test_they_stay(apply: Apply, before: str, after: str) -> None:
    text = f"(%x: {before}) -> (%z) {{ %y = dequantize(%x) %z: {after} = quantize(%y) }}"
    assert not apply(merge_quantize, text).changed


def test_an_input_cannot_be_an_output(apply: Apply) -> None:
    """The same quantisation: a copy is all that is left, and the output needs its name."""
    text = """(%x: int8[2]<0.5:0>) -> (%z) {
      %y = dequantize(%x) %z: int8[2]<0.5:0> = quantize(%y)
    }"""
    assert apply(merge_quantize, text).ops == ["quantize"]
