"""Transposes before a fully connected layer that weights cannot take in."""

import pytest

from edgewright.passes.permute_weights import permute_weights
from tests.passes.conftest import Apply


@pytest.mark.parametrize(
    ("shape", "perm", "flat", "weight"),
    [
        ([2, 2, 1, 2], [1, 0, 3, 2], [2, 4], "%w"),
        ([1, 2, 1, 2], [0, 3, 1, 2], [1, 4], "%v"),
        ([1, 2, 2, 4], [0, 2, 1, 3], [4, 4], "%w"),
    ],
    ids=["other axes move", "computed weight", "nothing is flattened"],
)
def test_they_stay(
    apply: Apply, shape: list[int], perm: list[int], flat: list[int], weight: str
) -> None:
    text = f"""(%x: float32{shape}, %v: float32[1,4]) -> (%y) {{
      const %w: float32[1,4] = [1.0, 2.0, 3.0, 4.0]
      %t = transpose(%x) {{perm={perm}}}
      %f = reshape(%t) {{shape={flat}}}
      %y = fully_connected(%f, {weight}, none)
    }}"""
    assert not apply(permute_weights, text).changed


def test_integer_weights_are_permuted_behind_their_dequantize(apply: Apply) -> None:
    text = """(%x: float32[1,2,1,2]) -> (%y) {
      const %w: int8[1,4]<0.5:0> = [1, 2, 3, 4]
      %d = dequantize(%w)
      %t = transpose(%x) {perm=[0, 3, 1, 2]}
      %f = reshape(%t) {shape=[1, 4]}
      %y = fully_connected(%f, %d, none)
    }"""
    nodes = {n.op: n for n in apply(permute_weights, text).graph.nodes}
    made = nodes["fully_connected"].input(1).producer
    assert made is not None
    held = made.input(0).data
    assert held is not None
    assert held.ravel().tolist() == [1, 3, 2, 4]
