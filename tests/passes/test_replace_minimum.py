"""Bounds that are no numbers."""

import pytest

from edgewright.passes.replace_minimum import replace_minimum
from tests.passes.conftest import Apply


@pytest.mark.parametrize(
    ("type", "bound"), [("float32[2]", "%w"), ("float32[2]", "%c"), ("int32[2]", "%one")]
)
def test_they_stay(apply: Apply, type: str, bound: str) -> None:
    text = f"""(%x: {type}, %w: {type}) -> (%z) {{
      const %c: float32[2] = [1.0, 2.0] const %one: int32[] = [1] %z = minimum(%x, {bound})
    }}"""
    assert not apply(replace_minimum, text).changed


def test_a_bound_that_broadens_stays(apply: Apply) -> None:
    text = "(%x: float32[2]) -> (%z) { const %c: float32[1,1] = [1.0] %z = maximum(%x, %c) }"
    assert not apply(replace_minimum, text).changed
