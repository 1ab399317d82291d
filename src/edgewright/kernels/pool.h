/* Pooling, channels last: x [batch, in_h, in_w, channels], y [batch, out_h, out_w, channels]. */
#ifndef EW_POOL_H
#define EW_POOL_H
#include "simd.h"

/* The part of a window along one axis that lies in the image: taps first .. last - 1; tap k is at
   start + k * dilation. */
typedef struct ew_span { int32_t start, first, last; } ew_span;

EW_INLINE ew_span ew_span_of(int32_t at, int32_t stride, int32_t pad, int32_t kernel,
                             int32_t dilation, int32_t size) {
  const int32_t start = at * stride - pad;
  const int32_t first = start < 0 ? (-start + dilation - 1) / dilation : 0;
  const int32_t room = size - start;
  const int32_t last = room <= 0 ? 0 : (room + dilation - 1) / dilation;
  return (ew_span){start, first, ew_min_i32(last, kernel)};
}

/* a / b towards zero for a >= 0, b > 0. */
EW_INLINE ew_i32x16 ew_i32_divide(ew_i32x16 a, int32_t b) {
#if EW_DIVIDE_BY_FLOAT
  /* A quotient in float32 is off by one at most. */
  const ew_f32x16 real = ew_f32_div(ew_f32_of_i32(a), ew_f32_dup((float)b));
  const ew_i32x16 q = ew_i32_of_f32(ew_f32_floor(real));
  const ew_i32x16 rest = ew_i32_sub(a, ew_i32_mul(q, ew_i32_dup(b)));
  const ew_i32x16 one = ew_i32_dup(1), zero = ew_i32_dup(0);
  const ew_i32x16 more = ew_i32_select(ew_i32_gt(rest, ew_i32_dup(b - 1)), one, zero);
  const ew_i32x16 less = ew_i32_select(ew_i32_gt(zero, rest), one, zero);
  return ew_i32_add(q, ew_i32_sub(more, less));
#else
  int32_t lanes[16];
  ew_i32_store(lanes, a);
  for (int i = 0; i < 16; ++i) lanes[i] /= b;
  return ew_i32_load(lanes);
#endif
}

/* total / count, halves away from zero. */
EW_INLINE ew_i32x16 ew_i32_mean(ew_i32x16 total, int32_t count) {
  const ew_i32x16 zero = ew_i32_dup(0), minus = ew_i32_sub(zero, total);
  const ew_i32x16 size = ew_i32_add(ew_i32_max(total, minus), ew_i32_dup(count / 2));
  const ew_i32x16 q = ew_i32_divide(size, count);
  return ew_i32_select(ew_i32_gt(total, zero), q, ew_i32_sub(zero, q));
}

/* The loops of a pooling over pixels; `body` sees the window (rows, columns) and the image `at`. */
#define EW_POOL_PIXELS(body) \
  for (int32_t image = 0; image < batch; ++image) \
    for (int32_t oy = 0; oy < out_h; ++oy) \
      for (int32_t ox = 0; ox < out_w; ++ox, y += channels) { \
        const ew_span rows = ew_span_of(oy, stride_h, pad_top, kernel_h, dilation_h, in_h); \
        const ew_span columns = ew_span_of(ox, stride_w, pad_left, kernel_w, dilation_w, in_w); \
        body \
      }

/* The first element of tap (row, column). */
#define EW_POOL_TAP(row, column) \
  (x + (((ptrdiff_t)image * in_h + rows.start + (row) * dilation_h) * in_w + columns.start + \
        (column) * dilation_w) * channels)

#define EW_POOL_SIZES \
  int32_t batch, int32_t in_h, int32_t in_w, int32_t channels, int32_t out_h, int32_t out_w, \
      int32_t kernel_h, int32_t kernel_w, int32_t stride_h, int32_t stride_w, \
      int32_t dilation_h, int32_t dilation_w, int32_t pad_top, int32_t pad_left

EW_INLINE ew_f32x16 ew_pool_load_f32(const float *p, int n) {
  return n < 16 ? ew_f32_load_n(p, n) : ew_f32_load(p);
}

/* The larger one; a NaN in either is the result. */
EW_INLINE ew_f32x16 ew_pool_larger(ew_f32x16 a, ew_f32x16 b) {
  return ew_f32_select(ew_f32_eq(a, a), ew_f32_max(a, b), a);
}

EW_KERNEL void ew_max_pool_f32(const float *x, float *y, EW_POOL_SIZES, float lo, float hi) {
  EW_POOL_PIXELS({
    for (int32_t c = 0; c < channels; c += 16) {
      const int n = ew_min_i32(channels - c, 16);
      ew_f32x16 top = ew_f32_dup(-EW_INFINITY);
      for (int32_t ky = rows.first; ky < rows.last; ++ky)
        for (int32_t kx = columns.first; kx < columns.last; ++kx)
          top = ew_pool_larger(top, ew_pool_load_f32(EW_POOL_TAP(ky, kx) + c, n));
      ew_f32_store_n(y + c, ew_f32_clamp(top, ew_f32_dup(lo), ew_f32_dup(hi)), n);
    }
  })
}

/* Each row of a window is summed apart, which keeps rounding errors small in large windows. */
EW_KERNEL void ew_avg_pool_f32(const float *x, float *y, EW_POOL_SIZES, int32_t whole, float lo,
                               float hi) {
  EW_POOL_PIXELS({
    const int32_t inside = (rows.last - rows.first) * (columns.last - columns.first);
    const ew_f32x16 count = ew_f32_dup((float)(whole ? kernel_h * kernel_w : inside));
    for (int32_t c = 0; c < channels; c += 16) {
      const int n = ew_min_i32(channels - c, 16);
      ew_f32x16 total = ew_f32_dup(0.0f);
      for (int32_t ky = rows.first; ky < rows.last; ++ky) {
        ew_f32x16 row = ew_f32_dup(0.0f);
        for (int32_t kx = columns.first; kx < columns.last; ++kx)
          row = ew_f32_add(row, ew_pool_load_f32(EW_POOL_TAP(ky, kx) + c, n));
        total = ew_f32_add(total, row);
      }
      const ew_f32x16 mean = ew_f32_div(total, count);
      ew_f32_store_n(y + c, ew_f32_clamp(mean, ew_f32_dup(lo), ew_f32_dup(hi)), n);
    }
  })
}

EW_INLINE ew_i32x16 ew_pool_limit(ew_i32x16 v, const int32_t *limits) {
  return ew_i32_min(ew_i32_max(v, ew_i32_dup(limits[0])), ew_i32_dup(limits[1]));
}

/* Quantised: limits are lo, hi and, for means, the zero point (what padding counts as). */
#define EW_POOL_Q(suffix, type, lowest) \
  EW_INLINE ew_i32x16 ew_pool_load_##suffix(const type *p, int n) { \
    return n < 16 ? ew_i32_load_##suffix##_n(p, n) : ew_i32_load_##suffix(p); \
  } \
  EW_INLINE void ew_pool_store_##suffix(type *p, ew_i32x16 v, int n) { \
    if (n < 16) ew_i32_store_##suffix##_n(p, v, n); \
    else ew_i32_store_##suffix(p, v); \
  } \
  EW_KERNEL void ew_max_pool_##suffix(const type *x, type *y, EW_POOL_SIZES, \
                                      const int32_t *limits) { \
    EW_POOL_PIXELS({ \
      for (int32_t c = 0; c < channels; c += 16) { \
        const int n = ew_min_i32(channels - c, 16); \
        ew_i32x16 top = ew_i32_dup(lowest); \
        for (int32_t ky = rows.first; ky < rows.last; ++ky) \
          for (int32_t kx = columns.first; kx < columns.last; ++kx) \
            top = ew_i32_max(top, ew_pool_load_##suffix(EW_POOL_TAP(ky, kx) + c, n)); \
        ew_pool_store_##suffix(y + c, ew_pool_limit(top, limits), n); \
      } \
    }) \
  } \
  EW_KERNEL void ew_avg_pool_##suffix(const type *x, type *y, EW_POOL_SIZES, int32_t whole, \
                                      const int32_t *limits) { \
    EW_POOL_PIXELS({ \
      const int32_t inside = (rows.last - rows.first) * (columns.last - columns.first); \
      const int32_t outside = whole ? kernel_h * kernel_w - inside : 0; \
      for (int32_t c = 0; c < channels; c += 16) { \
        const int n = ew_min_i32(channels - c, 16); \
        ew_i32x16 total = ew_i32_dup(outside * limits[2]); \
        for (int32_t ky = rows.first; ky < rows.last; ++ky) \
          for (int32_t kx = columns.first; kx < columns.last; ++kx) \
            total = ew_i32_add(total, ew_pool_load_##suffix(EW_POOL_TAP(ky, kx) + c, n)); \
        const ew_i32x16 mean = ew_i32_mean(total, inside + outside); \
        ew_pool_store_##suffix(y + c, ew_pool_limit(mean, limits), n); \
      } \
    }) \
  }
EW_POOL_Q(s8, int8_t, -128)
EW_POOL_Q(u8, uint8_t, 0)
EW_POOL_Q(s16, int16_t, -32768)

#endif
