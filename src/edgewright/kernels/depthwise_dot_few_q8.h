/* 8-bit depthwise 3x3 convolution with 8 or 16 channels, by dot products of four bytes.

   64 bytes are several pixels of a line. Of four pixels that follow each other one instruction
   takes three; the same four, with weights that are shifted by one byte, serve the window beside it
   as well. Lines are copied into a ring of three first, with their padding, as unsigned bytes. */
#ifndef EW_DEPTHWISE_DOT_FEW_Q8_H
#define EW_DEPTHWISE_DOT_FEW_Q8_H
#include "depthwise_dot_q8.h"
#if EW_DEPTHWISE_DOT

/* Constants of sixteen lanes, which are those of two pixels where there are 8 channels. */
typedef struct ew_depthwise_few_block {
  int32_t w[2][3][2][16]; /* what fits into a byte, and the rest; lines; windows side by side */
  int32_t channels[3][16]; /* bias, multiplier, shift or the most that sums may be */
  int32_t is_large;
} ew_depthwise_few_block;

/* Sixteen lanes from a block of channels; of 8 channels the same for both pixels. */
EW_INLINE void ew_depthwise_few_place(ew_i32x16 v, const int few, int32_t to[16]) {
  ew_i32_store(to, v);
  if (few) __builtin_memcpy(to + 8, to, 32);
}

EW_KERNEL void ew_depthwise_few_begin(const ew_depthwise_dot_layer *t, int few, int mode,
                                      ew_depthwise_few_block *b) {
  ew_i32x16 sum = ew_i32_dup(0);
  for (int part = 0; part < 2; ++part)
    for (int ky = 0; ky < 3; ++ky) {
      const ew_i32x16 w = ew_depthwise_dot_weights(t->w + 48 * ky, 16, 3, part, &sum);
      ew_depthwise_few_place(w, few, b->w[part][ky][0]);
      ew_depthwise_few_place(ew_i32_shl(w, 8), few, b->w[part][ky][1]);
    }
  const ew_i32x16 offset = ew_i32_mul(sum, ew_i32_dup(t->is_signed ? 128 : 0));
  ew_depthwise_few_place(ew_i32_sub(ew_i32_load(t->channels), offset), few, b->channels[0]);
  const ew_i32x16 multiplier = ew_i32_load(t->channels + 16);
  ew_depthwise_few_place(multiplier, few, b->channels[1]);
  b->is_large = mode == EW_REQUANT_FLOAT && ew_q8_is_large(multiplier);
  ew_depthwise_few_place(mode == EW_REQUANT_FLOAT ? ew_q8_most(multiplier)
                                                  : ew_i32_load(t->channels + 32),
                         few, b->channels[2]);
}

/* The sums of 64 results from three lines on. Each of two steps (stride 1) or four takes 32 bytes
   further of the lines. */
EW_INLINE void ew_depthwise_few_sums(const ew_depthwise_few_block *b, const char *const lines[3],
                                     const int channels, const int stride, const int wide,
                                     ew_i32x16 acc[4]) {
  const int sides = stride == 1 ? 2 : 1;
  EW_UNROLL for (int j = 0; j < 4; ++j) acc[j] = ew_i32_load(b->channels[0]);
  EW_UNROLL for (int ky = 0; ky < 3; ++ky)
    EW_UNROLL for (int j = 0; j < 4; j += sides) {
      const ew_bytes x = ew_bytes_quads(lines[ky] + 32 * (j / sides), channels);
      EW_UNROLL for (int i = 0; i < sides; ++i) {
        acc[j + i] = ew_bytes_dot(acc[j + i], x, ew_i32_load(b->w[0][ky][i]));
        if (wide) acc[j + i] = ew_bytes_dot(acc[j + i], x, ew_i32_load(b->w[1][ky][i]));
      }
    }
}

/* Requantises 64 results and stores n of them. */
EW_INLINE void ew_depthwise_few_finish(const ew_depthwise_few_block *b, ew_i32x16 acc[4],
                                       const ew_depthwise_dot_limits *limits, const int mode,
                                       const int halves, uint8_t *y, int n) {
  const ew_i32x16 factor = ew_i32_load(b->channels[1]);
  EW_UNROLL for (int j = 0; j < 4; ++j) {
    if (b->is_large) acc[j] = ew_i32_min(acc[j], ew_i32_load(b->channels[2]));
    if (mode == EW_REQUANT_FLOAT)
      acc[j] = ew_q8_product(acc[j], factor);
    else
      acc[j] = ew_i32_multiply(acc[j], factor, ew_i32_load(b->channels[2]));
  }
  const ew_bytes v = ew_bytes_in_order(ew_bytes_narrow(acc, limits->zero), halves);
  const ew_bytes limited = ew_bytes_clamp(v, limits->lo, limits->hi);
  ew_bytes_store_lines(&y, 0, ew_bytes_xor(limited, limits->flip), 1, n);
}

/* Bytes of a line of the ring: what windows of whole vectors of results read. */
EW_INLINE int32_t ew_depthwise_few_line_bytes(const ew_conv_shape s) {
  return ew_round_up((ew_round_up(s.out_w, 8) * s.stride_w + 2) * s.in_c + 64, 64);
}

/* Copies line iy of an image, which windows may see above or below it, into the ring. */
EW_INLINE void ew_depthwise_few_copy(const ew_depthwise_dot_layer *t, const uint8_t *image,
                                     int32_t iy, int32_t columns, char *to) {
  const ew_conv_shape *s = &t->s;
  const uint64_t flip = t->is_signed ? 0x8080808080808080u : 0;
  const uint8_t fill = (uint8_t)t->params->x_zero;
  if ((uint32_t)iy >= (uint32_t)s->in_h)
    __builtin_memset(to, fill ^ (uint8_t)flip, (size_t)(columns * s->in_c));
  else
    ew_copy_line(to, (const char *)image + (ptrdiff_t)iy * s->in_w * s->in_c, s->in_w,
                 s->pad_left, columns, s->in_c, fill, flip);
}

/* One line of results. */
EW_INLINE void ew_depthwise_few_line(const ew_depthwise_few_block *b, const char *const from[3],
                                     const ew_depthwise_dot_limits *limits, const int channels,
                                     const int stride, const int wide, const int mode,
                                     int32_t bytes, uint8_t *y) {
  const char *lines[3] = {from[0], from[1], from[2]};
  for (int32_t at = 0; at < bytes; at += 64) {
    ew_i32x16 acc[4];
    ew_depthwise_few_sums(b, lines, channels, stride, wide, acc);
    ew_depthwise_few_finish(b, acc, limits, mode, channels == 8 && stride == 1, y + at,
                            ew_min_i32(bytes - at, 64));
    EW_UNROLL for (int ky = 0; ky < 3; ++ky) lines[ky] += 64 * stride;
  }
}

EW_INLINE void ew_depthwise_few(const ew_depthwise_dot_layer *layer, const int channels,
                                const int stride, const int wide, const int mode) {
  const ew_depthwise_dot_layer t = *layer; /* a store of bytes could change the original */
  const ew_depthwise_dot_limits limits = ew_depthwise_dot_limits_of(t.params, t.is_signed);
  const int32_t line_bytes = ew_depthwise_few_line_bytes(t.s);
  const int32_t columns = (t.s.out_w - 1) * stride + 3;
  ew_depthwise_few_block b;
  ew_depthwise_few_begin(&t, channels == 8, mode, &b);
  uint8_t *y = t.y;
  for (int32_t image = 0; image < t.s.batch; ++image) {
    const uint8_t *const x = t.x + (ptrdiff_t)image * t.s.in_h * t.s.in_w * channels;
    int32_t next = 0; /* the line, of those with padding, that is copied next */
    for (int32_t oy = 0; oy < t.s.out_h; ++oy, y += t.s.out_w * channels) {
      const int32_t top = oy * t.s.stride_h;
      const char *lines[3];
      for (next = ew_max_i32(next, top); next < top + 3; ++next)
        ew_depthwise_few_copy(&t, x, next - t.s.pad_top, columns,
                              (char *)t.room + next % 3 * line_bytes);
      EW_UNROLL for (int ky = 0; ky < 3; ++ky)
        lines[ky] = (const char *)t.room + (top + ky) % 3 * line_bytes;
      ew_depthwise_few_line(&b, lines, &limits, channels, stride, wide, mode,
                            t.s.out_w * channels, y);
    }
  }
}

#define EW_DEPTHWISE_FEW_PART(name, channels, stride, mode) \
  EW_KERNEL void name(const ew_depthwise_dot_layer *t) { \
    if (t->wide) ew_depthwise_few(t, channels, stride, 1, mode); \
    else ew_depthwise_few(t, channels, stride, 0, mode); \
  }
#define EW_DEPTHWISE_FEW_Q8(name, mode) \
  EW_DEPTHWISE_FEW_PART(name##_8, 8, 1, mode) \
  EW_DEPTHWISE_FEW_PART(name##_8_by_two, 8, 2, mode) \
  EW_DEPTHWISE_FEW_PART(name##_16, 16, 1, mode) \
  EW_DEPTHWISE_FEW_PART(name##_16_by_two, 16, 2, mode) \
  EW_INLINE void name(const ew_depthwise_dot_layer *t) { \
    if (t->s.in_c == 8) (t->s.stride_w == 1 ? name##_8 : name##_8_by_two)(t); \
    else (t->s.stride_w == 1 ? name##_16 : name##_16_by_two)(t); \
  }
EW_DEPTHWISE_FEW_Q8(ew_depthwise_q8_few_float, EW_REQUANT_FLOAT)
EW_DEPTHWISE_FEW_Q8(ew_depthwise_q8_few_fixed, EW_REQUANT_FIXED)

/* packing.depthwise_lines_bytes says the same. */
EW_INLINE int ew_depthwise_few_takes(const ew_conv_shape s) {
  return s.kernel_h == 3 && s.kernel_w == 3 && s.dilation_h == 1 && s.dilation_w == 1 &&
         s.stride_w <= 2 && (s.in_c == 8 || s.in_c == 16) && s.out_c == s.in_c;
}

EW_INLINE void ew_depthwise_three_float(const ew_depthwise_dot_layer *t) {
  if (ew_depthwise_few_takes(t->s)) ew_depthwise_q8_few_float(t);
  else ew_depthwise_q8_dot_float(t);
}
EW_INLINE void ew_depthwise_three_fixed(const ew_depthwise_dot_layer *t) {
  if (ew_depthwise_few_takes(t->s)) ew_depthwise_q8_few_fixed(t);
  else ew_depthwise_q8_dot_fixed(t);
}

#endif
#endif
