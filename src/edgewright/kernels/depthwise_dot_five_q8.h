/* 8-bit depthwise 5x5 convolution by dot products of four bytes, as depthwise_dot_q8.h.

   Of the five bytes of a window's column four lie together, and one alone: two instructions. Five
   columns would not fit into registers, so that each column is added to the sums of all windows
   that it is in, and then forgotten; three of the sums are under way where windows move by two. */
#ifndef EW_DEPTHWISE_DOT_FIVE_Q8_H
#define EW_DEPTHWISE_DOT_FIVE_Q8_H
#include "depthwise_dot_q8.h"
#if EW_DEPTHWISE_DOT

/* The constants of 64 lanes; they lie in scratch memory, as they are too large for a frame. */
typedef struct ew_depthwise_five_block {
  int32_t w[5][2][4][16]; /* of each column: a byte for each of four lines; that of the fifth */
  ew_depthwise_dot_channels channels;
} ew_depthwise_five_block;

EW_KERNEL void ew_depthwise_five_begin(const ew_depthwise_dot_layer *t, int32_t c, int share,
                                       int mode, ew_depthwise_five_block *b) {
  for (int lane = 0; lane < 4; ++lane) {
    const int32_t from = ew_depthwise_dot_from(t, c, share, lane);
    const int16_t *w = t->w + (ptrdiff_t)from * 25;
    ew_i32x16 sum = ew_i32_dup(0);
    for (int kx = 0; kx < 5; ++kx, w += 16) {
      ew_depthwise_dot_place(ew_depthwise_dot_weights(w, 80, 4, 0, &sum), b->w[kx][0], lane);
      ew_depthwise_dot_place(ew_depthwise_dot_weights(w + 320, 80, 1, 0, &sum), b->w[kx][1], lane);
    }
    ew_depthwise_dot_fill(t, from, lane, sum, mode, &b->channels);
  }
}

/* Adds half a column, of four lines or of one, to the sums of the windows that it is in: of that
   which began `age` steps ago it is column kx + age * stride. */
EW_INLINE void ew_depthwise_five_add(const ew_depthwise_five_block *b, const ew_bytes x[4],
                                     const int half, const int kx, const int stride, int32_t ox,
                                     int32_t out_w, ew_i32x16 acc[5][4]) {
  EW_UNROLL for (int age = 0; age < 5; ++age) {
    if (kx + age * stride >= 5 || (uint32_t)(ox - age) >= (uint32_t)out_w) continue;
    EW_UNROLL for (int j = 0; j < 4; ++j)
      acc[age][j] =
          ew_bytes_dot(acc[age][j], x[j], ew_i32_load(b->w[kx + age * stride][half][j]));
  }
}

/* One line of output, n channels. */
EW_INLINE void ew_depthwise_five_line(const ew_depthwise_dot_layer *t,
                                      const ew_depthwise_five_block *b,
                                      const ew_depthwise_dot_lines *l, const uint8_t *pad,
                                      const ew_depthwise_dot_limits *limits, const int mode,
                                      const int n, const int share, const int stride) {
  const int last = 4 / stride; /* the age of the window that is complete */
  ew_i32x16 acc[5][4];
  EW_UNROLL for (int age = 1; age <= last; ++age)
    EW_UNROLL for (int j = 0; j < 4; ++j) acc[age][j] = ew_i32_dup(0);
  int32_t ix = -t->s.pad_left;
  for (int32_t ox = 0; ox < t->s.out_w + last; ++ox) {
    EW_UNROLL for (int j = 0; j < 4; ++j) acc[0][j] = ew_i32_load(b->channels.row[0][j]);
    EW_UNROLL for (int kx = 0; kx < stride; ++kx, ++ix) {
      ew_bytes x[4];
      ew_depthwise_dot_column(t, l, ix, pad, limits->x_flip, n, share, 0, 4, x);
      ew_depthwise_five_add(b, x, 0, kx, stride, ox, t->s.out_w, acc);
      ew_depthwise_dot_column(t, l, ix, pad, limits->x_flip, n, share, 4, 1, x);
      ew_depthwise_five_add(b, x, 1, kx, stride, ox, t->s.out_w, acc);
    }
    if (ox >= last)
      ew_depthwise_dot_finish(&b->channels, acc[last], limits, mode, l->y,
                              (ptrdiff_t)(ox - last) * t->s.out_c, n, share);
    EW_UNROLL for (int age = last; age > 0; --age)
      EW_UNROLL for (int j = 0; j < 4; ++j) acc[age][j] = acc[age - 1][j];
  }
}

/* All of the output in n channels from c on; windows move by `stride` columns. */
EW_INLINE void ew_depthwise_five_channels(const ew_depthwise_dot_layer *layer, int32_t c,
                                          const int n, const int share, const int stride,
                                          const int mode) {
  const ew_depthwise_dot_layer t = *layer; /* a store of bytes could change the original */
  const ew_depthwise_dot_limits limits = ew_depthwise_dot_limits_of(t.params, t.is_signed);
  const int32_t lines = t.s.batch * t.s.out_h;
  for (int32_t line = 0; line < lines; line += share) {
    ew_depthwise_dot_lines l;
    EW_UNROLL for (int k = 0; k < share; ++k) /* those that do not exist repeat the last one */
      ew_depthwise_dot_point(&t, c, ew_min_i32(line + k, lines - 1), 5, k, &l);
    ew_depthwise_five_line(&t, t.room, &l, t.pad + c, &limits, mode, n, share, stride);
  }
}

#define EW_DEPTHWISE_FIVE_PART(name, n, share, stride, mode) \
  EW_KERNEL void name(const ew_depthwise_dot_layer *t, int32_t c) { \
    ew_depthwise_five_channels(t, c, n, share, stride, mode); \
  }
#define EW_DEPTHWISE_FIVE_Q8(name, stride, mode) \
  EW_DEPTHWISE_FIVE_PART(name##_most, ew_min_i32(64, t->s.out_c - c), 1, stride, mode) \
  EW_DEPTHWISE_FIVE_PART(name##_half, t->s.out_c - c, 2, stride, mode) \
  EW_DEPTHWISE_FIVE_PART(name##_quarter, t->s.out_c - c, 4, stride, mode) \
  EW_KERNEL void name(const ew_depthwise_dot_layer *t) { \
    for (int32_t c = 0; c < t->s.out_c; c += 64) { \
      const int32_t n = t->s.out_c - c; \
      ew_depthwise_five_begin(t, c, n > 32 ? 1 : n > 16 ? 2 : 4, mode, t->room); \
      (n > 32 ? name##_most : n > 16 ? name##_half : name##_quarter)(t, c); \
    } \
  }
EW_DEPTHWISE_FIVE_Q8(ew_depthwise_q8_five_float, 1, EW_REQUANT_FLOAT)
EW_DEPTHWISE_FIVE_Q8(ew_depthwise_q8_five_fixed, 1, EW_REQUANT_FIXED)
EW_DEPTHWISE_FIVE_Q8(ew_depthwise_q8_five_by_two_float, 2, EW_REQUANT_FLOAT)
EW_DEPTHWISE_FIVE_Q8(ew_depthwise_q8_five_by_two_fixed, 2, EW_REQUANT_FIXED)

EW_INLINE int ew_depthwise_five_takes(const ew_conv_shape s, const int16_t *w) {
  return s.kernel_h == 5 && s.kernel_w == 5 && s.dilation_w == 1 && s.stride_w <= 2 &&
         s.out_c == s.in_c && ew_depthwise_dot_bytes(w, ew_round_up(s.out_c, 16) * 25) == 1;
}

EW_INLINE void ew_depthwise_five(const ew_depthwise_dot_layer *t, const int32_t mode) {
  if (t->s.stride_w == 1 && mode == EW_REQUANT_FLOAT) ew_depthwise_q8_five_float(t);
  else if (t->s.stride_w == 1) ew_depthwise_q8_five_fixed(t);
  else if (mode == EW_REQUANT_FLOAT) ew_depthwise_q8_five_by_two_float(t);
  else ew_depthwise_q8_five_by_two_fixed(t);
}

#endif
#endif
