/* Transposed convolution of quantised tensors, and of float32 ones in groups: plain C. */
#ifndef EW_CONV_TRANSPOSE_Q_H
#define EW_CONV_TRANSPOSE_Q_H
#include "conv_s16.h"
#include "conv_transpose_f32.h"
#include "requantize.h"

/* `tap` runs for every product of one output: `at` and `factor` are where x and w begin, `depth` is
   how many there are. Weights are as in the model, [out_c, kernel_h, kernel_w, depth]. */
#define EW_TRANSPOSED_TAPS(x_type, w_type, ...) \
  for (int32_t ky = 0; ky < s.kernel_h; ++ky) { \
    const int32_t iy = ew_transposed_tap(p.oy, ky, s.pad_top, s.stride_h, s.dilation_h, s.in_h); \
    for (int32_t kx = 0; iy >= 0 && kx < s.kernel_w; ++kx) { \
      const int32_t ix = \
          ew_transposed_tap(p.ox, kx, s.pad_left, s.stride_w, s.dilation_w, s.in_w); \
      if (ix < 0) continue; \
      const x_type *at = x + (((ptrdiff_t)p.image * s.in_h + iy) * s.in_w + ix) * s.in_c + \
                         (ptrdiff_t)(o / columns) * depth; \
      const w_type *factor = \
          w + (((ptrdiff_t)o * s.kernel_h + ky) * s.kernel_w + kx) * depth; \
      for (int32_t k = 0; k < depth; ++k) __VA_ARGS__; \
    } \
  }

/* The loops over outputs; the block sees the pixel p and the channel o. */
#define EW_TRANSPOSED_OUTPUTS(...) \
  const int32_t depth = s.in_c / s.groups, columns = s.out_c / s.groups; \
  const int32_t pixels = s.batch * s.out_h * s.out_w; \
  for (int32_t m = 0; m < pixels; ++m) { \
    const ew_pixel p = ew_pixel_of(&s, m); \
    for (int32_t o = 0; o < s.out_c; ++o, ++y) __VA_ARGS__ \
  }

EW_KERNEL void ew_conv_transpose_groups_f32(const ew_conv_shape s, const float *x, const float *w,
                                            const float *bias, float lo, float hi, float *y) {
  EW_TRANSPOSED_OUTPUTS({
    float sum = bias[o];
    EW_TRANSPOSED_TAPS(float, float, sum += at[k] * factor[k])
    *y = sum < lo ? lo : sum > hi ? hi : sum;
  })
}

/* Both zero points are 0; factors [2][out_c] and limits as in conv_s16.h. */
EW_KERNEL void ew_conv_transpose_s16(const ew_conv_shape s, const int16_t *x, const int8_t *w,
                                     const int64_t *bias, const int32_t *factors,
                                     const int32_t *limits, int16_t *y) {
  EW_TRANSPOSED_OUTPUTS({
    int64_t sum = bias[o];
    EW_TRANSPOSED_TAPS(int16_t, int8_t, sum += (int32_t)at[k] * factor[k])
    const int32_t v = ew_multiply_i64(sum, factors[o], factors[s.out_c + o]);
    *y = (int16_t)ew_clamp_i32(v, limits[0], limits[1]);
  })
}

/* One sum to its 8-bit value less the zero point; factors [2][out_c]: scales as bits (mode float),
   or multipliers and then shifts. */
EW_INLINE int32_t ew_transposed_finish(int32_t sum, const int32_t *factors, int32_t o,
                                       int32_t channels, int32_t lo, int32_t hi, const int mode) {
  if (mode == EW_REQUANT_FIXED)
    return ew_clamp_i32(ew_multiply_i32(sum, factors[o], factors[channels + o]), lo, hi);
  return ew_clamp_i32(ew_round_i32((float)sum * ew_float_of_bits(factors[o])), lo, hi);
}

/* numbers are lo, hi, the zero points of x and y; w_zeros [out_c]. */
#define EW_CONV_TRANSPOSE_Q8(suffix, type) \
  EW_KERNEL void ew_conv_transpose_##suffix( \
      const ew_conv_shape s, const type *x, const type *w, const int32_t *bias, \
      const int32_t *factors, const int32_t *w_zeros, const int32_t *numbers, type *y, \
      const int mode) { \
    const int32_t x_zero = numbers[2], y_zero = numbers[3]; \
    EW_TRANSPOSED_OUTPUTS({ \
      const int32_t w_zero = w_zeros[o]; \
      int32_t sum = bias[o]; \
      EW_TRANSPOSED_TAPS(type, type, \
                         sum = ew_add_wrap(sum, (at[k] - x_zero) * (factor[k] - w_zero))) \
      const int32_t lo = numbers[0] - y_zero, hi = numbers[1] - y_zero; \
      *y = (type)(ew_transposed_finish(sum, factors, o, s.out_c, lo, hi, mode) + y_zero); \
    }) \
  }
EW_CONV_TRANSPOSE_Q8(s8, int8_t)
EW_CONV_TRANSPOSE_Q8(u8, uint8_t)

#endif
