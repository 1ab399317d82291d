/* 8-bit depthwise convolution: each input channel has `multiplier` output channels of its own. */
#ifndef EW_DEPTHWISE_Q8_H
#define EW_DEPTHWISE_Q8_H
#include "depthwise_dot_few_q8.h"
#include "depthwise_dot_five_q8.h"
#include "depthwise_dot_q8.h"
#include "depthwise_rows.h"
#include "requantize.h"

typedef struct ew_depthwise_q8_layer {
  ew_depthwise_span span;
  const int16_t *w;        /* blocks of 16 channels: [taps][16], less the weights' zero point */
  const int32_t *channels; /* blocks of 16: see requantize.h */
  const ew_q8_params *params;
  uint8_t *y;
  int32_t out_c, multiplier;
  ew_q8_variant variant;
} ew_depthwise_q8_layer;

/* Input channels of 16 output channels from c on. */
EW_INLINE ew_i32x16 ew_depthwise_q8_load(const char *at, int32_t c, int n, int32_t multiplier,
                                         const int is_signed) {
  const uint8_t *x = (const uint8_t *)at;
  if (multiplier == 1) return ew_load_8(x + c, n, is_signed);
  uint8_t lanes[16];
  for (int i = 0; i < 16; ++i) lanes[i] = i < n ? x[(c + i) / multiplier] : 0;
  return ew_load_8(lanes, 16, is_signed);
}

/* How a block of channels is computed; all constants, but for n and first in what EW_SMALL shares. */
typedef struct ew_depthwise_q8_how {
  int first, pixels; /* of those that the taps point at */
  int multiplier, slides, is_signed, mode;
} ew_depthwise_q8_how;

/* Sums of some pixels: one load for each tap and pixel. */
EW_INLINE void ew_depthwise_q8_taps(const ew_depthwise_q8_layer *t, int32_t c, const int n,
                                    const ew_depthwise_q8_how how, ew_i32x16 *acc) {
  const int16_t *w = t->w + (ptrdiff_t)c * t->span.taps;
  for (int32_t tap = 0; tap < t->span.taps; ++tap) {
    const ew_i32x16 factor = ew_i32_load_mac(w + tap * 16);
    const ptrdiff_t step = t->span.step[tap];
    const char *at = t->span.at[tap] + how.first * step;
    EW_UNROLL for (int i = 0; i < how.pixels; ++i)
      acc[i] = ew_i32_mac(acc[i],
                          ew_depthwise_q8_load(at + i * step, c, n, how.multiplier, how.is_signed),
                          factor);
  }
}

/* The same for a 3x3 window that slides by one pixel: each column is loaded once. */
EW_INLINE void ew_depthwise_q8_slide(const ew_depthwise_q8_layer *t, int32_t c, const int n,
                                     const int pixels, const int is_signed, ew_i32x16 *acc) {
  const int16_t *w = t->w + (ptrdiff_t)c * 9;
  EW_UNROLL for (int ky = 0; ky < 3; ++ky) {
    const char *at = t->span.at[3 * ky];
    const ptrdiff_t step = t->span.step[3 * ky];
    ew_i32x16 x[EW_DEPTHWISE_PIXELS + 2];
    EW_UNROLL for (int i = 0; i < pixels + 2; ++i)
      x[i] = ew_depthwise_q8_load(at + i * step, c, n, 1, is_signed);
    EW_UNROLL for (int kx = 0; kx < 3; ++kx) {
      const ew_i32x16 factor = ew_i32_load_mac(w + (3 * ky + kx) * 16);
      EW_UNROLL for (int i = 0; i < pixels; ++i) acc[i] = ew_i32_mac(acc[i], x[i + kx], factor);
    }
  }
}

EW_INLINE void ew_depthwise_q8_block(const ew_depthwise_q8_layer *t, const ew_q8_params *p,
                                     int32_t m, int32_t c, const int n,
                                     const ew_depthwise_q8_how how) {
  ew_i32x16 acc[EW_DEPTHWISE_PIXELS];
  const int32_t *channels = t->channels + (ptrdiff_t)c * ew_q8_channel_rows(how.mode);
  EW_UNROLL for (int i = 0; i < how.pixels; ++i) acc[i] = ew_i32_load(channels);
  if (how.slides) ew_depthwise_q8_slide(t, c, n, how.pixels, how.is_signed, acc);
  else ew_depthwise_q8_taps(t, c, n, how, acc);
  uint8_t *const y = t->y + (ptrdiff_t)(m + how.first) * t->out_c + c;
#if EW_SMALL
  int32_t sums[16 * EW_DEPTHWISE_PIXELS];
  EW_UNROLL for (int i = 0; i < how.pixels; ++i) ew_i32_store(sums + 16 * i, acc[i]);
  t->variant.finish(sums, how.pixels, n, channels, p, (const uint8_t *)0, y, t->out_c);
#else
  const ew_q8_scale scale = ew_q8_load_scale(channels, how.mode);
  EW_UNROLL for (int i = 0; i < how.pixels; ++i)
    ew_finish_q8(acc[i], scale, p, (const uint8_t *)0, y + (ptrdiff_t)i * t->out_c, n,
                 how.is_signed, how.mode);
#endif
}

#if EW_SMALL
/* The channels from c on of one pixel, the `first` of those that the taps point at. */
EW_KERNEL void ew_depthwise_q8_one(const ew_depthwise_q8_layer *t, int32_t m, int32_t c,
                                   int32_t first) {
  const ew_depthwise_q8_how how = {first, 1, t->multiplier, 0, t->variant.is_signed,
                                   t->variant.mode};
  for (; c < t->out_c; c += 16)
    ew_depthwise_q8_block(t, t->params, m, c, ew_min_i32(16, t->out_c - c), how);
}
#endif

/* All channels of some pixels from m on; moves the taps along. */
EW_INLINE void ew_depthwise_q8_pixels(const ew_depthwise_q8_layer *t, const ew_q8_params *p,
                                      int32_t m, const ew_depthwise_q8_how how) {
  int32_t c = 0;
#if EW_SMALL
  for (; c + 16 <= t->out_c; c += 16) ew_depthwise_q8_block(t, p, m, c, 16, how);
  for (int i = 0; c < t->out_c && i < how.pixels; ++i) ew_depthwise_q8_one(t, m, c, i);
#else
  for (; c + 16 <= t->out_c; c += 16) ew_depthwise_q8_block(t, p, m, c, 16, how);
  if (c < t->out_c) ew_depthwise_q8_block(t, p, m, c, t->out_c - c, how);
#endif
  ew_depthwise_advance(t->span, how.pixels);
}

/* Spans copy the layer: a store of bytes could change the original, as far as compilers know. */
EW_INLINE void ew_depthwise_q8_span(const ew_depthwise_q8_layer t, int32_t m, int32_t count,
                                    const int is_signed, const int mode) {
  const ew_q8_params p = *t.params;
  const ew_depthwise_q8_how slide = {0, EW_DEPTHWISE_PIXELS, 1, 1, is_signed, mode};
  const ew_depthwise_q8_how step = {0, EW_DEPTHWISE_PIXELS, 1, 0, is_signed, mode};
  const ew_depthwise_q8_how one = {0, 1, 1, 0, is_signed, mode};
  const int slides = EW_DEPTHWISE_SLIDES && t.span.is_sliding;
  const int32_t end = m + count;
  for (; m + EW_DEPTHWISE_PIXELS <= end; m += EW_DEPTHWISE_PIXELS) {
    if (slides) ew_depthwise_q8_pixels(&t, &p, m, slide);
    else ew_depthwise_q8_pixels(&t, &p, m, step);
  }
  for (; m < end; ++m) ew_depthwise_q8_pixels(&t, &p, m, one);
}
EW_INLINE void ew_depthwise_q8_span_n(const ew_depthwise_q8_layer t, int32_t m, int32_t count,
                                      const int is_signed, const int mode) {
  const ew_q8_params p = *t.params;
  const ew_depthwise_q8_how one = {0, 1, t.multiplier, 0, is_signed, mode};
  for (int32_t i = 0; i < count; ++i) ew_depthwise_q8_pixels(&t, &p, m + i, one);
}

#define EW_DEPTHWISE_Q8(name, is_signed, mode) \
  EW_KERNEL void name(void *layer, int32_t m, int32_t count) { \
    ew_depthwise_q8_span(*(const ew_depthwise_q8_layer *)layer, m, count, is_signed, mode); } \
  EW_KERNEL void name##_n(void *layer, int32_t m, int32_t count) { \
    ew_depthwise_q8_span_n(*(const ew_depthwise_q8_layer *)layer, m, count, is_signed, mode); }
#if EW_SMALL /* the variant's epilogue knows the mode */
EW_DEPTHWISE_Q8(ew_depthwise_s8_sums, 1, ((const ew_depthwise_q8_layer *)layer)->variant.mode)
EW_DEPTHWISE_Q8(ew_depthwise_u8_sums, 0, ((const ew_depthwise_q8_layer *)layer)->variant.mode)
#define EW_DEPTHWISE_Q8_OF(s, suffix, mode) \
  ((s).out_c == (s).in_c ? ew_depthwise_##suffix##_sums : ew_depthwise_##suffix##_sums_n)
#else
EW_DEPTHWISE_Q8(ew_depthwise_s8_float, 1, EW_REQUANT_FLOAT)
EW_DEPTHWISE_Q8(ew_depthwise_u8_float, 0, EW_REQUANT_FLOAT)
EW_DEPTHWISE_Q8(ew_depthwise_s8_fixed, 1, EW_REQUANT_FIXED)
EW_DEPTHWISE_Q8(ew_depthwise_u8_fixed, 0, EW_REQUANT_FIXED)
#define EW_DEPTHWISE_Q8_IN(s, kernel) ((s).out_c == (s).in_c ? kernel : kernel##_n)
#define EW_DEPTHWISE_Q8_OF(s, suffix, mode) \
  ((mode) == EW_REQUANT_FLOAT ? EW_DEPTHWISE_Q8_IN(s, ew_depthwise_##suffix##_float) \
                              : EW_DEPTHWISE_Q8_IN(s, ew_depthwise_##suffix##_fixed))
#endif
EW_DRIVER void ew_depthwise_q8(const ew_conv_shape *shape, const ew_q8_variant v,
                               void (*run)(void *layer, int32_t m, int32_t count),
                               const uint8_t *x, const int16_t *w, const int32_t *channels,
                               const ew_q8_params *params, uint8_t *y, void *scratch) {
  const ew_conv_shape s = *shape;
  const int32_t pad_bytes = ew_depthwise_pad_bytes(s, 1);
  ew_depthwise_q8_layer t = {.span = ew_depthwise_span_in(s, scratch, pad_bytes),
                             .w = w,
                             .channels = channels,
                             .params = params,
                             .y = y,
                             .out_c = s.out_c,
                             .multiplier = s.out_c / s.in_c,
                             .variant = v};
  __builtin_memset(scratch, params->x_zero, (size_t)pad_bytes);
#if EW_DEPTHWISE_DOT
  ew_depthwise_dot_layer d = {s, x, scratch, w, channels, params, y,
                              (char *)scratch + pad_bytes, v.is_signed, 0};
  if (s.block != 1 && ew_depthwise_five_takes(s, w)) {
    ew_depthwise_five(&d, v.mode);
    return;
  }
  if (s.block != 1 && ew_depthwise_dot_takes(s)) {
    const int needed = ew_depthwise_dot_bytes(w, ew_round_up(s.out_c, 16) * 9);
    d.wide = needed == 2;
    if (needed <= 2) {
      if (v.mode == EW_REQUANT_FLOAT) ew_depthwise_three_float(&d);
      else ew_depthwise_three_fixed(&d);
      return;
    }
  }
#endif
  ew_depthwise_walk(s, t.span, x, 1, scratch, run, &t);
}

/* y = depthwise(x, w), requantised.

   x [batch, in_h, in_w, in_c]; w from pack_depthwise_q8; channels from pack_q8_channels; params
   from pack_q8_params; mode EW_REQUANT_…; y [batch, out_h, out_w, out_c], out_c a multiple of in_c;
   s.groups is not used. scratch: depthwise_scratch_bytes(…) bytes, aligned to 64. */
EW_INLINE void ew_depthwise_s8(const ew_conv_shape s, const int32_t mode, const int8_t *x,
                               const int16_t *w, const int32_t *channels, const int32_t *params,
                               int8_t *y, void *scratch) {
  ew_depthwise_q8(&s, ew_q8_variant_of(1, mode, 0, 0), EW_DEPTHWISE_Q8_OF(s, s8, mode),
                  (const uint8_t *)x, w, channels, (const ew_q8_params *)params, (uint8_t *)y,
                  scratch);
}
EW_INLINE void ew_depthwise_u8(const ew_conv_shape s, const int32_t mode, const uint8_t *x,
                               const int16_t *w, const int32_t *channels, const int32_t *params,
                               uint8_t *y, void *scratch) {
  ew_depthwise_q8(&s, ew_q8_variant_of(0, mode, 0, 0), EW_DEPTHWISE_Q8_OF(s, u8, mode), x, w,
                  channels, (const ew_q8_params *)params, y, scratch);
}

#endif
