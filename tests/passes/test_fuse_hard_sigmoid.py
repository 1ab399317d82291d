"""When clip(x + 3, 0, 6) / 6 is not a hard sigmoid, and all forms of those that are."""

import pytest

from edgewright.passes.fuse_hard_sigmoid import fuse_hard_sigmoid
from tests.passes.conftest import Apply

CONSTANTS = """const %three: float32[] = [3.0] const %six: float32[] = [6.0]
  const %sixth: float32[] = [0.1666666716337204]"""


@pytest.mark.parametrize(
    "body",
    [
        "%a = add(%x, %six) {clamp=[0.0, 6.0]} %y = mul(%a, %sixth)",
        "%a = add(%x, %three) {clamp=[0.0, 6.0]} %y = mul(%a, %three)",
        "%a = add(%x, %three) {clamp=[0.0, 5.0]} %y = mul(%a, %sixth)",
        "%a = add(%x, %three) {clamp=[0.0, 6.0]} %y = mul(%a, %sixth) {clamp=[0.0, 1.0]}",
    ],
    ids=["another shift", "another slope", "another bound", "a clamp"],
)
def test_they_stay(apply: Apply, body: str) -> None:
    outcome = apply(fuse_hard_sigmoid, f"(%x: float32[2]) -> (%y) {{ {CONSTANTS} {body} }}")
    assert outcome.ops == ["add", "mul"]


@pytest.mark.parametrize(
    "body",
    [
        "%a = add(%three, %x) {clamp=[0.0, 6.0]} %y = mul(%sixth, %a)",
        "%a = add(%x, %three) %b = clip(%a) {lo=0.0, hi=6.0} %y = div(%b, %six)",
    ],
)
def test_every_form(apply: Apply, body: str) -> None:
    outcome = apply(fuse_hard_sigmoid, f"(%x: float32[2]) -> (%y) {{ {CONSTANTS} {body} }}")
    assert outcome.ops == ["hard_sigmoid"]
