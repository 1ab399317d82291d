"""Gathers that are no slices, and those that are."""

import pytest

from edgewright.passes.replace_gather import replace_gather
from tests.passes.conftest import Apply


@pytest.mark.parametrize("indices", ["[0, 1, 3]", "[2, 2, 2]", "[0, 1, 7]"])
def test_it_stays(apply: Apply, indices: str) -> None:
    text = f"""(%x: float32[6]) -> (%y) {{
      const %i: int64[3] = {indices} %y = gather(%x, %i) {{axis=0}}
    }}"""
    assert not apply(replace_gather, text).changed


def test_computed_indices_stay(apply: Apply) -> None:
    text = "(%x: float32[6], %i: int64[3]) -> (%y) { %y = gather(%x, %i) {axis=0} }"
    assert not apply(replace_gather, text).changed


def test_one_position_loses_its_axis(apply: Apply) -> None:
    text = """(%x: float32[2,6]) -> (%y) {
      const %i: int64[] = [-1] %y = gather(%x, %i) {axis=1}
    }"""
    outcome = apply(replace_gather, text)
    assert outcome.ops == ["slice", "reshape"]
    assert outcome.graph.nodes[0].attrs["begin"] == (0, 5)


def test_backwards(apply: Apply) -> None:
    text = """(%x: float32[6]) -> (%y) {
      const %i: int64[3] = [5, 3, 1] %y = gather(%x, %i) {axis=0}
    }"""
    (node,) = apply(replace_gather, text).graph.nodes
    assert node.attrs == {"begin": (5,), "size": (3,), "stride": (-2,)}
