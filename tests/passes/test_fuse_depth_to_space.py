"""Reshapes and transposes that are no pixel shuffle, and all those that are."""

import numpy as np
import pytest

from edgewright import ops
from edgewright.graph import Module, parse_graph
from edgewright.ops.interpreter import Interpreter
from edgewright.passes import run_pass
from edgewright.passes.fuse_depth_to_space import SHUFFLES, Shuffle, fuse_depth_to_space
from tests.passes.conftest import Apply


def test_a_channel_shuffle_is_none(apply: Apply) -> None:
    text = """(%x: float32[1,8,3,5]) -> (%y) {
      %a = reshape(%x) {shape=[1, 2, 2, 2, 3, 5]}
      %b = transpose(%a) {perm=[0, 2, 1, 3, 4, 5]}
      %y = reshape(%b) {shape=[1, 8, 3, 5]}
    }"""
    assert not apply(fuse_depth_to_space, text).changed


def test_unequal_factors_are_none(apply: Apply) -> None:
    text = """(%x: float32[1,6,3,5]) -> (%y) {
      %a = reshape(%x) {shape=[1, 1, 2, 3, 3, 5]}
      %b = transpose(%a) {perm=[0, 1, 4, 2, 5, 3]}
      %y = reshape(%b) {shape=[1, 1, 6, 15]}
    }"""
    assert not apply(fuse_depth_to_space, text).changed


@pytest.mark.parametrize("shuffle", SHUFFLES, ids=lambda s: f"{s.op}-{s.mode}-{s.perm}")
def test_every_spelling_keeps_the_elements(shuffle: Shuffle) -> None:
    n, c, h, w, b = 1, 12, 4, 6, 2
    middle = shuffle.split(n, c, h, w, b)
    deep = shuffle.op == "depth_to_space"
    after = (n, c // 4, h * 2, w * 2) if deep else (n, c * 4, h // 2, w // 2)
    order = (0, 1, 2, 3) if shuffle.channels_first else (0, 2, 3, 1)
    before = tuple((n, c, h, w)[i] for i in order)
    shapes = [list(before), list(middle), [after[i] for i in order]]
    text = f"""graph main(%x: float32{shapes[0]}) -> (%y) {{
      %a = reshape(%x) {{shape={shapes[1]}}}
      %b = transpose(%a) {{perm={list(shuffle.perm)}}}
      %y = reshape(%b) {{shape={shapes[2]}}}
    }}"""
    module = Module({"main": parse_graph(text, infer=ops.infer)})
    x = np.arange(n * c * h * w, dtype=np.float32).reshape(before)
    expected = Interpreter(module).run({"x": x})["y"]
    assert run_pass(fuse_depth_to_space, module)
    assert shuffle.op in [node.op for node in module.main.nodes]
    np.testing.assert_array_equal(Interpreter(module).run({"x": x})["y"], expected)
