"""Convolutions that are not depthwise."""

import pytest

from edgewright.passes.replace_grouped_conv import replace_grouped_conv
from tests.passes.conftest import Apply


@pytest.mark.parametrize(
    "body",
    [
        "%y = conv(%x, %two, none) {groups=2}",
        "%y = conv(%x, %v, none) {groups=4}",
        "%y = conv(%x, %one, none, %x) {groups=4}",
    ],
    ids=["two channels per group", "computed weight", "residual"],
)
def test_they_stay(apply: Apply, body: str) -> None:
    text = f"""(%x: float32[1,2,2,4], %v: float32[4,1,1,1]) -> (%y) {{
      const %two: float32[2,1,1,2] = [1.0, 2.0, 3.0, 4.0]
      const %one: float32[4,1,1,1] = [1.0, 2.0, 3.0, 4.0]
      {body}
    }}"""
    assert not apply(replace_grouped_conv, text).changed


def test_scales_follow_their_channels(apply: Apply) -> None:
    text = """(%x: int8[1,2,2,2]<0.5:0>) -> (%y) {
      const %w: int8[2,1,1,1]<axis=0 0.5:0, 0.25:0> = [1, 2]
      %y: int8[1,2,2,2]<0.5:0> = conv(%x, %w, none) {groups=2}
    }"""
    (node,) = apply(replace_grouped_conv, text).graph.nodes
    assert str(node.input(1).type) == "int8[1,1,2]<axis=2 0.5:0, 0.25:0>"
