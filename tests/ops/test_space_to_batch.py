"""space_to_batch and batch_to_space: TensorFlow's definition, inverse of each other, and C."""

from __future__ import annotations

import numpy as np
import pytest
from tests.ops.harness import check_op, check_ops, one_node, quantised

from edgewright import ops
from edgewright.errors import InvalidGraph
from edgewright.graph import Node

CALL = ops.Call([], [])


def test_pixels_go_where_the_definition_says(rng: np.random.Generator) -> None:
    x = rng.standard_normal((2, 4, 7, 3), dtype=np.float32)
    (y,) = check_op("space_to_batch", [x], block=(2, 3), pads=((1, 1), (0, 2)), tolerance=0.0)
    padded = np.pad(x, ((0, 0), (1, 1), (0, 2), (0, 0)))
    for i in range(2):
        for j in range(3):
            for n in range(2):
                np.testing.assert_array_equal(y[(i * 3 + j) * 2 + n], padded[n, i::2, j::3])


def test_c_and_the_way_back(rng: np.random.Generator) -> None:
    cases = []
    for dtype in (np.int8, np.int16, np.float32, np.float64):
        for shape, block, pads in (
            ((2, 5, 4, 3), (2, 3), ((0, 1), (1, 1))),
            ((1, 6, 6, 16), (2, 2), ((2, 2), (2, 2))),
            ((2, 7, 5), (4,), ((0, 1),)),
            ((1, 3, 4), (1, 2), ((0, 0), (0, 0))),
        ):
            x = rng.integers(0, 100, shape).astype(dtype)
            cases.append(("space_to_batch", [x], {"block": block, "pads": pads}))
            node = Node("space_to_batch", [], [], {"block": block, "pads": pads})
            call = ops.Call(
                [], [ops.infer(one_node(node.op, [x], **node.attrs)[0].main.nodes[0])[0]]
            )
            y = ops.of(node).reference(call, x)
            back = ("batch_to_space", [y], {"block": block, "crops": pads})
            cases.append(back)
            undone = ops.of(Node(back[0], [], [], back[2])).reference(CALL, y)
            np.testing.assert_array_equal(undone, x)
    check_ops(cases, tolerance=0.0)


def test_padding_is_the_zero_point(rng: np.random.Generator) -> None:
    x = rng.integers(0, 100, (1, 2, 2, 1)).astype(np.int8)
    (y,) = check_op("space_to_batch", [quantised(x, 0.5, -9)], block=(1, 1), pads=((1, 0), (0, 1)))
    assert (y[0, 0] == -9).all()
    assert (y[0, :, 2] == -9).all()


def test_what_does_not_divide_is_an_error() -> None:
    with pytest.raises(InvalidGraph, match="do not divide"):
        one_node("space_to_batch", [np.zeros((1, 3, 2, 1))], block=(2, 2), pads=((0, 0), (0, 0)))
    with pytest.raises(InvalidGraph, match="does not divide"):
        one_node("batch_to_space", [np.zeros((3, 3, 2, 1))], block=(2, 2), crops=((0, 0), (0, 0)))
