"""float32 kernels against float64 NumPy, on every ISA level."""

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.kernels import cases
from tests.kernels.cases import Shape, header, matrix, scratch, shape_of
from tests.kernels.harness import LEVELS, Array, Level, call
from tests.kernels.test_conv_q8 import MATRICES, WINDOWS
from tests.kernels.test_depthwise_q8 import BYTES
from tests.kernels.test_depthwise_q8 import SHAPES as DEPTHWISE

from edgewright.ops import packing

ROWS = [matrix(rows, 37, 33) for rows in (1, 2, 5, 6, 7, 11, 12, 13, 18, 24, 25, 49)]
HALVES = [  # columns of which the last take half a register
    *(matrix(rows, 19, 24) for rows in (2, 6, 8, 13, 16)),
    *(matrix(rows, 19, 40) for rows in (9, 12)),
    *(matrix(14, 300, columns) for columns in (24, 40, 54, 56, 72)),
    matrix(13, 5, 20),
    matrix(7, 9, 5),
    shape_of((1, 5, 5, 16), 8, (3, 3), pad=(1, 1, 1, 1)),
]
BIG = shape_of((1, 7, 7, 64), 160, (3, 3), pad=(1, 1, 1, 1))  # columns outside


def random(*shape: int) -> NDArray[np.float32]:
    """Reproducible numbers that look like activations."""
    return np.random.default_rng(sum(shape)).normal(size=shape).astype(np.float32)


def close(got: Array, want: Array, terms: int) -> None:
    """1e-5 of the largest result; sums of float32 are within that for some hundred terms."""
    assert np.abs(want).max() > 0
    np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-6 * terms**0.5 * np.abs(want).max())


def check_conv(level: Level, s: Shape, clamp: tuple[float, float], with_skip: bool) -> Array:
    """One random layer; the residual is added in place. Returns what the kernel made."""
    x, w = random(s.batch, s.in_h, s.in_w, s.in_c), random(s.out_c, s.depth)
    bias, skip = random(s.out_c), random(s.batch, s.out_h, s.out_w, s.out_c)
    packed, offsets = packing.pack_f32(w, bias, s.groups)
    size = packing.conv_scratch_bytes((s.kernel_h, s.kernel_w), s.in_c // s.groups, 4)
    limits = np.array(clamp, np.float32)
    arguments: list[Array | int | None] = [header(s), x, packed, offsets]
    arguments += [skip if with_skip else None, limits, 4 if with_skip else skip, scratch(size)]
    got = call(level, "conv_f32", arguments)[4 if with_skip else 5]
    seen = cases.windows(s, x.astype(np.float64), 0.0)
    want = (cases.dense(s, seen, w.astype(np.float64)) + bias).reshape(got.shape)
    close(got, np.clip(want + skip if with_skip else want, *clamp), s.depth)
    return got


@pytest.mark.parametrize("with_skip", [False, True])
@pytest.mark.parametrize("clamp", [(-np.inf, np.inf), (0.0, 6.0)])
def test_conv(level: Level, clamp: tuple[float, float], with_skip: bool) -> None:
    """Row, column and depth remainders, padding, stride, dilation, groups, few channels."""
    for s in [*ROWS, *HALVES, *MATRICES, *WINDOWS, BIG]:
        check_conv(level, s, clamp, with_skip)


def test_nan_passes(level: Level) -> None:
    """A clamp does not hide a NaN, and padding does not meet the weights of infinite inputs."""
    s = matrix(2, 3, 2)
    x = np.array([[np.nan, 0, 0], [np.inf, 0, 0]], np.float32)
    packed, bias = packing.pack_f32(np.ones((2, 3), np.float32), None)
    y, limits = np.zeros((2, 2), np.float32), np.array([0, 6], np.float32)
    size = packing.conv_scratch_bytes((1, 1), 3, 4)
    arguments = [header(s), x, packed, bias, None, limits, y, scratch(size)]
    got = call(level, "conv_f32", arguments)[5]
    assert np.isnan(got[0]).all()
    np.testing.assert_array_equal(got[1], [6, 6])


TILES = [  # windows that AVX-512 takes several pixels at a time: the last of a line overlap
    shape_of((1, 3, 16, 20), 20, (3, 3), pad=(1, 1, 1, 1)),
    shape_of((2, 5, 30, 16), 16, (3, 3), stride=(2, 2), pad=(0, 1, 0, 1)),
    shape_of((1, 4, 9, 33), 33, (5, 5), pad=(2, 2, 2, 2)),
    shape_of((1, 9, 19, 17), 17, (5, 5), stride=(2, 2), pad=(1, 2, 1, 2)),
    shape_of((1, 4, 3, 8), 8, (3, 3), pad=(1, 1, 1, 1)),  # half a register; few pixels
    shape_of((1, 6, 20, 24), 24, (3, 3), pad=(1, 1, 1, 1)),
    shape_of((2, 9, 2, 40), 40, (5, 5), pad=(2, 2, 2, 2)),
    shape_of((1, 5, 9, 16), 16, (3, 3), pad=(2, 2, 2, 2)),  # wide borders
]


def check_depthwise(level: Level, s: Shape) -> Array:
    """One random depthwise layer. Returns what the kernel made."""
    x, w = random(s.batch, s.in_h, s.in_w, s.in_c), random(s.kernel_h, s.kernel_w, s.out_c)
    bias, limits = random(s.out_c), np.array([-2, 2], np.float32)
    packed, offsets = packing.pack_depthwise_f32(w, bias)
    y = np.zeros((s.batch, s.out_h, s.out_w, s.out_c), np.float32)
    size = packing.depthwise_scratch_bytes((s.kernel_h, s.kernel_w), s.in_c, 4)
    arguments = [header(s), x, packed, offsets, None, limits, y, scratch(size)]
    got = call(level, "depthwise_f32", arguments)[5]
    seen = np.repeat(cases.windows(s, x.astype(np.float64), 0.0), s.out_c // s.in_c, axis=2)
    want = (seen * w.reshape(-1, s.out_c)).sum(axis=1) + bias
    close(got, np.clip(want, -2, 2).reshape(got.shape), s.kernel_h * s.kernel_w)
    return got


def test_depthwise(level: Level) -> None:
    """Padding, stride, dilation, multipliers, remainders of channels and of lines."""
    for s in DEPTHWISE + BYTES + TILES:
        check_depthwise(level, s)


def test_levels_have_the_same_bits() -> None:
    """Tiles of other shapes sum in the same order: AVX-512 has some of its own."""
    levels = [LEVELS[name] for name in ("avx2", "avx512") if LEVELS[name].runs]
    if len(levels) < 2:
        pytest.skip("this CPU lacks AVX-512")
    for s in HALVES:
        first, second = (check_conv(level, s, (-np.inf, np.inf), False) for level in levels)
        np.testing.assert_array_equal(first, second)
    for s in TILES:
        first, second = (check_depthwise(level, s) for level in levels)
        np.testing.assert_array_equal(first, second)


def test_conv_transpose(level: Level) -> None:
    """The transposed convolution is the gradient of the convolution."""
    s = Shape(2, 4, 3, 5, 9, 7, 18, 3, 2, 2, 3, 1, 2, 1, 1)
    x, w = random(s.batch, s.in_h, s.in_w, s.in_c), random(s.out_c, s.kernel_h, s.kernel_w, s.in_c)
    packed, offsets = packing.pack_f32(w, random(s.out_c))
    want = np.zeros((s.batch, s.out_h, s.out_w, s.out_c)) + random(s.out_c)
    for iy, ix, ky, kx in np.ndindex(s.in_h, s.in_w, s.kernel_h, s.kernel_w):
        oy = iy * s.stride_h - s.pad_top + ky * s.dilation_h
        ox = ix * s.stride_w - s.pad_left + kx * s.dilation_w
        if 0 <= oy < s.out_h and 0 <= ox < s.out_w:
            want[:, oy, ox] += x[:, iy, ix].astype(np.float64) @ w[:, ky, kx].T
    limits, y = np.array([-3, 3], np.float32), np.zeros(want.shape, np.float32)
    arguments = [header(s), x, packed, offsets, None, limits, y]
    got = call(level, "conv_transpose_f32", arguments)[5]
    close(got, np.clip(want, -3, 3), s.depth)


def test_emulated(emulated: Level) -> None:
    """NEON."""
    for s in [ROWS[6], MATRICES[9], WINDOWS[1], WINDOWS[2]]:
        check_conv(emulated, s, (0.0, 6.0), with_skip=True)
    for s in DEPTHWISE[:4]:
        check_depthwise(emulated, s)
