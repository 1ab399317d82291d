"""if: both branches, values from around the node, results that are not made inside."""

from __future__ import annotations

import numpy as np
import pytest
from tests.ops.harness import check_module

from edgewright import ops
from edgewright.errors import InvalidGraph
from edgewright.graph import parse_module

TEXT = """
module requantization="float"
graph main(%c: bool[], %x: float32[2,3]) -> (%y, %z) {
  const %k: float32[3] = [7.0, 8.0, 9.0]
  %t: float32[3,2] = transpose(%x) {perm=[1, 0]}
  %y: float32[3,2], %z: float32[3] = if(%c)
    region then() -> (%t, %a) {
      %a: float32[3] = slice(%k) {begin=[2], size=[3], stride=[-1]}
    }
    region else() -> (%b, %k) {
      %b: float32[3,2] = reshape(%x) {shape=[3, 2]}
    }
}
"""


def test_each_branch() -> None:
    module = parse_module(TEXT, infer=ops.infer)
    x = np.arange(6, dtype=np.float32).reshape(2, 3)
    samples = [{"c": np.array(c), "x": x} for c in (True, False, True)]
    yes, no, again = check_module(module, samples, tolerance=0.0)
    np.testing.assert_array_equal(yes["y"], x.T)
    assert yes["z"].tolist() == [9, 8, 7]
    np.testing.assert_array_equal(no["y"], x.reshape(3, 2))
    assert no["z"].tolist() == [7, 8, 9]
    np.testing.assert_array_equal(again["y"], yes["y"])


def test_branches_must_agree() -> None:
    text = TEXT.replace("%a: float32[3] = slice(%k) {begin=[2], size=[3]",
                        "%a: float32[2] = slice(%k) {begin=[2], size=[2]")  # fmt: skip
    with pytest.raises(InvalidGraph, match="result 1 of if"):
        parse_module(text, infer=ops.infer)
        from edgewright.graph import verify_module

        verify_module(parse_module(text), ops.infer)
