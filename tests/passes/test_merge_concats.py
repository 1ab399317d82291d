"""Concatenations that stay apart."""

import pytest

from edgewright.passes.merge_concats import merge_concats
from tests.passes.conftest import Apply


@pytest.mark.parametrize(
    "body",
    [
        "%a = concat(%x, %x) {axis=0} %z = concat(%a, %a) {axis=1}",
        "%a = concat(%x, %x) {axis=1} %z = concat(%a, %a) {axis=1}",
        (
            "%a = concat(%x, %x) {axis=1} %b = concat(%a, %x) {axis=1} %c = reduce_max(%a) "
            "{axes=[1], keepdims=true} %z = add(%b, %c)"
        ),
    ],
    ids=["another axis", "twice", "also read"],
)
def test_they_stay(apply: Apply, body: str) -> None:
    assert not apply(merge_concats, f"(%x: float32[2,2]) -> (%z) {{ {body} }}").changed


def test_the_first_requantises(apply: Apply) -> None:
    text = """(%x: int8[1]<0.5:0>, %y: int8[1]<0.25:0>) -> (%z) {
      %a: int8[2]<1.0:0> = concat(%x, %y) {axis=0}
      %z: int8[3]<1.0:0> = concat(%a, %x) {axis=0}
    }"""
    assert not apply(merge_concats, text).changed
