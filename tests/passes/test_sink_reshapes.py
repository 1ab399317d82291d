"""Reshapes that stay above."""

import pytest

from edgewright.passes.sink_reshapes import sink_reshapes
from tests.passes.conftest import Apply


@pytest.mark.parametrize(
    "body",
    [
        "%y = reshape(%x) {shape=[4]} %a = neg(%y) %z = add(%a, %y)",
        "%y = reshape(%x) {shape=[4]} %z = softmax(%y)",
        "%y = reshape(%x) {shape=[4]} %z = add(%y, %y)",
    ],
    ids=["also read", "not elementwise", "two operands"],
)
def test_they_stay(apply: Apply, body: str) -> None:
    assert not apply(sink_reshapes, f"(%x: float32[2,2]) -> (%z) {{ {body} }}").changed
