"""Where floats are moved."""

import pytest

from edgewright.passes.sink_dequantize import sink_dequantize
from tests.passes.conftest import Apply


@pytest.mark.parametrize(
    ("type", "node"),
    [
        ("int8[2,3]<axis=0 0.5:0, 0.25:0>", "transpose(%y) {perm=[1, 0]}"),
        ("int32[2,3]<0.5:0>", "transpose(%y) {perm=[1, 0]}"),
        ("int8[2,3]<0.5:0>", "softmax(%y)"),
    ],
    ids=["per channel", "32 bits", "arithmetic"],
)
def test_they_stay(apply: Apply, type: str, node: str) -> None:
    text = f"(%x: {type}) -> (%z) {{ %y = dequantize(%x) %z = {node} }}"
    assert not apply(sink_dequantize, text).changed
