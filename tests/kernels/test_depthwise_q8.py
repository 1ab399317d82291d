"""8-bit depthwise convolution: every bit, every ISA level, both modes."""

import numpy as np
import pytest
from tests.kernels import cases
from tests.kernels.cases import Shape, shape_of
from tests.kernels.harness import Level

SHAPES = [
    shape_of((1, 7, 7, 16), 16, (3, 3), pad=(1, 1, 1, 1)),
    shape_of((2, 9, 8, 33), 33, (3, 3), stride=(2, 2), pad=(0, 1, 0, 1)),
    shape_of((1, 6, 11, 3), 3, (5, 3), dilation=(1, 2), pad=(2, 2, 2, 2)),
    shape_of((1, 6, 5, 1), 8, (10, 8), stride=(2, 2), pad=(4, 5, 3, 3)),
    shape_of((1, 5, 13, 8), 24, (3, 3), pad=(1, 1, 1, 1)),
    shape_of((1, 25, 5, 64), 64, (25, 5)),
    shape_of((1, 1, 1, 15), 15, (1, 1)),
]

FEW = [  # several pixels of a line at once
    shape_of((1, 6, 20, 8), 8, (3, 3), pad=(1, 1, 1, 1)),
    shape_of((2, 5, 9, 8), 8, (3, 3), stride=(2, 2), pad=(0, 1, 0, 1)),
    shape_of((1, 9, 7, 8), 8, (3, 3), stride=(4, 1), pad=(2, 0, 2, 0)),
    shape_of((2, 6, 17, 16), 16, (3, 3), stride=(1, 2), pad=(1, 1, 0, 1)),
    shape_of((1, 5, 6, 16), 16, (3, 3), stride=(3, 1), pad=(1, 1, 1, 1)),
]

BYTES = [  # windows that AVX-512 takes in 64 lanes, where all weights fit in bytes
    shape_of((1, 6, 5, 80), 80, (3, 3), pad=(1, 1, 1, 1)),
    shape_of((2, 7, 9, 40), 40, (3, 3), stride=(2, 2), pad=(0, 1, 0, 1)),
    shape_of((1, 3, 1, 65), 65, (3, 3), pad=(1, 1, 1, 1)),
    shape_of((2, 8, 4, 24), 24, (3, 3), stride=(1, 3), dilation=(2, 1), pad=(2, 2, 0, 1)),
    shape_of((1, 5, 4, 128), 128, (3, 3), pad=(1, 1, 1, 1)),
    shape_of((1, 9, 5, 16), 16, (3, 3), pad=(1, 1, 1, 1)),
    shape_of((1, 7, 6, 7), 7, (3, 3), stride=(2, 1), pad=(1, 1, 1, 1)),
    shape_of((1, 2, 3, 32), 32, (3, 3), pad=(1, 1, 1, 1)),
    *FEW,
    # 5x5
    shape_of((1, 7, 9, 80), 80, (5, 5), pad=(2, 2, 2, 2)),
    shape_of((2, 9, 8, 40), 40, (5, 5), stride=(2, 2), pad=(1, 2, 1, 2)),
    shape_of((1, 4, 2, 24), 24, (5, 5), dilation=(2, 1), pad=(4, 4, 2, 2)),
    shape_of((2, 5, 6, 130), 130, (5, 5), stride=(1, 2), pad=(2, 2, 2, 1)),
    shape_of((1, 6, 5, 7), 7, (5, 5), stride=(2, 1), pad=(2, 2, 0, 0)),
]


def check(
    level: Level, s: Shape, dtype: type, mode: str, *, extreme: bool, zero: int | None = None
) -> None:
    """Compare one random layer; `zero` is the zero point of its weights."""
    rng = np.random.default_rng(sum(s) + 2 * extreme)
    q = cases.quantised(rng, s, dtype, mode, extreme=extreme, depth=s.kernel_h * s.kernel_w)
    if zero is not None:
        q = q._replace(zeros=(q.zeros[0], zero))
    got, want = cases.depthwise_q8(level, s, q)
    np.testing.assert_array_equal(got, want)


@pytest.mark.parametrize("extreme", [False, True])
@pytest.mark.parametrize("mode", ["float", "fixed"])
@pytest.mark.parametrize("dtype", [np.int8, np.uint8])
def test_shapes(level: Level, dtype: type, mode: str, extreme: bool) -> None:
    """Padding, stride, dilation, multipliers, channel remainders."""
    for s in SHAPES + BYTES:
        check(level, s, dtype, mode, extreme=extreme)
        if dtype == np.uint8 and s in BYTES:
            check(level, s, dtype, mode, extreme=extreme, zero=128)


@pytest.mark.parametrize("zero", [0, 1, 255])
def test_zero_points(level: Level, zero: int) -> None:
    """Weights that need one byte, two, or more than the kernels of bytes take."""
    for s in [SHAPES[0], SHAPES[1], BYTES[9]]:
        for extreme in (False, True):
            check(level, s, np.uint8, "float", extreme=extreme, zero=zero)


@pytest.mark.parametrize("mode", ["float", "fixed"])
def test_emulated(emulated: Level, mode: str) -> None:
    """NEON."""
    for dtype in (np.int8, np.uint8):
        for s in SHAPES[:5]:
            check(emulated, s, dtype, mode, extreme=False)
