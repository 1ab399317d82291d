"""Every word of the SIMD vocabulary means the same on every ISA level."""

import numpy as np
import pytest
from tests.kernels.harness import EMULATED, LEVELS, Array, Level, call, isa

from edgewright.ops.integer import fixed_point as fp

F32, I32 = np.float32, np.int32


def bits(x: Array) -> Array:
    """float32 as int32, every NaN the same."""
    return np.where(np.isnan(x), F32(np.nan), x.astype(F32)).astype(F32).view(I32)


def first(x: Array, n: int) -> Array:
    """The first n lanes; the rest 0."""
    return np.where(np.arange(16) < n, x, 0).astype(x.dtype)


def floats(x: Array, y: Array, z: Array, n: int, is_fused: bool) -> list[Array]:
    """The results of `vocabulary_f32`, as int32 bits."""
    exact = x.astype(np.float64) * y + z
    results = [
        x + y, x - y, x * y, x / y, np.where(x > y, x, y), np.where(x < y, x, y), np.abs(x), -x,
        np.rint(x), np.floor(x), np.ceil(x), np.sqrt(np.abs(x)),
        exact.astype(F32) if is_fused else x * y + z,
        np.clip(x, -1, 2), first(x, n), x < y, x <= y, x == y, np.where(x < y, y, x),
        (x < y) & (x < z), (x < y) | (x < z), np.full(16, x.sum()), np.full(16, x.max()),
        np.rint(x).astype(I32), first(x, n),
    ]  # fmt: skip
    return [r.astype(I32) if r.dtype in (bool, I32) else bits(r) for r in results]


def integers(x: Array, y: Array, n: int) -> list[Array]:
    """The results of `vocabulary_i32`."""
    by, wide = y & 31, x.astype(np.int64)
    results = [
        x + y, x - y, x * y, np.maximum(x, y), np.minimum(x, y), x & y, x | y, x ^ y, x << 5,
        x.view(np.uint32) >> 5, x >> 5, x << by, x >> by, fp.high_mul(x, y & (2**31 - 1)),
        fp.divide_by_power(wide, by), x > y, x == y, np.full(16, wide.sum()), first(x, n),
    ]  # fmt: skip
    return [*(r.astype(I32) for r in results), bits(x.astype(F32)), first(x, n)]


def narrow(x: Array, acc: Array, data: Array, n: int, dot: str) -> list[Array]:
    """The results of `vocabulary_narrow`."""
    s8, u8, s16 = data.view(np.int8), data, data.view(np.int16)
    w, four = s8[:64].reshape(16, 4).astype(I32), (u8 if dot == "us" else s8)[64:68]
    results = [s8[:16], u8[:16], s16[:16], first(s8[:16], n), first(u8[:16], n)]
    results += [first(s16[:16], n), acc + s16[:16].astype(I32) * s16[16:32].astype(I32)]
    results += [acc + w @ four.astype(I32)]
    low, middle = x >> 20, x >> 12
    s, u = np.clip(low, -128, 127).astype(np.int8), np.clip(low, 0, 255).astype(np.uint8)
    h = np.clip(middle, -32768, 32767).astype(np.int16)
    parts = [s.view(np.uint8), u, first(s, n).view(np.uint8), first(u, n)]
    return [
        *(r.astype(I32) for r in results),
        np.concatenate(parts).view(I32),
        np.concatenate([h, first(h, n)]).view(I32),
    ]


def check(level: Level, n: int) -> None:
    """Call every word on ordinary and on extreme lanes."""
    rng = np.random.default_rng(n)
    x = rng.integers(-4, 5, 16).astype(F32) / 2  # halves, and sums that are exact in any order
    y, z = rng.permutation(x), rng.normal(size=16).astype(F32)
    a = rng.integers(-(2**31), 2**31 - 1, 16, I32, endpoint=True)
    b = rng.permutation(np.concatenate([a[:8], [2**31 - 1, -(2**31), 0, -1, 1, 7, 30, 31]]))
    a[8:12], b = [2**31 - 1, -(2**31), 0, -1], b.astype(I32)
    data = rng.choice([0, 1, 127, 128, 255], 128).astype(np.uint8)
    with np.errstate(all="ignore"):
        want = floats(x, y, z, n, is_fused=level.is_fused)
        want += integers(a, b, n) + narrow(a, b, data, n, level.dot)
    out = np.zeros((len(want), 16), I32)
    lanes: list[Array] = [out[0], x, y, z, a, b, out, data, np.array([n], I32)]
    got = call(level, "vocabulary", lanes)[6]
    for word, (row, wanted) in enumerate(zip(got, want, strict=True)):
        if word < 23 and not 15 <= word <= 17:
            row = bits(row.view(F32))
        np.testing.assert_array_equal(row, wanted, err_msg=f"{level.name}: word {word}, n={n}")


@pytest.mark.parametrize("n", range(17))
def test_words(level: Level, n: int) -> None:
    """Natively."""
    check(level, n)


@pytest.mark.parametrize("n", [0, 1, 7, 16])
def test_words_emulated(emulated: Level, n: int) -> None:
    """Under qemu."""
    check(emulated, n)


def test_picked() -> None:
    """The compiler's macros pick the vocabulary that each level is for."""
    for name in ("scalar", "avx2", "avx512"):
        if LEVELS[name].runs:
            assert isa(LEVELS[name]) == name
    assert {"neon", "neon_dot", "neon_i8mm"} <= set(EMULATED)
