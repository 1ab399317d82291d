"""Transposes that would only become two."""

import pytest

from edgewright.passes.split_transposes import split_transposes
from tests.passes.conftest import Apply


@pytest.mark.parametrize(
    ("perm", "shape"),
    [
        ([0, 2, 1, 3, 4], [1, 20, 2, 3]),
        ([0, 3, 4, 1, 2], [1, 6, 4, 5]),
        ([0, 3, 4, 1, 2], [1, 120]),
    ],
    ids=["the rest is no plain transpose", "nothing lies apart", "flattened"],
)
def test_they_stay(apply: Apply, perm: list[int], shape: list[int]) -> None:
    text = f"""(%x: float32[1,4,5,2,3]) -> (%z) {{
      %y = transpose(%x) {{perm={perm}}} %z = reshape(%y) {{shape={shape}}}
    }}"""
    assert not apply(split_transposes, text).changed


def test_attention_keeps_one(apply: Apply) -> None:
    text = """(%x: float32[1,6,128,64], %w: float32[1,384,384]) -> (%z) {
      %y = transpose(%x) {perm=[0, 2, 1, 3]} %a = reshape(%y) {shape=[1, 128, 384]}
      %z = matmul(%a, %w)
    }"""
    assert not apply(split_transposes, text).changed
