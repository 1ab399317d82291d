"""Transposes that stay behind a concatenation."""

import pytest

from edgewright.passes.merge_transpose import merge_transpose
from tests.passes.conftest import Apply

TURNED = "transpose(%a) {perm=[1, 0]}"


@pytest.mark.parametrize(
    "body",
    [
        (
            f"%a = concat(%x, %x) {{axis=0}} %t = {TURNED} %b = transpose(%t) {{perm=[1, 0]}} "
            "%z = add(%a, %b)"
        ),
        f"%a = concat(%x, %x) {{axis=0, perm=[1, 0]}} %z = {TURNED}",
    ],
    ids=["also read", "transposed already"],
)
def test_they_stay(apply: Apply, body: str) -> None:
    assert not apply(merge_transpose, f"(%x: float32[2,3]) -> (%z) {{ {body} }}").changed


def test_parts_are_rescaled(apply: Apply) -> None:
    text = """(%x: int8[1,2]<0.5:0>, %y: int8[1,2]<0.25:0>) -> (%z) {
      %a: int8[2,2]<1.0:0> = concat(%x, %y) {axis=0} %z = transpose(%a) {perm=[1, 0]}
    }"""
    assert not apply(merge_transpose, text).changed
