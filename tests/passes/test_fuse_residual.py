"""When an addition stays beside its convolution."""

import pytest

from edgewright.passes.fuse_residual import fuse_residual
from tests.passes.conftest import Apply

ARGS = "(%x: float32[1,4,4,2], %w: float32[2,1,1,2], %b: float32[1,1,1,2])"


@pytest.mark.parametrize(
    "body",
    [
        "%y = conv(%x, %w, none) {clamp=[0.0, 6.0]} %z = add(%x, %y)",
        "%y = conv(%x, %w, none, %x) %z = add(%x, %y)",
        "%y = conv(%x, %w, none) %a = add(%x, %y) %z = mul(%a, %y)",
        "%y = conv(%x, %w, none) %z = add(%y, %b)",
        "%y = conv(%x, %w, none) %z = add(%y, %y)",
    ],
    ids=["clamped", "has one", "also read", "broadcast", "itself"],
)
def test_it_stays(apply: Apply, body: str) -> None:
    assert not apply(fuse_residual, f"{ARGS} -> (%z) {{ {body} }}").changed


def test_the_later_convolution_takes_the_sum(apply: Apply) -> None:
    text = f"""{ARGS} -> (%z) {{
      %a = conv(%x, %w, none) %y = conv(%x, %w, none) {{pad=[[0, 0], [0, 0]]}} %z = add(%a, %y)
    }}"""
    first, second = apply(fuse_residual, text).graph.nodes
    assert second.inputs[3] is first.output
    assert "pad" in second.attrs


def test_a_quantised_convolution_keeps_its_scale(apply: Apply) -> None:
    text = """(%x: int8[1,4,4,2]<0.5:3>, %w: int8[2,1,1,2]<0.25:0>) -> (%z) {
      %y: int8[1,4,4,2]<2.0:7> = conv(%x, %w, none)
      %z: int8[1,4,4,2]<4.0:9> = add(%x, %y) {clamp=[0.0, inf]}
    }"""
    (conv,) = apply(fuse_residual, text).graph.nodes
    assert conv.attrs["inner"] == (2.0, 7)
    assert conv.attrs["clamp"] == (0.0, float("inf"))
    assert str(conv.output.type) == "int8[1,4,4,2]<4.0:9>"
