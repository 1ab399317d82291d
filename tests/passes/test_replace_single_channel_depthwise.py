"""Depthwise convolutions that stay, and scales that move."""

import pytest

from edgewright.passes.replace_single_channel_depthwise import replace_single_channel_depthwise
from tests.passes.conftest import Apply


@pytest.mark.parametrize(
    "body",
    ["%y = depthwise_conv(%x, %two, none)", "%y = depthwise_conv(%one, %v, none)"],
    ids=["two channels", "computed weight"],
)
def test_they_stay(apply: Apply, body: str) -> None:
    text = f"""(%x: float32[1,2,2,2], %one: float32[1,2,2,1], %v: float32[1,1,3]) -> (%y) {{
      const %two: float32[1,1,2] = [1.0, 2.0]
      {body}
    }}"""
    assert not apply(replace_single_channel_depthwise, text).changed


def test_scales_follow_their_channels(apply: Apply) -> None:
    text = """(%x: int8[1,2,2,1]<0.5:0>) -> (%y) {
      const %w: int8[1,1,2]<axis=2 0.5:0, 0.25:0> = [1, 2]
      %y: int8[1,2,2,2]<0.5:0> = depthwise_conv(%x, %w, none)
    }"""
    (node,) = apply(replace_single_channel_depthwise, text).graph.nodes
    assert str(node.input(1).type) == "int8[2,1,1,1]<axis=0 0.5:0, 0.25:0>"
