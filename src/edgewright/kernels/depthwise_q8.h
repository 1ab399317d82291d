/* 8-bit depthwise convolution: each input channel has `multiplier` output channels of its own. */
#ifndef EW_DEPTHWISE_Q8_H
#define EW_DEPTHWISE_Q8_H
#include "depthwise_rows.h"
#include "requantize.h"

/* One tile: up to EW_DEPTHWISE_PIXELS output pixels next to each other, all channels. */
typedef struct ew_depthwise_q8_tile {
  const void *const *rows; /* [taps][EW_DEPTHWISE_PIXELS]: in_c bytes each */
  const int16_t *w;        /* blocks of 16 channels: [taps][16], less the weights' zero point */
  const int32_t *channels; /* blocks of 16: see requantize.h */
  const ew_q8_params *params;
  uint8_t *y;
  int32_t taps, out_c, multiplier;
  int32_t m;               /* pixels that exist */
} ew_depthwise_q8_tile;

/* Input channels of 16 output channels from c on. */
EW_INLINE ew_i32x16 ew_depthwise_q8_load(const uint8_t *x, int32_t c, int n, int32_t multiplier,
                                         const int is_signed) {
  if (multiplier == 1) return ew_load_8(x + c, n, is_signed);
  uint8_t lanes[16];
  for (int i = 0; i < 16; ++i) lanes[i] = i < n ? x[(c + i) / multiplier] : 0;
  return ew_load_8(lanes, 16, is_signed);
}

EW_INLINE void ew_depthwise_q8_block(const ew_depthwise_q8_tile *t, int32_t c, const int n,
                                     const int32_t multiplier, const int is_signed,
                                     const int mode) {
  ew_i32x16 acc[EW_DEPTHWISE_PIXELS];
  const int16_t *w = t->w + (ptrdiff_t)c * t->taps;
  const int32_t *channels = t->channels + (ptrdiff_t)c * ew_q8_channel_rows(mode);
  EW_UNROLL for (int i = 0; i < EW_DEPTHWISE_PIXELS; ++i) acc[i] = ew_i32_load(channels);
  for (int32_t tap = 0; tap < t->taps; ++tap) {
    const ew_i32x16 factor = ew_i32_load_mac(w + tap * 16);
    const void *const *rows = t->rows + tap * EW_DEPTHWISE_PIXELS;
    EW_UNROLL for (int i = 0; i < EW_DEPTHWISE_PIXELS; ++i)
      acc[i] = ew_i32_mac(acc[i], ew_depthwise_q8_load(rows[i], c, n, multiplier, is_signed),
                          factor);
  }
  const ew_q8_scale scale = ew_q8_load_scale(channels, mode);
  EW_UNROLL for (int i = 0; i < EW_DEPTHWISE_PIXELS; ++i) {
    if (i >= t->m) continue;
    uint8_t *y = t->y + (ptrdiff_t)i * t->out_c + c;
    ew_finish_q8(acc[i], scale, t->params, (const uint8_t *)0, y, n, is_signed, mode);
  }
}

EW_INLINE void ew_depthwise_q8_body(const ew_depthwise_q8_tile *t, const int32_t multiplier,
                                    const int is_signed, const int mode) {
  int32_t c = 0;
  for (; c + 16 <= t->out_c; c += 16)
    ew_depthwise_q8_block(t, c, 16, multiplier, is_signed, mode);
  if (c < t->out_c) ew_depthwise_q8_block(t, c, t->out_c - c, multiplier, is_signed, mode);
}

#define EW_DEPTHWISE_Q8(name, is_signed, mode) \
  EW_KERNEL void name##_1(const ew_depthwise_q8_tile *t) { \
    ew_depthwise_q8_body(t, 1, is_signed, mode); } \
  EW_KERNEL void name##_n(const ew_depthwise_q8_tile *t) { \
    ew_depthwise_q8_body(t, t->multiplier, is_signed, mode); }
EW_DEPTHWISE_Q8(ew_depthwise_s8_float, 1, EW_REQUANT_FLOAT)
EW_DEPTHWISE_Q8(ew_depthwise_u8_float, 0, EW_REQUANT_FLOAT)
EW_DEPTHWISE_Q8(ew_depthwise_s8_fixed, 1, EW_REQUANT_FIXED)
EW_DEPTHWISE_Q8(ew_depthwise_u8_fixed, 0, EW_REQUANT_FIXED)

EW_INLINE void ew_depthwise_q8_run(const ew_depthwise_q8_tile *t, const int is_signed,
                                   const int mode, const int single) {
  if (is_signed && mode == EW_REQUANT_FLOAT)
    (single ? ew_depthwise_s8_float_1 : ew_depthwise_s8_float_n)(t);
  else if (mode == EW_REQUANT_FLOAT)
    (single ? ew_depthwise_u8_float_1 : ew_depthwise_u8_float_n)(t);
  else if (is_signed)
    (single ? ew_depthwise_s8_fixed_1 : ew_depthwise_s8_fixed_n)(t);
  else
    (single ? ew_depthwise_u8_fixed_1 : ew_depthwise_u8_fixed_n)(t);
}

EW_INLINE void ew_depthwise_q8(const ew_conv_shape s, const int is_signed, const int mode,
                               const uint8_t *x, const int16_t *w, const int32_t *channels,
                               const ew_q8_params *params, uint8_t *y, void *scratch) {
  const int32_t pad_bytes = ew_depthwise_pad_bytes(s, 1);
  const void **const rows = (const void **)((char *)scratch + pad_bytes);
  ew_depthwise_q8_tile t = {.rows = (const void *const *)rows,
                            .w = w,
                            .channels = channels,
                            .params = params,
                            .taps = s.kernel_h * s.kernel_w,
                            .out_c = s.out_c,
                            .multiplier = s.out_c / s.in_c};
  __builtin_memset(scratch, params->x_zero, (size_t)pad_bytes);
  const int32_t pixels = s.batch * s.out_h * s.out_w;
  for (int32_t m = 0; m < pixels; m += EW_DEPTHWISE_PIXELS) {
    t.m = ew_min_i32(pixels - m, EW_DEPTHWISE_PIXELS);
    t.y = y + (ptrdiff_t)m * s.out_c;
    ew_point_rows(&s, x, s.in_c, scratch, m, t.m, EW_DEPTHWISE_PIXELS, rows);
    ew_depthwise_q8_run(&t, is_signed, mode, s.out_c == s.in_c);
  }
}

/* y = depthwise(x, w), requantised.

   x [batch, in_h, in_w, in_c]; w from pack_depthwise_q8; channels from pack_q8_channels; params
   from pack_q8_params; mode EW_REQUANT_…; y [batch, out_h, out_w, out_c], out_c a multiple of in_c;
   s.groups is not used. scratch: depthwise_scratch_bytes(…) bytes, aligned to 64. */
EW_INLINE void ew_depthwise_s8(const ew_conv_shape s, const int32_t mode, const int8_t *x,
                               const int16_t *w, const int32_t *channels, const int32_t *params,
                               int8_t *y, void *scratch) {
  ew_depthwise_q8(s, 1, mode, (const uint8_t *)x, w, channels, (const ew_q8_params *)params,
                  (uint8_t *)y, scratch);
}
EW_INLINE void ew_depthwise_u8(const ew_conv_shape s, const int32_t mode, const uint8_t *x,
                               const int16_t *w, const int32_t *channels, const int32_t *params,
                               uint8_t *y, void *scratch) {
  ew_depthwise_q8(s, 0, mode, x, w, channels, (const ew_q8_params *)params, y, scratch);
}

#endif
