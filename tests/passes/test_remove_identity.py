"""When an operator that looks idle is not."""

import pytest

from edgewright.passes.remove_identity import remove_identity
from tests.passes.conftest import Apply


@pytest.mark.parametrize(
    "node",
    [
        "transpose(%a) {perm=[1, 0]}",
        "slice(%a) {begin=[1, 1], size=[2, 2], stride=[-1, -1]}",
        "clip(%a) {lo=0.0}",
        "reduce_mean(%b) {axes=[0], keepdims=true}",
        "concat(%a, %b) {axis=0}",
        "reshape(%a) {shape=[4]}",
        'cast(%a) {to="float16"}',
    ],
)
def test_it_works(apply: Apply, node: str) -> None:
    text = f"""(%x: float32[2,2]) -> (%z) {{
      %a = neg(%x) %b = abs(%x) %y = {node} %z = shape(%y)
    }}"""
    assert not apply(remove_identity, text).changed


def test_an_input_cannot_be_an_output(apply: Apply) -> None:
    outcome = apply(remove_identity, "(%x: float32[2]) -> (%y) { %y = reshape(%x) {shape=[2]} }")
    assert not outcome.changed
    assert "name" in outcome.why


def test_the_output_keeps_its_name(apply: Apply) -> None:
    text = "(%x: float32[2]) -> (%y) { %a = neg(%x) %y = reshape(%a) {shape=[2]} }"
    outcome = apply(remove_identity, text)
    assert outcome.ops == ["neg"]
    assert [v.name for v in outcome.graph.outputs] == ["y"]


def test_a_clip_within_a_quantised_range_stays(apply: Apply) -> None:
    """Scales are trained: whether the range exceeds the clip must not shape the code."""
    text = """(%x: int8[2]<0.01:-128>) -> (%z) {
      %y: int8[2]<0.01:-128> = clip(%x) {lo=0.0, hi=6.0} %z: int8[2]<0.01:-128> = neg(%y)
    }"""
    assert not apply(remove_identity, text).changed
