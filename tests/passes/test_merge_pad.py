"""When padding stays explicit."""

import pytest

from edgewright.passes.merge_pad import merge_pad
from tests.passes.conftest import Apply

ZEROS = "{pads=[[0, 0], [1, 1], [1, 1], [0, 0]]}"


@pytest.mark.parametrize(
    ("pad", "why"),
    [
        ('{mode="reflect", pads=[[0, 0], [1, 1], [1, 1], [0, 0]]}', "not with zeros"),
        ("{pads=[[0, 0], [1, 1], [1, 1], [0, 0]], value=1.0}", "not with zeros"),
        ("{pads=[[0, 0], [1, 1], [1, 1], [0, 1]]}", "channels"),
    ],
)
def test_a_convolution_cannot_take_it(apply: Apply, pad: str, why: str) -> None:
    text = f"""(%x: float32[1,4,4,2]) -> (%y) {{
      %p = pad(%x) {pad}
      %y = max_pool(%p) {{kernel=[3, 3]}}
    }}"""
    outcome = apply(merge_pad, text)
    assert not outcome.changed
    assert why in outcome.why


def test_a_maximum_of_negative_numbers(apply: Apply) -> None:
    text = f"""(%x: float32[1,4,4,2]) -> (%y) {{
      %p = pad(%x) {ZEROS} %y = max_pool(%p) {{kernel=[3, 3]}}
    }}"""
    outcome = apply(merge_pad, text)
    assert not outcome.changed
    assert "below zero" in outcome.why


def test_a_maximum_after_relu(apply: Apply) -> None:
    text = f"""(%x: float32[1,4,4,2]) -> (%y) {{
      %r = clip(%x) {{lo=0.0}} %p = pad(%r) {ZEROS} %y = max_pool(%p) {{kernel=[3, 3]}}
    }}"""
    assert apply(merge_pad, text).ops == ["clip", "max_pool"]


def test_a_window_of_nothing_but_padding(apply: Apply) -> None:
    text = f"""(%x: float32[1,4,4,2]) -> (%y) {{
      %r = clip(%x) {{lo=0.0}} %p = pad(%r) {ZEROS} %y = max_pool(%p) {{kernel=[1, 1]}}
    }}"""
    assert not apply(merge_pad, text).changed


def test_a_mean_counts_explicit_padding(apply: Apply) -> None:
    text = f"""(%x: float32[1,4,4,2]) -> (%y) {{
      %p = pad(%x) {ZEROS} %y = avg_pool(%p) {{kernel=[3, 3]}}
    }}"""
    (pool,) = apply(merge_pad, text).graph.nodes
    assert pool.attrs["count_include_pad"] is True


def test_a_mean_that_leaves_its_own_padding_out(apply: Apply) -> None:
    text = f"""(%x: float32[1,4,4,2]) -> (%y) {{
      %p = pad(%x) {ZEROS} %y = avg_pool(%p) {{kernel=[3, 3], pad=[[1, 1], [0, 0]]}}
    }}"""
    assert not apply(merge_pad, text).changed
