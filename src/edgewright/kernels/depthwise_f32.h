/* float32 depthwise convolution: each input channel has `multiplier` output channels of its own. */
#ifndef EW_DEPTHWISE_F32_H
#define EW_DEPTHWISE_F32_H
#include "depthwise_rows.h"
#include "depthwise_tile_f32.h"
#include "simd.h"

typedef struct ew_depthwise_f32_layer {
  ew_depthwise_span span;
  const float *w; /* blocks of 16 channels: [taps][16] */
  const float *bias;
  float *y;
  int32_t channels, multiplier;
  float lo, hi;
} ew_depthwise_f32_layer;

/* Input channels of 16 output channels from c on. */
EW_INLINE ew_f32x16 ew_depthwise_f32_load(const char *at, int32_t c, int n, int32_t multiplier) {
  const float *x = (const float *)at;
  if (multiplier == 1) return n < 16 ? ew_f32_load_n(x + c, n) : ew_f32_load(x + c);
  float lanes[16];
  for (int i = 0; i < 16; ++i) lanes[i] = i < n ? x[(c + i) / multiplier] : 0.0f;
  return ew_f32_load(lanes);
}

/* How a block of channels is computed; all constants, but for n and first in what EW_SMALL shares. */
typedef struct ew_depthwise_f32_how {
  int first, pixels; /* of those that the taps point at */
  int multiplier;
} ew_depthwise_f32_how;

/* Sums of some pixels: one load for each tap and pixel. */
EW_INLINE void ew_depthwise_f32_taps(const ew_depthwise_f32_layer *t, int32_t c, const int n,
                                     const ew_depthwise_f32_how how, ew_f32x16 *acc) {
  const float *w = t->w + (ptrdiff_t)c * t->span.taps;
  for (int32_t tap = 0; tap < t->span.taps; ++tap) {
    const ew_f32x16 factor = ew_f32_load(w + tap * 16);
    const ptrdiff_t step = t->span.step[tap];
    const char *at = t->span.at[tap] + how.first * step;
    EW_UNROLL for (int i = 0; i < how.pixels; ++i)
      acc[i] = ew_fma(ew_depthwise_f32_load(at + i * step, c, n, how.multiplier), factor, acc[i]);
  }
}

EW_INLINE void ew_depthwise_f32_block(const ew_depthwise_f32_layer *t, int32_t m, int32_t c,
                                      const int n, const ew_depthwise_f32_how how) {
  ew_f32x16 acc[EW_DEPTHWISE_PIXELS];
  EW_UNROLL for (int i = 0; i < how.pixels; ++i) acc[i] = ew_f32_load(t->bias + c);
  ew_depthwise_f32_taps(t, c, n, how, acc);
  const ew_f32x16 lo = ew_f32_dup(t->lo), hi = ew_f32_dup(t->hi);
  EW_UNROLL for (int i = 0; i < how.pixels; ++i) {
    float *y = t->y + (ptrdiff_t)(m + how.first + i) * t->channels + c;
    const ew_f32x16 v = ew_f32_clamp(acc[i], lo, hi);
    if (n < 16) ew_f32_store_n(y, v, n);
    else ew_f32_store(y, v);
  }
}

#if EW_SMALL
/* The channels from c on of one pixel, the `first` of those that the taps point at. */
EW_KERNEL void ew_depthwise_f32_one(const ew_depthwise_f32_layer *t, int32_t m, int32_t c,
                                    int32_t first) {
  const ew_depthwise_f32_how how = {first, 1, t->multiplier};
  for (; c < t->channels; c += 16)
    ew_depthwise_f32_block(t, m, c, ew_min_i32(16, t->channels - c), how);
}
#endif

/* All channels of some pixels from m on; moves the taps along. */
EW_INLINE void ew_depthwise_f32_pixels(const ew_depthwise_f32_layer *t, int32_t m,
                                       const ew_depthwise_f32_how how) {
  int32_t c = 0;
#if EW_SMALL
  for (; c + 16 <= t->channels; c += 16) ew_depthwise_f32_block(t, m, c, 16, how);
  for (int i = 0; c < t->channels && i < how.pixels; ++i)
    ew_depthwise_f32_one(t, m, c, i);
#else
  for (; c + 16 <= t->channels; c += 16) ew_depthwise_f32_block(t, m, c, 16, how);
  if (c < t->channels) ew_depthwise_f32_block(t, m, c, t->channels - c, how);
#endif
  ew_depthwise_advance(t->span, how.pixels);
}

EW_KERNEL void ew_depthwise_f32_span(void *layer, int32_t m, int32_t count) {
  const ew_depthwise_f32_layer copy = *(const ew_depthwise_f32_layer *)layer, *const t = &copy;
  const ew_depthwise_f32_how step = {0, EW_DEPTHWISE_PIXELS, 1}, one = {0, 1, 1};
  const int32_t end = m + count;
  for (; m + EW_DEPTHWISE_PIXELS <= end; m += EW_DEPTHWISE_PIXELS)
    ew_depthwise_f32_pixels(t, m, step);
  for (; m < end; ++m) ew_depthwise_f32_pixels(t, m, one);
}
EW_KERNEL void ew_depthwise_f32_span_n(void *layer, int32_t m, int32_t count) {
  const ew_depthwise_f32_layer *t = layer;
  const ew_depthwise_f32_how one = {0, 1, t->multiplier};
  for (int32_t i = 0; i < count; ++i) ew_depthwise_f32_pixels(t, m + i, one);
}

EW_DRIVER void ew_depthwise_f32_of(const ew_conv_shape *shape,
                                   void (*run)(void *layer, int32_t m, int32_t count),
                                   const float *x, const float *w, const float *bias, float lo,
                                   float hi, float *y, void *scratch) {
  const ew_conv_shape s = *shape;
  const int32_t pad_bytes = ew_depthwise_pad_bytes(s, sizeof(float));
  ew_depthwise_f32_layer t = {.span = ew_depthwise_span_in(s, scratch, pad_bytes),
                              .w = w,
                              .bias = bias,
                              .y = y,
                              .channels = s.out_c,
                              .multiplier = s.out_c / s.in_c,
                              .lo = lo,
                              .hi = hi};
  __builtin_memset(scratch, 0, (size_t)pad_bytes);
#if EW_DEPTHWISE_SLIDES
  if (ew_depthwise_tile_takes(s)) {
    const ew_depthwise_tile_layer tile = {s, x, scratch, w, bias, y, lo, hi};
    ew_depthwise_tile(&tile);
    return;
  }
#endif
  ew_depthwise_walk(s, t.span, x, sizeof(float), scratch, run, &t);
}

/* y = clamp(depthwise(x, w) + bias, lo, hi)

   x [batch, in_h, in_w, in_c]; w, bias from pack_depthwise_f32; y [batch, out_h, out_w, out_c],
   out_c a multiple of in_c; s.groups is not used.
   scratch: depthwise_scratch_bytes(…) bytes, aligned to 64. */
EW_INLINE void ew_depthwise_f32(const ew_conv_shape s, const float *x, const float *w,
                                const float *bias, float lo, float hi, float *y, void *scratch) {
  ew_depthwise_f32_of(&s, s.out_c == s.in_c ? ew_depthwise_f32_span : ew_depthwise_f32_span_n, x,
                      w, bias, lo, hi, y, scratch);
}

#endif
