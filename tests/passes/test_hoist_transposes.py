"""Transposes that are no matter of the interface."""

import pytest

from edgewright.passes.hoist_transposes import hoist_transposes
from tests.passes.conftest import Apply

LAST = "{perm=[0, 2, 3, 1]}"


@pytest.mark.parametrize(
    "body",
    [
        f"%a = add(%x, %b) %z = transpose(%a) {LAST}",
        (
            f"%a = neg(%x) %t = transpose(%a) {LAST} %s = reshape(%a) {{shape=[1, 4, 4, 3]}} "
            "%z = add(%t, %s)"
        ),
        f"%a = softmax(%x) %z = transpose(%a) {LAST}",
        f"%a = max_pool(%x) {{kernel=[1, 1]}} %c = neg(%a) %z = transpose(%c) {LAST}",
    ],
    ids=["two inputs", "also read", "not elementwise", "not from an input"],
)
def test_they_stay(apply: Apply, body: str) -> None:
    text = f"(%x: float32[1,3,4,4], %b: float32[1,3,4,4]) -> (%z) {{ {body} }}"
    assert not apply(hoist_transposes, text).changed
