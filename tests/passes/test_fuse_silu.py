"""Products with a sigmoid that are no SiLU."""

import pytest

from edgewright.passes.fuse_silu import fuse_silu
from tests.passes.conftest import Apply


@pytest.mark.parametrize(
    "body",
    [
        "%a = sigmoid(%w) %y = mul(%x, %a)",
        "%a = sigmoid(%x) %y = mul(%x, %a) {clamp=[0.0, 1.0]}",
        "%a = hard_sigmoid(%x) {alpha=0.2, beta=0.5} %y = mul(%x, %a)",
        "%a = sigmoid(%x) %y = add(%x, %a)",
    ],
)
def test_they_stay(apply: Apply, body: str) -> None:
    text = f"(%x: float32[2], %w: float32[2]) -> (%y) {{ {body} }}"
    assert not apply(fuse_silu, text).changed


def test_hard_sigmoid_of_slope_one_sixth(apply: Apply) -> None:
    text = """(%x: float32[2]) -> (%y) {
      %a = hard_sigmoid(%x) {alpha=0.1666666716337204, beta=0.5} %y = mul(%a, %x)
    }"""
    assert apply(fuse_silu, text).ops == ["hard_swish"]
