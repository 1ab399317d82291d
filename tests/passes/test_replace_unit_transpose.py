"""Transposes that move elements."""

import pytest

from edgewright.passes.replace_unit_transpose import replace_unit_transpose
from tests.passes.conftest import Apply


@pytest.mark.parametrize(("shape", "perm"), [([2, 3], [1, 0]), ([1, 2, 1, 3], [0, 3, 2, 1])])
def test_they_stay(apply: Apply, shape: list[int], perm: list[int]) -> None:
    text = f"(%x: float32{shape}) -> (%y) {{ %y = transpose(%x) {{perm={perm}}} }}"
    assert not apply(replace_unit_transpose, text).changed
