"""depth_to_space and space_to_depth: ONNX Runtime's answers (channels first), inverse, and C."""

from __future__ import annotations

import numpy as np
import pytest
from tests.ops.harness import check_module, check_ops, one_node
from tests.ops.onnx_node import onnx_node

from edgewright import ops
from edgewright.errors import InvalidGraph
from edgewright.graph import Node, parse_module


@pytest.mark.parametrize("mode", ["dcr", "crd"])
@pytest.mark.parametrize("block", [1, 2, 3])
def test_references_are_onnx_runtimes(rng: np.random.Generator, mode: str, block: int) -> None:
    x = rng.standard_normal((2, 36, 3, 4), dtype=np.float32)
    wanted = onnx_node("DepthToSpace", [x], blocksize=block, mode=mode.upper())[0]
    attrs = {"block": block, "mode": mode}
    call = ops.Call([], [])
    wide = ops.of(Node("depth_to_space", [], [], attrs)).reference(call, x.transpose(0, 2, 3, 1))
    np.testing.assert_array_equal(wide.transpose(0, 3, 1, 2), wanted)
    back = ops.of(Node("space_to_depth", [], [], attrs)).reference(call, wide)
    np.testing.assert_array_equal(back.transpose(0, 3, 1, 2), x)
    if mode == "dcr":
        theirs = onnx_node("SpaceToDepth", [wanted], blocksize=block)[0]
        np.testing.assert_array_equal(theirs, x)


def test_c(rng: np.random.Generator) -> None:
    cases = []
    for dtype in (np.int8, np.int16, np.float32, np.float64):
        for mode in ("dcr", "crd"):
            for block, channels in ((2, 1), (3, 1), (2, 5), (3, 16)):
                attrs = {"block": block, "mode": mode}
                deep = rng.integers(0, 100, (2, 3, 5, block * block * channels)).astype(dtype)
                wide = rng.integers(0, 100, (2, 3 * block, 5 * block, channels)).astype(dtype)
                cases.append(("depth_to_space", [deep], attrs))
                cases.append(("space_to_depth", [wide], attrs))
    check_ops(cases, tolerance=0.0)


def test_run_time_sizes(rng: np.random.Generator) -> None:
    module = parse_module(
        """
        module requantization="float"
        dim h: 1..5
        dim w: 1..5
        graph main(%x: float32[1,h,w,9]) -> (%y) {
          %y: float32[1,3*h,3*w,1] = depth_to_space(%x) {block=3, mode="crd"}
        }
        """,
        infer=ops.infer,
    )
    shapes = [(1, 1), (2, 5), (5, 3)]
    samples = [{"x": rng.standard_normal((1, h, w, 9), dtype=np.float32)} for h, w in shapes]
    check_module(module, samples, tolerance=0.0)


def test_what_does_not_divide_is_an_error() -> None:
    with pytest.raises(InvalidGraph, match="do not divide by 4"):
        one_node("depth_to_space", [np.zeros((1, 2, 2, 6))], block=2)
    with pytest.raises(InvalidGraph, match="do not divide by the block"):
        one_node("space_to_depth", [np.zeros((1, 3, 2, 6))], block=2)
