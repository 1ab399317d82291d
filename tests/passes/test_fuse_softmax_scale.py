"""Scales that a softmax does not take."""

import pytest

from edgewright.passes.fuse_softmax_scale import fuse_softmax_scale
from tests.passes.conftest import Apply

SCALE = "const %s: float32[] = [2.0]"


@pytest.mark.parametrize(
    "body",
    [
        "const %s: float32[] = [-2.0] %y = mul(%x, %s) %z = softmax(%y)",
        "const %s: float32[2] = [2.0, 3.0] %y = mul(%x, %s) %z = softmax(%y)",
        f"{SCALE} %y = div(%s, %x) %z = softmax(%y)",
        f"{SCALE} %y = mul(%x, %s) {{clamp=[0.0, 1.0]}} %z = softmax(%y)",
        f"{SCALE} %y = mul(%x, %s) %a = softmax(%y) %z = add(%a, %y)",
        "const %s: float32[1,1,1] = [2.0] %y = mul(%x, %s) %z = softmax(%y)",
    ],
    ids=["negative", "several", "divided", "clamped", "also read", "another rank"],
)
def test_they_stay(apply: Apply, body: str) -> None:
    text = f"(%x: float32[3,2]) -> (%z) {{ {body} }}"
    assert not apply(fuse_softmax_scale, text).changed


def test_factors_meet(apply: Apply) -> None:
    text = f"""(%x: float32[3,2]) -> (%z) {{
      {SCALE} %y = mul(%s, %x) %z = softmax(%y) {{beta=3.0}}
    }}"""
    done = apply(fuse_softmax_scale, text)
    (node,) = done.graph.nodes
    assert done.changed and node.op == "softmax" and node.attrs["beta"] == 6.0
