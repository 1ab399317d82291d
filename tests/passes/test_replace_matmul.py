"""Products that are not fully connected layers."""

import pytest

from edgewright.passes.replace_matmul import replace_matmul
from tests.passes.conftest import Apply


@pytest.mark.parametrize(
    "body",
    ["%y = matmul(%x, %b)", "%y = matmul(%c, %x)", "%y = matmul(%x, %many)"],
    ids=["computed", "the constant is on the left", "one matrix per batch"],
)
def test_they_stay(apply: Apply, body: str) -> None:
    text = f"""(%x: float32[2,2,2], %b: float32[2,2]) -> (%y) {{
      const %c: float32[2,2] = [1.0, 2.0, 3.0, 4.0]
      const %many: float32[2,2,1] = [1.0, 2.0, 3.0, 4.0]
      {body}
    }}"""
    assert not apply(replace_matmul, text).changed
