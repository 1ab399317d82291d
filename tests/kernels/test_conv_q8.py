"""8-bit convolution and matrix product: every bit, every ISA level, both modes."""

import numpy as np
import pytest
from tests.kernels import cases
from tests.kernels.cases import Shape, matrix, shape_of
from tests.kernels.harness import Array, Level

MATRICES = [
    matrix(rows, depth, columns)
    for rows, depth, columns in [
        (1, 64, 10), (1, 33, 17), (1, 16, 64), (1, 256, 131), (1, 8, 49), (5, 4, 1), (6, 15, 3),
        (7, 16, 16), (11, 17, 15), (12, 31, 33), (13, 64, 31), (49, 32, 48), (25, 3, 64), (2, 1, 8),
        (31, 8, 17), (24, 64, 40),
    ]
]  # fmt: skip
WINDOWS = [
    shape_of((1, 7, 7, 16), 16, (3, 3), pad=(1, 1, 1, 1)),
    shape_of((2, 9, 8, 3), 8, (3, 3), stride=(2, 2), pad=(0, 1, 0, 1)),
    shape_of((1, 6, 11, 20), 33, (3, 5), dilation=(2, 1), pad=(2, 2, 2, 2)),
    shape_of((1, 8, 8, 17), 4, (1, 1), stride=(2, 2)),
    shape_of((1, 5, 4, 1), 31, (10, 4), pad=(5, 5, 1, 2)),
    shape_of((1, 6, 6, 32), 32, (3, 3), groups=2, pad=(1, 1, 1, 1)),
    shape_of((1, 5, 5, 12), 20, (2, 2), groups=4),
    shape_of((1, 3, 3, 16), 7, (3, 3), dilation=(4, 4), pad=(4, 4, 4, 4)),
]
LINES = [  # few channels: lines of windows are filled up to whole words
    shape_of((1, 9, 19, 3), 8, (3, 3), stride=(2, 2), pad=(0, 1, 0, 1)),
    shape_of((1, 5, 12, 3), 8, (3, 3), pad=(1, 1, 1, 1)),
    shape_of((1, 6, 9, 2), 8, (4, 3), stride=(1, 3), dilation=(2, 1), pad=(3, 3, 1, 1)),
    shape_of((1, 7, 8, 1), 8, (2, 7), pad=(1, 0, 3, 3)),
    shape_of((1, 7, 8, 3), 8, (3, 3), stride=(2, 3), pad=(1, 1, 1, 1)),  # steps too far for eight
    shape_of((1, 8, 9, 3), 16, (3, 3), pad=(1, 1, 1, 1)),
    shape_of((1, 9, 9, 3), 33, (3, 3), stride=(2, 2), pad=(1, 1, 1, 1)),
    shape_of((1, 11, 13, 1), 8, (10, 8), stride=(2, 2), pad=(4, 5, 3, 4)),  # whole as they are
    shape_of((1, 6, 7, 2), 8, (3, 2), dilation=(1, 2), pad=(1, 1, 1, 1)),  # no lines
]
BIG = shape_of((1, 8, 8, 64), 480, (3, 3), pad=(1, 1, 1, 1))  # columns outside: weights > 256 KB


def check(
    level: Level, s: Shape, dtype: type, mode: str, *, extreme: bool, ratio: float = 0
) -> None:
    """Compare one random layer; with a ratio, add a residual in place."""
    rng = np.random.default_rng(sum(s) + 2 * extreme)
    q = cases.quantised(rng, s, dtype, mode, extreme=extreme, depth=s.depth)
    skip: Array | None = None
    if ratio:
        shape = (s.batch, s.out_h, s.out_w, s.out_c)
        skip = rng.integers(np.iinfo(dtype).min, np.iinfo(dtype).max, shape, dtype, endpoint=True)
    got, want = cases.conv_q8(level, s, q, skip, ratio)
    assert len(np.unique(want)) > 1 or want.size < 20
    np.testing.assert_array_equal(got, want)


@pytest.mark.parametrize("mode", ["float", "fixed"])
@pytest.mark.parametrize("dtype", [np.int8, np.uint8])
def test_matrices(level: Level, dtype: type, mode: str) -> None:
    """Row and column remainders, odd depths."""
    for s in MATRICES:
        check(level, s, dtype, mode, extreme=False)


@pytest.mark.parametrize("mode", ["float", "fixed"])
@pytest.mark.parametrize("dtype", [np.int8, np.uint8])
def test_windows(level: Level, dtype: type, mode: str) -> None:
    """Padding, stride, dilation, groups, few channels."""
    for s in WINDOWS + LINES:
        check(level, s, dtype, mode, extreme=False)


@pytest.mark.parametrize("mode", ["float", "fixed"])
@pytest.mark.parametrize("dtype", [np.int8, np.uint8])
def test_extremes(level: Level, dtype: type, mode: str) -> None:
    """All inputs at the ends of their types; sums wrap around and results saturate."""
    for s in [*MATRICES[:6], *MATRICES[-2:], *WINDOWS[:3], *LINES[:2], *LINES[5:]]:
        check(level, s, dtype, mode, extreme=True)


@pytest.mark.parametrize("mode", ["float", "fixed"])
@pytest.mark.parametrize("dtype", [np.int8, np.uint8])
def test_residual(level: Level, dtype: type, mode: str) -> None:
    """The residual is added in place, whichever of the scales is larger."""
    for s in [*MATRICES[3:], *WINDOWS[:3], LINES[1]]:
        for ratio in (0.4, 1.0, 3.7):
            check(level, s, dtype, mode, extreme=False, ratio=ratio)


def test_columns_outside(level: Level) -> None:
    """Weights beyond the cache are taken a few columns at a time."""
    check(level, BIG, np.int8, "float", extreme=False)
    check(level, matrix(40, 1000, 300), np.int8, "float", extreme=False, ratio=0.7)
    check(level, matrix(459, 900, 292), np.uint8, "fixed", extreme=False)


@pytest.mark.parametrize("mode", ["float", "fixed"])
def test_emulated(emulated: Level, mode: str) -> None:
    """NEON, with and without dot-product instructions."""
    for dtype in (np.int8, np.uint8):
        for s in [MATRICES[1], MATRICES[9], WINDOWS[1], WINDOWS[2]]:
            check(emulated, s, dtype, mode, extreme=False, ratio=1.3)
            check(emulated, s, dtype, mode, extreme=True)
