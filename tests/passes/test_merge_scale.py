"""When a multiplication stays."""

import pytest

from edgewright.passes.merge_scale import merge_scale
from tests.passes.conftest import Apply


@pytest.mark.parametrize(
    "body",
    [
        "%y = fully_connected(%x, %w, none) %z = mul(%y, %t)",
        "%y = fully_connected(%x, %w, none) {clamp=[0.0, 6.0]} %z = mul(%y, %c)",
        "%y = fully_connected(%x, %w, none) %a = mul(%y, %c) %z = add(%a, %y)",
        "%y = fully_connected(%x, %w, %t) %z = mul(%y, %c)",
        "%y = fully_connected(%x, %w, none) %z = div(%c, %y)",
        "%y = fully_connected(%x, %w, none) %z = div(%y, %zeros)",
        "%y = fully_connected(%x, %v, none) %z = mul(%y, %c)",
    ],
    ids=["computed", "clamped", "also read", "computed bias", "divisor", "zero", "computed weight"],
)
def test_it_stays(apply: Apply, body: str) -> None:
    text = f"""(%x: float32[1,1], %t: float32[2], %v: float32[2,1]) -> (%z) {{
      const %w: float32[2,1] = [1.0, 2.0]
      const %c: float32[2] = [3.0, 4.0]
      const %zeros: float32[2] = [0.0, 1.0]
      {body}
    }}"""
    assert not apply(merge_scale, text).changed


def test_division_scales_too(apply: Apply) -> None:
    text = """(%x: float32[1,1]) -> (%z) {
      const %w: float32[2,1] = [1.0, 2.0]
      const %c: float32[2] = [2.0, 4.0]
      %y = fully_connected(%x, %w, none) %z = div(%y, %c)
    }"""
    (node,) = apply(merge_scale, text).graph.nodes
    weight = node.input(1).data
    assert weight is not None
    assert weight.ravel().tolist() == [0.5, 0.5]


def test_a_depthwise_weight_has_its_channels_last(apply: Apply) -> None:
    text = """(%x: float32[1,2,2,2]) -> (%z) {
      const %w: float32[1,1,2] = [1.0, 2.0]
      const %c: float32[2] = [3.0, 4.0]
      %y = depthwise_conv(%x, %w, none) %z = mul(%y, %c)
    }"""
    (node,) = apply(merge_scale, text).graph.nodes
    weight = node.input(1).data
    assert weight is not None
    assert weight.tolist() == [[[3.0, 8.0]]]
