"""When a clip stays."""

import pytest

from edgewright.passes.fuse_activation import fuse_activation, merged
from tests.passes.conftest import Apply

CONV = "%y = conv(%x, %w, none)"
ARGS = "(%x: float32[1,4,4,2], %w: float32[3,1,1,2])"


def test_the_sum_is_also_read_unclipped(apply: Apply) -> None:
    outcome = apply(fuse_activation, f"{ARGS} -> (%z) {{ {CONV} %a = clip(%y) {{lo=0.0}} "
                    "%z = add(%a, %y) }")  # fmt: skip
    assert not outcome.changed
    assert "before the clip" in outcome.why


def test_the_sum_is_an_output(apply: Apply) -> None:
    outcome = apply(fuse_activation, f"{ARGS} -> (%y, %z) {{ {CONV} %z = clip(%y) {{lo=0.0}} }}")
    assert not outcome.changed


def test_the_producer_has_no_clamp(apply: Apply) -> None:
    text = "(%x: float32[4]) -> (%z) { %y = exp(%x) %z = clip(%y) {lo=0.0} }"
    assert not apply(fuse_activation, text).changed


def test_the_clip_changes_the_quantisation(apply: Apply) -> None:
    text = """(%x: int8[1]<0.5:0>) -> (%z) {
      %y: int8[1]<0.5:0> = add(%x, %x)
      %z: int8[1]<0.25:-128> = clip(%y) {lo=0.0}
    }"""
    outcome = apply(fuse_activation, text)
    assert not outcome.changed
    assert "quantisation" in outcome.why


@pytest.mark.parametrize(
    ("first", "then", "both"),
    [
        (None, (0.0, 6.0), (0.0, 6.0)),
        ((0.0, 6.0), (1.0, 9.0), (1.0, 6.0)),
        ((0.0, 1.0), (2.0, 3.0), (2.0, 2.0)),
        ((5.0, 9.0), (0.0, 3.0), (3.0, 3.0)),
    ],
)
def test_two_clamps_are_one(
    first: tuple[float, float] | None, then: tuple[float, float], both: tuple[float, float]
) -> None:
    assert merged(first, then) == both


def test_plain_integers_are_clipped_apart(apply: Apply) -> None:
    text = "(%x: int32[4]) -> (%z) { %y = add(%x, %x) %z = clip(%y) {lo=0.0} }"
    assert not apply(fuse_activation, text).changed
