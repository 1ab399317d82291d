/* 8-bit convolution of few channels to eight, as first layers of small nets are: sixteen lanes are
   the results of two pixels that follow each other.

   Of each line of the window sixteen bytes hold what both pixels see; they are picked for the lanes
   of each, four bytes at a time. Four pairs of pixels are under way at once. */
#ifndef EW_CONV_EIGHT_Q8_H
#define EW_CONV_EIGHT_Q8_H
#include "conv_rows.h"
#include "tile_q8.h"
#if EW_HAS_BYTES_PICK

enum { EW_CONV_EIGHT_PIXELS = 8 };

/* Bytes of weights for each line of the window. */
EW_INLINE int32_t ew_conv_eight_line(const ew_conv_shape s) {
  return s.line ? s.line : s.kernel_w * s.in_c;
}

/* What is read behind the last window lies within the 64 bytes that an image has behind it. */
EW_INLINE int ew_conv_eight_takes(const ew_conv_shape s, const void *skip) {
  const int32_t step = s.stride_w * s.in_c;
  const int whole = ew_conv_eight_line(s) % 4 == 0 && s.groups == 1 && s.dilation_w == 1;
  return whole && s.out_c == 8 && !skip && step <= 6 && s.kernel_w * s.in_c + step <= 16;
}

/* Which bytes lanes get for the first four bytes of a line: see ew_bytes_pick. */
EW_INLINE ew_i32x16 ew_conv_eight_index(int32_t step) {
  int32_t index[16];
  for (int i = 0; i < 16; ++i) index[i] = 0x03020100 + (i < 8 ? 0 : 0x01010101 * step);
  return ew_i32_load(index);
}

/* Sums of eight pixels; lines of their windows are `line` bytes apart. */
EW_INLINE void ew_conv_eight_sums(const ew_conv_shape s, const char *from, ptrdiff_t line,
                                  const int8_t *w, const int32_t *bias, const int32_t multiplier,
                                  const int weight_zero, ew_i32x16 acc[4]) {
  const int32_t step = s.stride_w * s.in_c, used = s.kernel_w * s.in_c;
  const ew_i32x16 first = ew_conv_eight_index(step), fill = ew_i32_dup(0x0F0F0F0F);
  ew_i32x16 sums[4];
  EW_UNROLL for (int j = 0; j < 4; ++j) acc[j] = ew_i32_load_twice(bias);
  EW_UNROLL for (int j = 0; j < 4; ++j) sums[j] = ew_i32_dup(0);
  for (int32_t ky = 0; ky < s.kernel_h; ++ky, from += s.dilation_h * line)
    for (int32_t k = 0; k < ew_conv_eight_line(s); k += 4, w += 64) {
      const ew_i32x16 columns = ew_i32_load_twice((const int32_t *)(const void *)w);
      const ew_i32x16 index =
          ew_i32_and(ew_i32_add(first, ew_i32_dup(0x01010101 * k)), fill);
      const int32_t left = used - k;
      const ew_i32x16 ones = ew_i32_dup(left < 4 ? 0x01010101 & ((1 << 8 * left) - 1) : 0x01010101);
      EW_UNROLL for (int j = 0; j < 4; ++j) {
        const ew_bytes x = ew_bytes_pick(from + 2 * j * step, index);
        acc[j] = ew_bytes_dot(acc[j], x, columns);
        if (weight_zero) sums[j] = ew_bytes_dot(sums[j], x, ones);
      }
    }
  if (weight_zero)
    EW_UNROLL for (int j = 0; j < 4; ++j)
      acc[j] = ew_i32_add(acc[j], ew_i32_mul(sums[j], ew_i32_dup(multiplier)));
}

/* The pixels from `m` to `end`; image and weights as in conv_q8.h. */
EW_INLINE void ew_conv_eight_q8(const ew_conv_shape s, const ew_q8_variant v, int32_t m,
                                int32_t end, const char *image, const int8_t *w,
                                const int32_t *channels, const ew_q8_params *params, uint8_t *y) {
  const ew_q8_params p = *params; /* a store of bytes could change the original */
  const ptrdiff_t line = (ptrdiff_t)((s.out_w - 1) * s.stride_w + s.kernel_w) * s.in_c;
  const ew_bytes lo = ew_bytes_dup((int8_t)p.lo), hi = ew_bytes_dup((int8_t)p.hi);
  const ew_bytes zero = ew_words_dup((int16_t)p.y_zero);
  const int rows = ew_q8_channel_rows(v.mode);
  const ew_q8_scale scale = {ew_i32_load_twice(channels + 16),
                             ew_i32_load_twice(channels + 16 * (rows - 1))};
  const int is_large = v.mode == EW_REQUANT_FLOAT && ew_q8_is_large(scale.multiplier);
  for (int32_t count; m < end; m += count) {
    const int32_t oy = m / s.out_w, ox = m - oy * s.out_w;
    count = ew_min_i32(ew_min_i32(s.out_w - ox, end - m), EW_CONV_EIGHT_PIXELS);
    ew_i32x16 acc[4];
    ew_conv_eight_sums(s, image + oy * s.stride_h * line + ox * s.stride_w * s.in_c, line, w,
                       channels, p.x_sum_multiplier, v.weight_zero, acc);
    EW_UNROLL for (int j = 0; j < 4; ++j) {
      if (is_large) acc[j] = ew_i32_min(acc[j], ew_q8_most(scale.multiplier));
      acc[j] = v.mode == EW_REQUANT_FLOAT ? ew_q8_product(acc[j], scale.multiplier)
                                          : ew_requantize(acc[j], scale, &p, v.mode);
    }
    uint8_t *to = y + (ptrdiff_t)m * 8;
    const ew_bytes all = ew_bytes_join(acc, zero, v.is_signed);
    ew_bytes_store_lines(&to, 0, ew_bytes_limit(all, lo, hi, v.is_signed), 1, 8 * count);
  }
}

#endif
#endif
