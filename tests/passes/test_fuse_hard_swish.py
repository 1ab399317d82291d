"""Products with a clip that are no hard swish, and all orders of those that are."""

import pytest

from edgewright.passes.fuse_hard_swish import fuse_hard_swish
from tests.passes.conftest import Apply

CONSTANTS = """const %three: float32[] = [3.0] const %six: float32[] = [6.0]
  const %sixth: float32[] = [0.1666666716337204]"""


@pytest.mark.parametrize(
    "body",
    [
        "%a = add(%x, %three) %b = clip(%a) {lo=0.0, hi=6.0} %c = mul(%w, %b) %y = div(%c, %six)",
        "%a = add(%x, %three) %b = clip(%a) {lo=0.0, hi=5.0} %c = mul(%x, %b) %y = div(%c, %six)",
        "%a = add(%x, %six) %b = clip(%a) {lo=0.0, hi=6.0} %c = mul(%x, %b) %y = div(%c, %six)",
        "%a = add(%x, %three) %b = clip(%a) {lo=0.0, hi=6.0} %c = mul(%x, %b) %y = div(%c, %three)",
    ],
    ids=["another tensor", "another bound", "another shift", "another slope"],
)
def test_they_stay(apply: Apply, body: str) -> None:
    text = f"(%x: float32[2], %w: float32[2]) -> (%y) {{ {CONSTANTS} {body} }}"
    assert not apply(fuse_hard_swish, text).changed


@pytest.mark.parametrize(
    "body",
    [
        "%a = add(%three, %x) {clamp=[0.0, 6.0]} %c = mul(%a, %x) %y = mul(%c, %sixth)",
        "%a = add(%x, %three) %b = clip(%a) {lo=0.0, hi=6.0} %c = div(%b, %six) %y = mul(%x, %c)",
        "%a = add(%x, %three) {clamp=[0.0, 6.0]} %c = mul(%x, %sixth) %y = mul(%c, %a)",
    ],
)
def test_every_order(apply: Apply, body: str) -> None:
    outcome = apply(fuse_hard_swish, f"(%x: float32[2]) -> (%y) {{ {CONSTANTS} {body} }}")
    assert outcome.ops == ["hard_swish"]
