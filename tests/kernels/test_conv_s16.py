"""int16 convolution with int8 weights: every bit."""

import numpy as np
import pytest
from tests.kernels import cases
from tests.kernels.cases import header, matrix, shape_of
from tests.kernels.harness import LEVELS, call

from edgewright.ops import packing
from edgewright.ops.integer import requantize as rq
from edgewright.ops.integer.fixed_point import quantize_multiplier


@pytest.mark.parametrize("extreme", [False, True])
@pytest.mark.parametrize(
    "s",
    [
        matrix(3, 21, 5),
        shape_of((2, 6, 7, 4), 6, (3, 2), stride=(2, 1), pad=(1, 1, 0, 1), groups=2),
        shape_of((1, 5, 5, 3), 6, (3, 3), pad=(1, 1, 1, 1), groups=3),
    ],
)
def test_conv(s: cases.Shape, extreme: bool) -> None:
    """Dense, grouped and depthwise; sums beyond 32 bits."""
    rng = np.random.default_rng(7)
    shape = (s.batch, s.in_h, s.in_w, s.in_c)
    x = rng.integers(-(2**15), 2**15 - 1, shape, np.int16, endpoint=True)
    w = rng.integers(-127, 127, (s.out_c, s.depth), np.int8, endpoint=True)
    bias = rng.integers(-(10**6), 10**6, s.out_c) * (10**4 if extreme else 1)
    factor = quantize_multiplier(rng.uniform(1e-4, 1e-2, s.out_c) * (100 if extreme else 1))
    bounds = (-32768, 32767) if extreme else (-30000, 20000)
    y = np.zeros((s.batch, s.out_h, s.out_w, s.out_c), np.int16)
    limits = np.array(bounds, np.int32)
    factors = packing.pack_s16_factors(factor, s.out_c)
    got = call(LEVELS["scalar"], "conv_s16", [header(s), x, w, bias, factors, limits, y])[6]
    acc = cases.dense(s, cases.windows(s, x.astype(np.int64), 0), w.astype(np.int64)) + bias
    want = rq.requantize_wide(acc, factor, 0, bounds, np.int16).reshape(got.shape)
    assert len(np.unique(want)) > 1
    np.testing.assert_array_equal(got, want)
