"""Arithmetic that means something."""

import pytest

from edgewright.passes.simplify_arithmetic import simplify_arithmetic
from tests.passes.conftest import Apply


@pytest.mark.parametrize(
    "body",
    [
        "%z = mul(%x, %ones)",
        "%z = sub(%zero, %x)",
        "%z = div(%one, %x)",
        "%z = mul(%x, %zero)",
        "%z = add(%x, %zero) {clamp=[0.0, 1.0]}",
        "%z = add(%x, %wide)",
        "%a = mul(%x, %c) %b = mul(%a, %c) %z = add(%a, %b)",
        "%a = add(%x, %c) {clamp=[0.0, 1.0]} %z = add(%a, %c)",
        "%a = neg(%x) %z = abs(%a)",
        "%a = mul(%x, %row) %z = mul(%a, %column)",
    ],
)
def test_it_stays(apply: Apply, body: str) -> None:
    """A tensor of ones is trained; that it holds ones must not shape the code."""
    text = f"""(%x: float32[2,2]) -> (%y) {{
      const %ones: float32[2] = [1.0, 1.0]
      const %c: float32[2] = [3.0, 4.0]
      const %one: float32[] = [1.0]
      const %zero: float32[] = [0.0]
      const %wide: float32[1,1,1] = [0.0]
      const %row: float32[1,2] = [3.0, 4.0]
      const %column: float32[2,1] = [3.0, 4.0]
      {body} %y = exp(%z)
    }}"""
    assert not apply(simplify_arithmetic, text).changed


def test_integers_are_not_negated(apply: Apply) -> None:
    text = "(%x: int32[2]) -> (%y) { const %c: int32[2] = [1, 2] %y = sub(%x, %c) }"
    assert not apply(simplify_arithmetic, text).changed
