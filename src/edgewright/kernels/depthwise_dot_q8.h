/* 8-bit depthwise 3x3 convolution by dot products of four bytes, in 64 lanes: those of
   64 channels, or of fewer in two or four lines of output.

   The three bytes of a window's column lie together once the three lines are interleaved, so that
   one instruction takes a column; each column is interleaved once for all windows that it is in.
   Interleaving works within 128 bits: part j holds the channels 4j to 4j + 3 of each sixteen, and
   narrowing the results brings them back into order. Weights are rearranged once for each call. */
#ifndef EW_DEPTHWISE_DOT_Q8_H
#define EW_DEPTHWISE_DOT_Q8_H
#include "conv_rows.h"
#include "requantize.h"
#if EW_DEPTHWISE_DOT

typedef struct ew_depthwise_dot_layer {
  ew_conv_shape s;
  const uint8_t *x, *pad;  /* a pixel of padding */
  const int16_t *w;        /* as in depthwise_q8.h */
  const int32_t *channels;
  const ew_q8_params *params;
  uint8_t *y;
  void *room; /* of scratch memory: for constants and lines */
  int is_signed;
  int wide;   /* whether weights need a second byte */
} ew_depthwise_dot_layer;

/* Constants of 64 channels, in the order of the interleaved parts. */
typedef struct ew_depthwise_dot_channels {
  /* bias; scale and the most that sums may be, or multiplier and shifts to the left and right */
  int32_t row[4][4][16];
  int32_t is_large; /* whether sums may be more than that: see ew_q8_is_large */
} ew_depthwise_dot_channels;
/* Of each column, one byte for each line. */
typedef struct ew_depthwise_dot_columns {
  int32_t w[3][4][16];
} ew_depthwise_dot_columns;
typedef struct ew_depthwise_dot_block {
  int32_t w[3][4][16];
  ew_depthwise_dot_channels channels;
} ew_depthwise_dot_block;

/* Up to four lines of output share the 64 lanes: three or five lines of input for each. */
typedef struct ew_depthwise_dot_lines {
  const uint8_t *at[4][5];
  ptrdiff_t step[4][5]; /* 0 where the line is padding */
  uint8_t *y[4];
} ew_depthwise_dot_lines;

/* Moves 16 numbers of the channels from 16 * lane on to where the parts have them. */
EW_INLINE void ew_depthwise_dot_place(ew_i32x16 v, int32_t to[4][16], int lane) {
  int32_t numbers[16];
  ew_i32_store(numbers, v);
  EW_UNROLL for (int j = 0; j < 4; ++j)
    __builtin_memcpy(to[j] + 4 * lane, numbers + 4 * j, 16);
}

/* The first channel of sixteen lanes, where `share` lines share 64 from channel c on. */
EW_INLINE int32_t ew_depthwise_dot_from(const ew_depthwise_dot_layer *t, int32_t c, int share,
                                        int lane) {
  return ew_min_i32(c + 16 * (lane % (4 / share)), (t->s.out_c - 1) & -16);
}

/* The bytes of `count` weights that are `step` apart, for sixteen channels; adds them to `sum`. Of
   weights that are no bytes part 0 is the nearest one, part 1 what remains. */
EW_INLINE ew_i32x16 ew_depthwise_dot_weights(const int16_t *w, ptrdiff_t step, const int count,
                                             const int part, ew_i32x16 *sum) {
  ew_i32x16 bytes = ew_i32_dup(0);
  EW_UNROLL for (int i = 0; i < count; ++i) {
    const ew_i32x16 all = ew_i32_load_s16(w + i * step);
    const ew_i32x16 nearest = ew_i32_max(ew_i32_min(all, ew_i32_dup(127)), ew_i32_dup(-128));
    const ew_i32x16 v = part ? ew_i32_sub(all, nearest) : nearest;
    *sum = ew_i32_add(*sum, v);
    bytes = ew_i32_or(bytes, ew_i32_shl(ew_i32_and(v, ew_i32_dup(255)), 8 * i));
  }
  return bytes;
}

/* Fills in the constants of sixteen lanes, whose first channel is `from`. `sum` is that of their
   weights: the bias also undoes that int8 is read as uint8. */
EW_INLINE void ew_depthwise_dot_fill(const ew_depthwise_dot_layer *t, int32_t from, int lane,
                                     ew_i32x16 sum, int mode, ew_depthwise_dot_channels *to) {
  const int32_t *channels = t->channels + (ptrdiff_t)from * ew_q8_channel_rows(mode);
  const ew_i32x16 offset = ew_i32_dup(t->is_signed ? 128 : 0), bias = ew_i32_load(channels);
  ew_depthwise_dot_place(ew_i32_sub(bias, ew_i32_mul(sum, offset)), to->row[0], lane);
  const ew_i32x16 multiplier = ew_i32_load(channels + 16);
  ew_depthwise_dot_place(multiplier, to->row[1], lane);
  if (lane == 0) to->is_large = 0;
  if (mode == EW_REQUANT_FLOAT) {
    to->is_large |= ew_q8_is_large(multiplier);
    ew_depthwise_dot_place(ew_q8_most(multiplier), to->row[2], lane);
    return;
  }
  const ew_i32x16 shift = ew_i32_load(channels + 32), left = ew_i32_max(shift, ew_i32_dup(0));
  ew_depthwise_dot_place(left, to->row[2], lane);
  ew_depthwise_dot_place(ew_i32_sub(left, shift), to->row[3], lane);
}

/* Fills in what 64 lanes need, which `share` lines share, from channel c on. */
EW_KERNEL void ew_depthwise_dot_begin(const ew_depthwise_dot_layer *t, int32_t c, int share,
                                      int mode, ew_depthwise_dot_block *b) {
  ew_depthwise_dot_columns *const rest = t->room;
  for (int lane = 0; lane < 4; ++lane) {
    const int32_t from = ew_depthwise_dot_from(t, c, share, lane);
    const int16_t *w = t->w + (ptrdiff_t)from * 9;
    ew_i32x16 sum = ew_i32_dup(0);
    for (int kx = 0; kx < 3; ++kx, w += 16) {
      ew_depthwise_dot_place(ew_depthwise_dot_weights(w, 48, 3, 0, &sum), b->w[kx], lane);
      if (t->wide)
        ew_depthwise_dot_place(ew_depthwise_dot_weights(w, 48, 3, 1, &sum), rest->w[kx], lane);
    }
    ew_depthwise_dot_fill(t, from, lane, sum, mode, &b->channels);
  }
}

/* Column ix of `count` lines from `first` on, interleaved. */
EW_INLINE void ew_depthwise_dot_column(const ew_depthwise_dot_layer *t,
                                       const ew_depthwise_dot_lines *l, int32_t ix,
                                       const uint8_t *pad, const ew_bytes flip, const int n,
                                       const int share, const int first, const int count,
                                       ew_bytes to[4]) {
  const int inside = (uint32_t)ix < (uint32_t)t->s.in_w;
  ew_bytes lines[4];
  EW_UNROLL for (int i = 0; i < 4; ++i) {
    const uint8_t *at[4];
    EW_UNROLL for (int k = 0; k < share && i < count; ++k)
      at[k] = inside ? l->at[k][first + i] + ix * l->step[k][first + i] : pad;
    lines[i] = i < count ? ew_bytes_xor(ew_bytes_load_lines(at, share, n), flip) : ew_bytes_dup(0);
  }
  ew_bytes_interleave(lines, to);
}

/* What no channel has of its own; int8 is the type of results until they are stored. */
typedef struct ew_depthwise_dot_limits {
  ew_bytes zero, lo, hi, flip, x_flip;
} ew_depthwise_dot_limits;

EW_INLINE ew_depthwise_dot_limits ew_depthwise_dot_limits_of(const ew_q8_params *p,
                                                             const int is_signed) {
  const int32_t less = is_signed ? 0 : 128;
  return (ew_depthwise_dot_limits){ew_words_dup((int16_t)(p->y_zero - less)),
                                   ew_bytes_dup((int8_t)(p->lo - less)),
                                   ew_bytes_dup((int8_t)(p->hi - less)),
                                   ew_bytes_dup((int8_t)(is_signed ? 0 : -128)),
                                   ew_bytes_dup((int8_t)(is_signed ? -128 : 0))};
}

/* Requantises and stores one pixel. Saturating to 16, then to 8 bits is a clamp as any other. */
EW_INLINE void ew_depthwise_dot_finish(const ew_depthwise_dot_channels *c, ew_i32x16 acc[4],
                                       const ew_depthwise_dot_limits *limits, const int mode,
                                       uint8_t *const *y, ptrdiff_t at, const int n,
                                       const int share) {
  EW_UNROLL for (int j = 0; j < 4; ++j) {
    const ew_i32x16 factor = ew_i32_load(c->row[1][j]);
    if (mode == EW_REQUANT_FLOAT && c->is_large)
      acc[j] = ew_i32_min(acc[j], ew_i32_load(c->row[2][j]));
    if (mode == EW_REQUANT_FLOAT)
      acc[j] = ew_q8_product(acc[j], factor);
    else
      acc[j] = ew_i32_shift_round(
          ew_i32_mul_high(ew_i32_shlv(acc[j], ew_i32_load(c->row[2][j])), factor),
          ew_i32_load(c->row[3][j]));
  }
  const ew_bytes v = ew_bytes_narrow(acc, limits->zero);
  ew_bytes_store_lines(
      y, at, ew_bytes_xor(ew_bytes_clamp(v, limits->lo, limits->hi), limits->flip), share, n);
}

/* One line of output, n channels. */
EW_INLINE void ew_depthwise_dot_line(const ew_depthwise_dot_layer *t,
                                     const ew_depthwise_dot_block *b,
                                     const ew_depthwise_dot_lines *l, const uint8_t *pad,
                                     const ew_depthwise_dot_limits *limits, const int mode,
                                     const int n, const int share) {
  const ew_depthwise_dot_columns *const rest = t->room;
  ew_bytes x[3][4];
  ew_i32x16 w[3][4]; /* most of them stay in registers */
  int32_t ix = -t->s.pad_left;
  EW_UNROLL for (int kx = 0; kx < 3; ++kx)
    EW_UNROLL for (int j = 0; j < 4; ++j) w[kx][j] = ew_i32_load(b->w[kx][j]);
  EW_UNROLL for (int kx = 3 - 2; kx < 3; ++kx)
    ew_depthwise_dot_column(t, l, ix + kx - 1, pad, limits->x_flip, n, share, 0, 3, x[kx]);
  ix += 2;
  for (int32_t ox = 0, skip = 1; ox < t->s.out_w; ++ox) {
    for (int32_t i = 0; i < skip; ++i) {
      EW_UNROLL for (int j = 0; j < 4; ++j) x[0][j] = x[1][j];
      EW_UNROLL for (int j = 0; j < 4; ++j) x[1][j] = x[2][j];
      ew_depthwise_dot_column(t, l, ix++, pad, limits->x_flip, n, share, 0, 3, x[2]);
    }
    skip = t->s.stride_w;
    ew_i32x16 acc[4];
    EW_UNROLL for (int j = 0; j < 4; ++j) acc[j] = ew_i32_load(b->channels.row[0][j]);
    EW_UNROLL for (int kx = 0; kx < 3; ++kx)
      EW_UNROLL for (int j = 0; j < 4; ++j)
        acc[j] = ew_bytes_dot(acc[j], x[kx][j], w[kx][j]);
    if (t->wide)
      EW_UNROLL for (int kx = 0; kx < 3; ++kx)
        EW_UNROLL for (int j = 0; j < 4; ++j)
          acc[j] = ew_bytes_dot(acc[j], x[kx][j], ew_i32_load(rest->w[kx][j]));
    ew_depthwise_dot_finish(&b->channels, acc, limits, mode, l->y, (ptrdiff_t)ox * t->s.out_c, n,
                            share);
  }
}

/* Points part k of the lanes at one line of output, for a window of `height` lines. */
EW_INLINE void ew_depthwise_dot_point(const ew_depthwise_dot_layer *t, int32_t c, int32_t line,
                                      const int height, const int k, ew_depthwise_dot_lines *l) {
  const ew_conv_shape *s = &t->s;
  const int32_t image = line / s->out_h;
  const int32_t from = (line - image * s->out_h) * s->stride_h - s->pad_top;
  EW_UNROLL for (int ky = 0; ky < height; ++ky) {
    const int32_t iy = from + ky * s->dilation_h;
    const int inside = (uint32_t)iy < (uint32_t)s->in_h;
    const ptrdiff_t at = ((ptrdiff_t)image * s->in_h + iy) * s->in_w * s->in_c;
    l->at[k][ky] = (inside ? t->x + at : t->pad) + c;
    l->step[k][ky] = inside ? s->in_c : 0;
  }
  l->y[k] = t->y + (ptrdiff_t)line * s->out_w * s->out_c + c;
}

/* All of the output in n channels from c on. The block is the caller's: stores of bytes could then
   change it, so that compilers do not copy what does not fit into registers to this frame. */
EW_INLINE void ew_depthwise_dot_all_lines(const ew_depthwise_dot_layer *layer,
                                          const ew_depthwise_dot_block *b, int32_t c, const int n,
                                          const int share, const int mode) {
  const ew_depthwise_dot_layer t = *layer; /* a store of bytes could change the original */
  const ew_depthwise_dot_limits limits = ew_depthwise_dot_limits_of(t.params, t.is_signed);
  const int32_t lines = t.s.batch * t.s.out_h;
  for (int32_t line = 0; line < lines; line += share) {
    ew_depthwise_dot_lines l;
    EW_UNROLL for (int k = 0; k < share; ++k) /* those that do not exist repeat the last one */
      ew_depthwise_dot_point(&t, c, ew_min_i32(line + k, lines - 1), 3, k, &l);
    ew_depthwise_dot_line(&t, b, &l, t.pad + c, &limits, mode, n, share);
  }
}

#define EW_DEPTHWISE_DOT_PART(name, n, share, mode) \
  EW_KERNEL void name(const ew_depthwise_dot_layer *t, const ew_depthwise_dot_block *b, \
                      int32_t c) { \
    ew_depthwise_dot_all_lines(t, b, c, n, share, mode); \
  }
#define EW_DEPTHWISE_DOT_Q8(name, mode) \
  EW_DEPTHWISE_DOT_PART(name##_all, 64, 1, mode) \
  EW_DEPTHWISE_DOT_PART(name##_most, t->s.out_c - c, 1, mode) \
  EW_DEPTHWISE_DOT_PART(name##_half, t->s.out_c - c, 2, mode) \
  EW_DEPTHWISE_DOT_PART(name##_quarter, t->s.out_c - c, 4, mode) \
  EW_KERNEL void name(const ew_depthwise_dot_layer *t) { \
    ew_depthwise_dot_block b; \
    for (int32_t c = 0; c < t->s.out_c; c += 64) { \
      const int32_t n = t->s.out_c - c; \
      ew_depthwise_dot_begin(t, c, n > 32 ? 1 : n > 16 ? 2 : 4, mode, &b); \
      (n >= 64 ? name##_all : n > 32 ? name##_most : n > 16 ? name##_half : name##_quarter)( \
          t, &b, c); \
    } \
  }
EW_DEPTHWISE_DOT_Q8(ew_depthwise_q8_dot_float, EW_REQUANT_FLOAT)
EW_DEPTHWISE_DOT_Q8(ew_depthwise_q8_dot_fixed, EW_REQUANT_FIXED)

/* How many bytes weights need: with a zero point of their own one may not do. More than two: 3. */
EW_KERNEL int ew_depthwise_dot_bytes(const int16_t *w, int32_t count) {
  ew_i32x16 least = ew_i32_dup(0), most = least;
  for (int32_t i = 0; i < count; i += 16) {
    const ew_i32x16 v = ew_i32_load_s16(w + i);
    least = ew_i32_min(least, v);
    most = ew_i32_max(most, v);
  }
  /* -1 - v of a negative number needs as many bits as that */
  const ew_i32x16 all = ew_i32_max(most, ew_i32_sub(ew_i32_dup(-1), least));
  const ew_i32x16 two = ew_i32_max(most, ew_i32_sub(ew_i32_dup(-2), least));
  int32_t one_byte[16], two_bytes[16], needed = 1;
  ew_i32_store(one_byte, all);
  ew_i32_store(two_bytes, two);
  for (int i = 0; i < 16; ++i)
    needed = ew_max_i32(needed, two_bytes[i] > 254 ? 3 : one_byte[i] > 127 ? 2 : 1);
  return needed;
}

EW_INLINE int ew_depthwise_dot_takes(const ew_conv_shape s) {
  return s.kernel_h == 3 && s.kernel_w == 3 && s.dilation_w == 1 && s.out_c == s.in_c;
}

#endif
#endif
