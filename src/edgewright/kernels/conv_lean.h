/* 8-bit convolution and fully connected layers on microcontrollers: see lean.h. */
#ifndef EW_CONV_LEAN_H
#define EW_CONV_LEAN_H
#include "lean.h"

/* All columns of a few rows; what the tiles of a layer have in common. */
typedef struct ew_lean_tile {
  ew_lean_layer layer;
  ew_lean_finish *finish;
  const int8_t *w;         /* pairs of columns, one after the other */
  const int32_t *channels; /* see ew_lean_finish */
  int32_t columns;
  int32_t depth, padded;   /* numbers in a row; with what fills the last EW_LEAN_STEP */
  int32_t y_row;           /* distance of two rows of y */
} ew_lean_tile;

/* All columns of m rows; more: what the zero point of weights makes of each row's sum. */
EW_KERNEL void ew_lean_tile_run(const ew_lean_tile *t, const ew_lean_x *const *rows,
                                const int32_t *more, int32_t m, const uint8_t *skip, uint8_t *y) {
  const int8_t *w = t->w;
  for (int32_t n = 0; n < t->columns; n += EW_LEAN_CHUNK) {
    int32_t sums[EW_LEAN_ROWS * EW_LEAN_CHUNK];
    const int32_t some = ew_min_i32(t->columns - n, EW_LEAN_CHUNK);
    for (int32_t j = 0; j < some; j += 2, w += 2 * t->padded) {
#if EW_LEAN_SPREAD
      if (m == 1)
        ew_lean_dot_bytes((const uint8_t *)rows[0], t->depth, t->layer.flip, w, sums + j);
#else
      if (m == 1) ew_lean_dot_row(rows[0], w, t->padded, sums + j);
#endif
      else ew_lean_dot_rows(rows, w, t->padded, sums + j);
    }
    for (int32_t i = 0; i < m; ++i) {
      const int32_t at = i * t->y_row + n;
      int32_t *const row = sums + i * EW_LEAN_CHUNK;
      if (more[i])
        for (int32_t j = 0; j < some; ++j) row[j] = ew_add_wrap(row[j], more[i]);
      t->finish(&t->layer, row, some, t->channels + 3 * n, skip ? skip + at : skip, y + at);
    }
  }
}

/* The bytes that the window of one output pixel sees, in `channels` of the input from x on. */
EW_KERNEL void ew_lean_window(const ew_conv_shape *s, const uint8_t *x, ew_pixel p,
                              int32_t channels, int32_t fill, uint8_t *to) {
  const int32_t iy = p.oy * s->stride_h - s->pad_top, ix = p.ox * s->stride_w - s->pad_left;
  /* Taps that lie side by side in the input are copied at once. */
  const int32_t together = channels == s->in_c && s->dilation_w == 1;
  for (int32_t ky = 0; ky < s->kernel_h; ++ky) {
    const int32_t y = iy + ky * s->dilation_h;
    const int inside = (uint32_t)y < (uint32_t)s->in_h;
    const uint8_t *const line = x + ((ptrdiff_t)p.image * s->in_h + y) * s->in_w * s->in_c;
    for (int32_t kx = 0, taps; kx < s->kernel_w; kx += taps, to += taps * channels) {
      const int32_t at = ix + kx * s->dilation_w;
      const int seen = inside && (uint32_t)at < (uint32_t)s->in_w;
      taps = seen && together ? ew_min_i32(s->kernel_w - kx, s->in_w - at) : 1;
      if (seen) memcpy(to, line + (ptrdiff_t)at * s->in_c, (size_t)(taps * channels));
      else memset(to, fill, (size_t)channels);
    }
  }
}

EW_KERNEL int32_t ew_lean_sum(const uint8_t *x, int32_t n, int32_t flip) {
  int32_t sum = 0;
  for (int32_t i = 0; i < n; ++i) sum += (int8_t)(x[i] ^ flip);
  return sum;
}

/* Sizes that follow from the shape, for one group. */
typedef struct ew_lean_conv {
  int32_t channels;        /* of the input */
  int32_t is_matrix;       /* rows of x are rows of the matrix */
  int32_t weight_zero;     /* row sums are needed */
} ew_lean_conv;

/* Row `i` of `m` rows, ready for the tile; scratch holds the rows, then the bytes of one. */
EW_INLINE const ew_lean_x *ew_lean_row(const ew_conv_shape *s, const ew_lean_conv *c,
                                       const ew_lean_tile *t, const uint8_t *x, ew_pixel p,
                                       int32_t i, int32_t m, int32_t copies, int32_t *more,
                                       char *scratch) {
  uint8_t *const slot = (uint8_t *)scratch + i * t->padded;
  uint8_t *const bytes =
      EW_LEAN_SPREAD ? (uint8_t *)scratch + EW_LEAN_ROWS * t->padded * (int)sizeof(ew_lean_x) : slot;
  const uint8_t *from = x;
  if (!c->is_matrix) {
    ew_lean_window(s, x, p, c->channels, t->layer.params->x_zero, bytes);
    from = bytes;
  }
  *more = 0;
  if (c->weight_zero)
    *more = ew_mul_wrap(ew_lean_sum(from, t->depth, t->layer.flip),
                        t->layer.params->x_sum_multiplier);
#if EW_LEAN_SPREAD
  if (m == 1) {
    if (!c->is_matrix || !copies) return (const ew_lean_x *)from;
    for (int32_t k = 0; k < t->depth; ++k) slot[k] = from[k];
    return (const ew_lean_x *)slot;
  }
  ew_lean_spread(from, t->depth, t->layer.flip, i, m, (ew_lean_x *)scratch);
  return (const ew_lean_x *)scratch;
#else
  (void)m;
  if (c->is_matrix && !copies) return (const ew_lean_x *)from;
  int32_t k = 0;
  for (; k < t->depth; ++k) slot[k] = from[k] ^ (uint8_t)t->layer.flip;
  for (; k < t->padded; ++k) slot[k] = 0;
  return (const ew_lean_x *)slot;
#endif
}

EW_KERNEL void ew_lean_conv_group(const ew_conv_shape *s, const ew_lean_conv *c,
                                  const ew_lean_tile *t, const uint8_t *x,
                                  const uint8_t *skip, uint8_t *y, char *scratch) {
  const int32_t pixels = s->batch * s->out_h * s->out_w;
  const int32_t copies = x == y || (!EW_LEAN_SPREAD && (t->layer.flip || t->padded != t->depth));
  ew_pixel p = {0, 0, 0};
  for (int32_t at = 0; at < pixels; at += EW_LEAN_ROWS) {
    const int32_t m = ew_min_i32(pixels - at, EW_LEAN_ROWS);
    const ew_lean_x *rows[EW_LEAN_ROWS];
    int32_t more[EW_LEAN_ROWS];
    for (int32_t i = 0; i < m; ++i, p = ew_pixel_next(s, p)) {
      const uint8_t *const from = c->is_matrix ? x + (ptrdiff_t)(at + i) * s->in_c : x;
      rows[i] = ew_lean_row(s, c, t, from, p, i, m, copies, more + i, scratch);
    }
    for (int32_t i = m; i < EW_LEAN_ROWS; ++i) rows[i] = rows[0];
    const ptrdiff_t offset = (ptrdiff_t)at * s->out_c;
    ew_lean_tile_run(t, rows, more, m, skip ? skip + offset : skip, y + offset);
  }
}

/* y = conv(x, w), requantised by `finish` (ew_lean_float, …); then, with skip, the quantised sum of
   both.

   x [batch, in_h, in_w, in_c]; w from pack_lean and channels from pack_lean_channels, both one
   after the other for each group; params from pack_q8_params; flip: 0x80 for uint8 tensors;
   weight_zero: 1 if params.x_sum_multiplier may be other than 0; skip as y, or null, may be y;
   y [batch, out_h, out_w, out_c], may be x where rows of x are rows of the matrix and y is no
   larger. scratch: conv_lean_scratch_bytes(…) bytes. */
EW_KERNEL void ew_conv_lean(const ew_conv_shape *s, ew_lean_finish *finish, int32_t flip,
                            int32_t weight_zero, const void *x, const int8_t *w,
                            const int32_t *channels, const int32_t *params, const void *skip,
                            void *y, void *scratch) {
  const int32_t inputs = s->in_c / s->groups, columns = s->out_c / s->groups;
  const int32_t taps = s->kernel_h * s->kernel_w, depth = taps * inputs;
  const int32_t is_matrix = taps == 1 && s->stride_h == 1 && s->stride_w == 1 &&
                            s->pad_top == 0 && s->pad_left == 0 && s->out_h == s->in_h &&
                            s->out_w == s->in_w;
  const ew_lean_conv c = {inputs, is_matrix, weight_zero};
  ew_lean_tile t = {.layer = {(const ew_lean_params *)params, flip},
                    .finish = finish,
                    .w = w,
                    .channels = channels,
                    .columns = columns,
                    .depth = depth,
                    .padded = ew_round_up(depth, EW_LEAN_STEP),
                    .y_row = s->out_c};
  for (int32_t g = 0; g < s->groups; ++g) {
    const uint8_t *const other = (const uint8_t *)skip;
    ew_lean_conv_group(s, &c, &t, (const uint8_t *)x + g * inputs,
                       other ? other + g * columns : other, (uint8_t *)y + g * columns,
                       (char *)scratch);
    t.w += ew_round_up(columns, 2) * t.padded;
    t.channels += 3 * ew_round_up(columns, EW_LEAN_TOGETHER);
  }
}

/* y [rows, columns] = x [rows, depth] times w, requantised: a convolution of single pixels. */
EW_INLINE void ew_fully_connected_lean(int32_t rows, int32_t depth, int32_t columns,
                                       ew_lean_finish *finish, int32_t flip, int32_t weight_zero,
                                       const void *x, const int8_t *w, const int32_t *channels,
                                       const int32_t *params, void *y, void *scratch) {
  const ew_conv_shape s = {.batch = rows, .in_h = 1, .in_w = 1, .in_c = depth,
                           .out_h = 1, .out_w = 1, .out_c = columns,
                           .kernel_h = 1, .kernel_w = 1, .stride_h = 1, .stride_w = 1,
                           .dilation_h = 1, .dilation_w = 1, .pad_top = 0, .pad_left = 0,
                           .groups = 1};
  ew_conv_lean(&s, finish, flip, weight_zero, x, w, channels, params, (const void *)0, y, scratch);
}

#endif
