"""Transposes that stay behind a resized image."""

import pytest

from edgewright.passes.hoist_resized import hoist_resized
from tests.passes.conftest import Apply

RESIZED = '%y = resize_bilinear(%x) {size=[8, 8], coordinate="half_pixel"}'


@pytest.mark.parametrize(
    ("shape", "body"),
    [
        ("1,4,4,3", f"{RESIZED} %z = transpose(%y) {{perm=[0, 2, 1, 3]}}"),
        ("1,4,4,3", (f"{RESIZED} %t = transpose(%y) {{perm=[0, 3, 1, 2]}} "
                    "%u = reshape(%y) {shape=[1, 3, 8, 8]} %z = add(%t, %u)")),
        ("1,8,7,3", f"{RESIZED} %z = transpose(%y) {{perm=[0, 3, 1, 2]}}"),
        ("1,4,400,3", ('%y = resize_bilinear(%x) {size=[8, 800], coordinate="half_pixel"} '
                      "%z = transpose(%y) {perm=[0, 3, 1, 2]}")),
    ],
    ids=["another order", "also read", "hardly enlarged", "long rows"],
)  # fmt: skip
def test_they_stay(apply: Apply, shape: str, body: str) -> None:
    assert not apply(hoist_resized, f"(%x: float32[{shape}]) -> (%z) {{ {body} }}").changed
