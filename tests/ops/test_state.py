"""read_state and write_state: memory between calls, a snapshot within one."""

from __future__ import annotations

import numpy as np
from tests.ops.harness import check_module

from edgewright import ops
from edgewright.graph import parse_module

DELAY = """
module requantization="float"
state %last: float32[3] = [1.0, 2.0, 3.0]
graph main(%x: float32[3]) -> (%y, %z) {
  %before: float32[3] = read_state() {state="last"}
  write_state(%x) {state="last"}
  %after: float32[3] = read_state() {state="last"}
  %y: float32[6] = concat(%before, %after) {axis=0}
  %z: float32[3] = reshape(%before) {shape=[3]}
}
"""


def test_a_state_is_read_before_and_after_it_is_written() -> None:
    module = parse_module(DELAY, infer=ops.infer)
    samples = [{"x": np.full(3, value, np.float32)} for value in (4, 5, 6)]
    results = check_module(module, samples, tolerance=0.0)
    assert [r["y"].tolist() for r in results] == [
        [1, 2, 3, 4, 4, 4],
        [4, 4, 4, 5, 5, 5],
        [5, 5, 5, 6, 6, 6],
    ]
    assert results[2]["z"].tolist() == [5, 5, 5]
