"""Random layers with their packed arguments and their exact results."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from tests.kernels.harness import Array, Level, call

from edgewright.ops import packing
from edgewright.ops.integer import requantize as rq
from edgewright.ops.integer.add import (
    add_fixed,
    add_fixed_constants,
    add_short,
    add_short_constants,
)
from edgewright.ops.integer.fixed_point import quantize_multiplier


class Shape(NamedTuple):
    """C's `ew_conv_shape`."""

    batch: int
    in_h: int
    in_w: int
    in_c: int
    out_h: int
    out_w: int
    out_c: int
    kernel_h: int
    kernel_w: int
    stride_h: int = 1
    stride_w: int = 1
    dilation_h: int = 1
    dilation_w: int = 1
    pad_top: int = 0
    pad_left: int = 0
    groups: int = 1

    @property
    def depth(self) -> int:
        """Products per output of a dense convolution."""
        return self.kernel_h * self.kernel_w * self.in_c // self.groups


def shape_of(
    x: tuple[int, int, int, int],
    out_c: int,
    kernel: tuple[int, int] = (1, 1),
    *,
    stride: tuple[int, int] = (1, 1),
    dilation: tuple[int, int] = (1, 1),
    pad: tuple[int, int, int, int] = (0, 0, 0, 0),
    groups: int = 1,
) -> Shape:
    """The shape of a convolution of x [N, H, W, C]; pad is top, bottom, left, right."""
    out = [
        (size + before + after - d * (k - 1) - 1) // s + 1
        for size, before, after, d, k, s in zip(
            x[1:3], pad[::2], pad[1::2], dilation, kernel, stride, strict=True
        )
    ]
    return Shape(*x, out[0], out[1], out_c, *kernel, *stride, *dilation, pad[0], pad[2], groups)


def matrix(rows: int, depth: int, columns: int) -> Shape:
    """The shape of a product of [rows, depth] with `columns` columns."""
    return shape_of((1, 1, rows, depth), columns)


def windows(s: Shape, x: Array, fill: float) -> Array:
    """[pixels, KH * KW, C]: what each output pixel sees."""
    reach_h = (s.out_h - 1) * s.stride_h + (s.kernel_h - 1) * s.dilation_h + 1
    reach_w = (s.out_w - 1) * s.stride_w + (s.kernel_w - 1) * s.dilation_w + 1
    padded = np.full((s.batch, reach_h, reach_w, s.in_c), fill, x.dtype)
    height, width = min(s.in_h, reach_h - s.pad_top), min(s.in_w, reach_w - s.pad_left)
    padded[:, s.pad_top : s.pad_top + height, s.pad_left : s.pad_left + width] = x[
        :, :height, :width
    ]
    taps = [
        padded[
            :,
            ky * s.dilation_h :: s.stride_h,
            kx * s.dilation_w :: s.stride_w,
        ][:, : s.out_h, : s.out_w].reshape(-1, s.in_c)
        for ky in range(s.kernel_h)
        for kx in range(s.kernel_w)
    ]
    return np.stack(taps, axis=1)


def dense(s: Shape, seen: Array, w: Array) -> Array:
    """[pixels, O]: windows times w [O, taps * C / groups], group by group."""
    columns, depth = s.out_c // s.groups, s.in_c // s.groups
    parts = [
        seen[:, :, g * depth : (g + 1) * depth].reshape(len(seen), -1)
        @ w[g * columns : (g + 1) * columns].T
        for g in range(s.groups)
    ]
    return np.concatenate(parts, axis=1)


def scratch(bytes_: int) -> NDArray[np.uint8]:
    """Scratch memory that holds what another kernel left."""
    return np.full(bytes_, 0x7F, np.uint8)


def header(s: Shape, *flags: int) -> NDArray[np.int32]:
    """The first argument of every call."""
    return np.array([*s, *flags], np.int32)


class Quantised(NamedTuple):
    """Everything about one random 8-bit layer but its shape."""

    dtype: Any
    mode: str
    x: Array
    w: Array
    bias: Array
    zeros: tuple[int, int]
    scales: NDArray[np.float32]
    y_zero: int
    bounds: tuple[int, int]


def quantised(
    rng: np.random.Generator, s: Shape, dtype: Any, mode: str, *, extreme: bool, depth: int
) -> Quantised:
    """Random numbers; the extreme ones are all at the ends of their types."""
    info = np.iinfo(dtype)
    w_zero = int(rng.integers(100, 150)) if dtype == np.uint8 else 0
    shape = (s.batch, s.in_h, s.in_w, s.in_c)

    def numbers(size: tuple[int, ...]) -> Array:
        if extreme:
            return rng.choice([info.min, info.max], size).astype(dtype)
        return rng.integers(info.min, info.max, size, dtype, endpoint=True)

    w = numbers((s.out_c, depth))
    if dtype == np.int8 and not extreme:
        w = np.maximum(w, -127).astype(np.int8)
    x_zero, y_zero = (int(v) for v in rng.integers(info.min, info.max, 2, endpoint=True))
    scales = (rng.uniform(0.2, 1.0, s.out_c) / (70.0 * depth**0.5)).astype(np.float32)
    bias = rng.integers(-20000, 20000, s.out_c).astype(np.int32)
    if extreme:
        scales[::3] *= np.float32(1000.0)  # some outputs saturate, factors above one too
        bias[::2] = rng.choice([-(2**31), 2**31 - 1, 0], len(bias[::2]))
    bounds = (info.min, info.max) if extreme else (max(info.min, y_zero - 90), info.max - 3)
    return Quantised(dtype, mode, numbers(shape), w, bias, (x_zero, w_zero), scales, y_zero, bounds)


def factor_of(q: Quantised) -> Any:
    """The layer's scales as its mode takes them."""
    return q.scales if q.mode == "float" else quantize_multiplier(q.scales.astype(np.float64))


def requantised(q: Quantised, acc: Array) -> Array:
    """Exact sums, wrapped to int32, in the layer's own quantisation."""
    wrapped = (acc + q.bias).astype(np.int64).astype(np.int32)
    step = rq.requantize_float if q.mode == "float" else rq.requantize_fixed
    return step(wrapped, factor_of(q), q.y_zero, q.bounds, q.dtype)


def conv_q8_scratch_bytes(level: Level, s: Shape) -> int:
    """What a dense layer needs, with the copies that x86 makes."""
    kernel, channels = (s.kernel_h, s.kernel_w), s.in_c // s.groups
    needed = packing.conv_scratch_bytes(kernel, channels, 1)
    if level.dot != "us":
        return needed
    needed += packing.q8_rows_bytes(
        s.kernel_h * s.kernel_w * channels, s.out_c // s.groups, s.batch * s.out_h * s.out_w
    )
    return needed + packing.q8_image_bytes(
        kernel, (s.stride_h, s.stride_w), (s.dilation_h, s.dilation_w), (s.out_h, s.out_w), s.in_c
    )


def conv_q8_line(level: Level, s: Shape) -> int:
    """Bytes for a line of a window, as linear_emit has them."""
    if level.dot != "us" or level.name == "small" or s.batch * s.groups * s.dilation_w != 1:
        return 0
    return packing.q8_line((s.kernel_h, s.kernel_w), s.in_c)


def conv_q8(
    level: Level, s: Shape, q: Quantised, skip: Array | None, ratio: float
) -> tuple[Array, Array]:
    """What the kernel and what NumPy make of a dense layer; skip has the layer's scale * ratio."""
    info = np.iinfo(q.dtype)
    residual, add_zeros = None, (q.y_zero, 3 + info.min // 2 + 60, q.y_zero // 2 + 30)
    bounds = (info.min + 5, info.max - 4)
    scales = (0.03, 0.03 * ratio, 0.05)
    if skip is not None and q.mode == "float":
        factors: Any = add_short_constants(*scales)
    elif skip is not None:
        factors = add_fixed_constants(*scales, q.dtype)
    if skip is not None:
        residual = packing.Residual(add_zeros[1], add_zeros[2], bounds, factors)
    folded = packing.fold_q8(q.w, q.bias, q.zeros, q.dtype, level.dot)
    line = conv_q8_line(level, s)
    arguments: list[Array | int | None] = [
        header(s, q.dtype == np.int8, q.mode == "fixed", q.dtype == np.uint8, line),
        q.x,
        packing.pack_q8(q.w.reshape(s.out_c, s.kernel_h, s.kernel_w, -1), s.groups, line),
        packing.pack_q8_channels(folded.bias, factor_of(q), s.groups),
        packing.pack_q8_params(q.zeros[0], q.y_zero, q.bounds, folded.x_sum_multiplier, residual),
        skip,
        np.zeros((s.batch, s.out_h, s.out_w, s.out_c), q.dtype) if skip is None else 5,
        scratch(conv_q8_scratch_bytes(level, s)),
    ]
    got = call(level, "conv_q8", arguments)[5]
    seen = windows(s, q.x.astype(np.int64) - q.zeros[0], 0)
    want = requantised(q, dense(s, seen, q.w.astype(np.int64) - q.zeros[1]))
    want = want.reshape(got.shape)
    if skip is not None:
        sum_ = add_short if q.mode == "float" else add_fixed
        want = sum_(want, skip, add_zeros, factors, bounds)
    return got, want


def depthwise_q8_scratch_bytes(level: Level, s: Shape) -> int:
    """What a depthwise layer needs, with the lines that x86 copies."""
    kernel = s.kernel_h, s.kernel_w
    needed = packing.depthwise_scratch_bytes(kernel, s.in_c, 1)
    if level.dot != "us" or s.in_c != s.out_c:
        return needed
    dilation = s.dilation_h, s.dilation_w
    return needed + packing.depthwise_lines_bytes(kernel, s.stride_w, dilation, s.out_w, s.in_c)


def depthwise_q8(level: Level, s: Shape, q: Quantised) -> tuple[Array, Array]:
    """What the kernel and what NumPy make of a depthwise layer; q.w is [C, taps]."""
    w = q.w.T.reshape(s.kernel_h, s.kernel_w, s.out_c)
    packed, bias = packing.pack_depthwise_q8(w, q.bias, q.zeros)
    arguments = [
        header(s, q.dtype == np.int8, q.mode == "fixed"),
        q.x,
        packed,
        packing.pack_q8_channels(bias, factor_of(q)),
        packing.pack_q8_params(q.zeros[0], q.y_zero, q.bounds),
        np.zeros((s.batch, s.out_h, s.out_w, s.out_c), q.dtype),
        scratch(depthwise_q8_scratch_bytes(level, s)),
    ]
    got = call(level, "depthwise_q8", arguments)[5]
    seen = windows(s, q.x.astype(np.int64) - q.zeros[0], 0)
    seen = np.repeat(seen, s.out_c // s.in_c, axis=2)
    acc = (seen * (q.w.T.astype(np.int64) - q.zeros[1])).sum(axis=1)
    return got, requantised(q, acc).reshape(got.shape)
