"""Products with an error function that are no GELU, and other orders of those that are."""

import pytest

from edgewright.passes.fuse_gelu import fuse_gelu
from tests.passes.conftest import Apply

CONSTANTS = """const %root: float32[] = [1.4142135] const %inverse: float32[] = [0.70710677]
  const %one: float32[] = [1.0] const %half: float32[] = [0.5]"""


@pytest.mark.parametrize(
    "body",
    [
        "%a = div(%x, %one) %b = erf(%a) %c = add(%b, %one) %d = mul(%x, %c) %y = mul(%d, %half)",
        "%a = div(%x, %root) %b = erf(%a) %c = add(%b, %half) %d = mul(%x, %c) %y = mul(%d, %half)",
        "%a = div(%w, %root) %b = erf(%a) %c = add(%b, %one) %d = mul(%x, %c) %y = mul(%d, %half)",
    ],
    ids=["another scale", "another shift", "another tensor"],
)
def test_they_stay(apply: Apply, body: str) -> None:
    text = f"(%x: float32[2], %w: float32[2]) -> (%y) {{ {CONSTANTS} {body} }}"
    assert not apply(fuse_gelu, text).changed


def test_half_first(apply: Apply) -> None:
    text = f"""(%x: float32[2]) -> (%y) {{ {CONSTANTS}
      %h = mul(%half, %x) %a = mul(%x, %inverse) %b = erf(%a) %c = add(%one, %b) %y = mul(%h, %c)
    }}"""
    assert apply(fuse_gelu, text).ops == ["gelu"]
