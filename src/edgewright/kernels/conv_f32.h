/* float32 convolution, channels last, with bias, residual and clamp. */
#ifndef EW_CONV_F32_H
#define EW_CONV_F32_H
#include "conv_line_f32.h"
#include "panel_f32.h"

/* Sizes that follow from the shape. Windows of few channels are gathered into whole rows. */
typedef struct ew_conv_plan {
  int32_t pixels, columns, channels; /* M; output and input channels of one group */
  int32_t first;                     /* of the pixels: not 0 where threads share them */
  int32_t taps, depth;
  int32_t gathers;
  int32_t block;                     /* see ew_conv_block */
  int32_t tile;                      /* rows of a register tile */
  int32_t pad_bytes, rows_bytes;     /* parts of the scratch memory */
} ew_conv_plan;

/* Blocks of about that many rows and of one size: a last block of few would read all weights again
   for them. */
EW_INLINE int32_t ew_conv_f32_even(int32_t block, int32_t pixels) {
  if (block <= EW_F32_ROWS) return block;
  const int32_t passes = ew_max_i32(1, (pixels + block / 2) / block);
  const int32_t tiles = (pixels + EW_F32_ROWS - 1) / EW_F32_ROWS;
  return (tiles + passes - 1) / passes * EW_F32_ROWS;
}

EW_INLINE ew_conv_plan ew_conv_f32_plan(const ew_conv_shape s) {
  ew_conv_plan p;
  const int32_t window = s.kernel_h * s.kernel_w;
  p.pixels = s.batch * s.out_h * s.out_w;
  p.first = 0;
  p.columns = s.out_c / s.groups;
  p.channels = s.in_c / s.groups;
  p.gathers = window > 1 && p.channels < 16;
  p.taps = p.gathers ? 1 : window;
  p.depth = p.gathers ? window * p.channels : p.channels;
  p.tile = s.tile == 8 && EW_F32_ROWS == 12 ? 8 : EW_F32_ROWS;
  p.block = ew_conv_block_of(s, (int64_t)p.taps * p.depth * 4, p.columns, p.tile);
  if (!s.block) p.block = ew_conv_f32_even(p.block, p.pixels);
  p.pad_bytes = ew_round_up(p.channels * 4, 64);
  p.rows_bytes = ew_round_up(p.taps * EW_F32_ROWS * (int32_t)sizeof(void *), 64);
  return p;
}

/* Makes the row pointers of one tile; scratch holds the padding, the pointers, what is gathered. */
EW_INLINE const void **ew_conv_f32_rows(const ew_conv_shape s, const ew_conv_plan p, const float *x,
                                        int32_t m, int32_t count, void *scratch) {
  const void **const rows = (const void **)((char *)scratch + p.pad_bytes);
  char *const gathered = (char *)scratch + p.pad_bytes + p.rows_bytes;
  const int32_t pixel_bytes = s.in_c * 4, row_bytes = p.depth * 4;
  if (p.gathers) {
    const ew_gather g = {pixel_bytes, p.channels * 4, row_bytes, row_bytes, row_bytes, 0, 0};
    ew_gather_rows(s, g, x, m, count, gathered);
    ew_point_matrix(gathered, row_bytes, count, EW_F32_ROWS, rows);
  } else if (ew_conv_is_matrix(s)) {
    ew_point_matrix(x + (ptrdiff_t)m * s.in_c, pixel_bytes, count, EW_F32_ROWS, rows);
  } else {
    ew_point_rows(&s, x, pixel_bytes, scratch, m, count, EW_F32_ROWS, rows);
  }
  return rows;
}

/* Where the weights of the columns that follow on n lie, for tile number `tile` of these: each of
   the first tiles fetches a part of them, so that no tile waits for all of them. */
EW_INLINE const float *ew_conv_f32_ahead(const ew_conv_plan p, const ew_tile_f32 *t, int32_t n,
                                         int32_t tile) {
  const int32_t blocks = EW_F32_COLUMNS / 16, part = 2 * tile;
  const int fetches = p.block > EW_F32_ROWS && part < blocks;
  const int32_t ahead = blocks + part;
  return fetches && n / 16 + ahead + 2 <= p.columns / 16 ? t->w + ahead * t->w_block : t->w;
}

#if defined(EW_F32_WIDE_ROWS)
/* Rows and results of a block of panels share the second cache. */
EW_INLINE int32_t ew_conv_f32_panel_block(const ew_conv_shape s, const ew_conv_plan p) {
  const int32_t rows = ew_panel_rows(p.columns);
  const int32_t fit = s.block ? s.block : EW_CONV_ROWS_BYTES / 4 / (p.depth + p.columns);
  return ew_max_i32(fit / rows, 2) * rows;
}

EW_INLINE int ew_conv_f32_takes_panels(const ew_conv_shape s, const ew_conv_plan p) {
  return ew_conv_is_matrix(s) && s.tile != 8 && p.depth <= EW_PANEL_DEPTH;
}

/* Takes the rows of a matrix that fill tiles of panel_f32.h. Returns the first one that is left. */
EW_INLINE int32_t ew_conv_f32_panels(const ew_conv_shape s, const ew_conv_plan p, const float *x,
                                     const ew_tile_f32 t) {
  const int32_t end = p.first + ew_panel_whole(p.pixels - p.first, p.columns);
  if (!ew_conv_f32_takes_panels(s, p)) return p.first;
  const int32_t block = ew_conv_f32_panel_block(s, p);
  for (int32_t m = p.first; m < end; m += block) {
    const ew_panel_f32 panel = {x, t.w, t.bias, t.skip, t.y, s.in_c, t.y_row, t.w_block, p.depth, m,
                                ew_min_i32(m + block, end), p.columns, t.lo, t.hi};
    ew_panel_f32_run(&panel);
  }
  return end;
}
#else
EW_INLINE int32_t ew_conv_f32_panels(const ew_conv_shape s, const ew_conv_plan p, const float *x,
                                     const ew_tile_f32 t) {
  (void)s, (void)x, (void)t;
  return p.first;
}
#endif

EW_INLINE void ew_conv_f32_group(const ew_conv_shape s, const ew_conv_plan p, const float *x,
                                 ew_tile_f32 t, void *scratch) {
  const ew_tile_f32 first = t;
  const int32_t most = p.tile == EW_F32_ROWS ? EW_F32_COLUMNS : 16 * EW_F32_BLOCKS;
  const int32_t step = ew_tile_f32_columns(p.pixels, most);
  const int32_t left = ew_conv_f32_panels(s, p, x, t);
  for (int32_t m0 = left; m0 < p.pixels; m0 += p.block)
    for (int32_t n = 0; n < p.columns; n += step) {
      const int32_t end = ew_min_i32(p.pixels, m0 + p.block);
      t.n = ew_min_i32(p.columns - n, step);
      t.w = first.w + (n / 16) * t.w_block;
      t.bias = first.bias + n;
      for (int32_t m = m0; m < end; m += p.tile) {
        const ptrdiff_t at = m * t.y_row + n;
        t.m = ew_min_i32(end - m, p.tile);
        if (n == 0 || p.block > EW_F32_ROWS)
          t.rows = (const void *const *)ew_conv_f32_rows(s, p, x, m, t.m, scratch);
        t.ahead = ew_conv_f32_ahead(p, &t, n, (m - m0) / EW_F32_ROWS);
        t.y = first.y + at;
        t.skip = first.skip ? first.skip + at : first.skip;
        if (ew_tile_half_takes(&t)) ew_tile_half_run(&t);
        else if (p.tile == 8 && t.m == 8 && t.n > 16) ew_tile_f32_eight(&t);
        else ew_tile_f32_run(&t);
      }
    }
}

EW_INLINE void ew_conv_f32_planned(const ew_conv_shape s, const ew_conv_plan p, const float *x,
                                   const float *w, const float *bias, const float *skip, float lo,
                                   float hi, float *y, void *scratch) {
  const int32_t blocks = (p.columns + 15) / 16;
  const ptrdiff_t w_block = (ptrdiff_t)p.taps * p.depth * 16;
  __builtin_memset(scratch, 0, (size_t)p.pad_bytes);
  for (int32_t g = 0; g < s.groups; ++g) {
    const ew_tile_f32 t = {.w = w + g * blocks * w_block,
                           .bias = bias + (ptrdiff_t)g * blocks * 16,
                           .skip = skip ? skip + g * p.columns : skip,
                           .y = y + g * p.columns,
                           .w_block = w_block,
                           .y_row = s.out_c,
                           .taps = p.taps,
                           .depth = p.depth,
                           .lo = lo,
                           .hi = hi};
    ew_conv_f32_group(s, p, x + g * p.channels, t, scratch);
  }
}

EW_DRIVER void ew_conv_f32_of(const ew_conv_shape *shape, const float *x, const float *w,
                              const float *bias, const float *skip, float lo, float hi, float *y,
                              void *scratch) {
  const ew_conv_shape s = *shape;
  if (ew_line_takes(s)) ew_conv_line_f32_part(s, 0, 1, x, w, bias, skip, lo, hi, y, scratch);
  else ew_conv_f32_planned(s, ew_conv_f32_plan(s), x, w, bias, skip, lo, hi, y, scratch);
}

/* y = clamp(conv(x, w) + bias + skip, lo, hi)

   x [batch, in_h, in_w, in_c]; w, bias from pack_f32 (one after the other for each group);
   skip as y, or null, and may be y; y [batch, out_h, out_w, out_c].
   scratch: conv_scratch_bytes(…) bytes, aligned to 64. */
EW_INLINE void ew_conv_f32(const ew_conv_shape s, const float *x, const float *w,
                           const float *bias, const float *skip, float lo, float hi, float *y,
                           void *scratch) {
  ew_conv_f32_of(&s, x, w, bias, skip, lo, hi, y, scratch);
}

#endif
