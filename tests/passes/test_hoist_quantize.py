"""Where floats are moved before they are quantised."""

import pytest

from edgewright.passes.hoist_quantize import hoist_quantize
from tests.passes.conftest import Apply


@pytest.mark.parametrize(
    "body",
    [
        "%y = transpose(%x) {perm=[1, 0]} %q: int8[3,2]<axis=1 0.5:0, 0.25:0> = quantize(%y)",
        "%y = softmax(%x) %q: int8[2,3]<0.5:0> = quantize(%y)",
        "%y = transpose(%x) {perm=[1, 0]} %q: int8[3,2]<0.5:0> = quantize(%y) %z = neg(%y)",
    ],
    ids=["per channel", "arithmetic", "also read as float"],
)
def test_they_stay(apply: Apply, body: str) -> None:
    assert not apply(hoist_quantize, f"(%x: float32[2,3]) -> (%q) {{ {body} }}").changed
