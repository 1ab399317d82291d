"""When an addition stays."""

import pytest

from edgewright.passes.fuse_bias import fuse_bias
from tests.passes.conftest import Apply

ARGS = "(%x: float32[1,2,2,1], %w: float32[2,1,1,1], %v: float32[2])"


@pytest.mark.parametrize(
    "body",
    [
        "%y = conv(%x, %w, none) %z = add(%y, %v)",
        "%y = conv(%x, %w, none) {clamp=[0.0, 6.0]} %z = add(%y, %c)",
        "%y = conv(%x, %w, %v) %z = add(%y, %c)",
        "%y = conv(%x, %w, none) %a = add(%y, %c) %z = mul(%a, %y)",
        "%y = conv(%x, %w, none) %z = add(%y, %rows)",
    ],
    ids=["computed", "clamped", "computed bias", "also read", "not per channel"],
)
def test_it_stays(apply: Apply, body: str) -> None:
    constants = """const %c: float32[2] = [1.0, 2.0]
      const %rows: float32[1,2,1,1] = [1.0, 2.0]"""
    assert not apply(fuse_bias, f"{ARGS} -> (%z) {{ {constants} {body} }}").changed


def test_a_term_that_broadens_stays(apply: Apply) -> None:
    text = """(%x: float32[1,2,2,1], %w: float32[1,1,1,1]) -> (%z) {
      const %c: float32[2] = [1.0, 2.0]
      %y = conv(%x, %w, none)
      %z = add(%y, %c)
    }"""
    assert not apply(fuse_bias, text).changed


def test_biases_add_up(apply: Apply) -> None:
    text = """(%x: float32[1,1], %w: float32[2,1]) -> (%z) {
      const %b: float32[2] = [1.0, 2.0]
      const %c: float32[] = [0.5]
      %y = fully_connected(%x, %w, %b)
      %z = add(%c, %y) {clamp=[0.0, 1.0]}
    }"""
    outcome = apply(fuse_bias, text)
    (node,) = outcome.graph.nodes
    assert node.attrs == {"clamp": (0.0, 1.0)}
    bias = node.input(2).data
    assert bias is not None
    assert bias.tolist() == [1.5, 2.5]
