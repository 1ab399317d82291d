/* float32 convolution with 3x3 windows at stride 1 by Winograd's F(2x2, 3x3): 16 multiplications for
   four results instead of 36, and about 1.5 times the rounding error of the direct form. With a
   dilation d the image is d * d interleaved ones, each convolved without dilation. */
#ifndef EW_CONV_WINOGRAD_F32_H
#define EW_CONV_WINOGRAD_F32_H
#include "conv_rows.h"
#include "panel_f32.h"

/* Bytes of transformed input and of products that are worked on at once, and the most and the
   fewest tiles: twice as many are no faster, and fewer read large weights more often (7x7x512 in
   two blocks takes 1.13 times as long). ops/winograd.py says the same. */
#define EW_WINOGRAD_BYTES (512 * 1024)
#define EW_WINOGRAD_MOST 24
#define EW_WINOGRAD_FEWEST 16
#define EW_WINOGRAD_COLUMNS 64 /* products of a tile at once; EW_F32_COLUMNS of any ISA */

/* Tiles of 4x4 inputs that are worked on at once, of `tiles` in all: blocks of one size. */
EW_INLINE int32_t ew_winograd_block(int32_t channels, int32_t columns, int32_t tiles) {
  const int32_t room = EW_WINOGRAD_BYTES / (64 * (channels + columns));
  const int32_t fit = ew_clamp_i32(room, EW_WINOGRAD_FEWEST, EW_WINOGRAD_MOST);
  const int32_t blocks = ew_max_i32(1, (tiles + fit / 2) / fit);
  return (tiles + blocks - 1) / blocks;
}

/* B'dB of 16 channels: 16 pixels, and where position 0 goes. */
EW_INLINE void ew_winograd_transform(ew_f32x16 x[16], float *v, ptrdiff_t v_step) {
  ew_f32x16 d[4][4];
  EW_UNROLL for (int j = 0; j < 4; ++j) {
    d[0][j] = ew_f32_sub(x[j], x[8 + j]);
    d[1][j] = ew_f32_add(x[4 + j], x[8 + j]);
    d[2][j] = ew_f32_sub(x[8 + j], x[4 + j]);
    d[3][j] = ew_f32_sub(x[4 + j], x[12 + j]);
  }
  EW_UNROLL for (int i = 0; i < 4; ++i) {
    float *const row = v + 4 * i * v_step;
    ew_f32_store(row, ew_f32_sub(d[i][0], d[i][2]));
    ew_f32_store(row + v_step, ew_f32_add(d[i][1], d[i][2]));
    ew_f32_store(row + 2 * v_step, ew_f32_sub(d[i][2], d[i][1]));
    ew_f32_store(row + 3 * v_step, ew_f32_sub(d[i][1], d[i][3]));
  }
}

/* Transforms one tile for all channels: v[position][channel] = B'dB. `at` holds the 16 pixels, and
   zeros for those outside the image; v_step is the distance of two positions, in floats. */
EW_KERNEL void ew_winograd_input(const float *const at[16], int32_t channels, float *v,
                                 ptrdiff_t v_step) {
  for (int32_t c = 0; c < channels; c += 16) {
    ew_f32x16 x[16];
    EW_UNROLL for (int i = 0; i < 16; ++i) x[i] = ew_f32_load(at[i] + c);
    ew_winograd_transform(x, v + c, v_step);
  }
}

#if !EW_SMALL
/* The same inside the image: pixels at known distances of a line (`down`) and of each other. */
EW_KERNEL void ew_winograd_inside(const float *at, ptrdiff_t down, ptrdiff_t across,
                                  int32_t channels, float *v, ptrdiff_t v_step) {
  for (int32_t c = 0; c < channels; c += 16, at += 16) {
    ew_f32x16 x[16];
    EW_UNROLL for (int i = 0; i < 16; ++i) x[i] = ew_f32_load(at + i / 4 * down + i % 4 * across);
    ew_winograd_transform(x, v + c, v_step);
  }
}
#endif

/* Where the results of a tile go: out[i] is null for those outside the image. */
typedef struct ew_winograd_out {
  float *y[4];
  const float *skip[4]; /* or null */
  float lo, hi;
} ew_winograd_out;

/* A'mA of one tile and 16 channels, with bias, residual and clamp. */
EW_KERNEL void ew_winograd_output(const float *m, ptrdiff_t m_step, const float *bias, int32_t n,
                                  const ew_winograd_out *o) {
  ew_f32x16 r[2][4];
  EW_UNROLL for (int j = 0; j < 4; ++j) {
    const float *const p = m + j * m_step;
    const ew_f32x16 b = ew_f32_load(p + 4 * m_step), c = ew_f32_load(p + 8 * m_step);
    r[0][j] = ew_f32_add(ew_f32_add(ew_f32_load(p), b), c);
    r[1][j] = ew_f32_sub(ew_f32_sub(b, c), ew_f32_load(p + 12 * m_step));
  }
  const ew_f32x16 offset = ew_f32_load(bias + n), lo = ew_f32_dup(o->lo), hi = ew_f32_dup(o->hi);
  EW_UNROLL for (int i = 0; i < 4; ++i) {
    if (!o->y[i]) continue;
    const ew_f32x16 *const q = r[i / 2];
    ew_f32x16 v = i % 2 ? ew_f32_sub(ew_f32_sub(q[1], q[2]), q[3])
                        : ew_f32_add(ew_f32_add(q[0], q[1]), q[2]);
    v = ew_f32_add(v, offset);
    if (o->skip[i]) v = ew_f32_add(v, ew_f32_load(o->skip[i] + n));
    ew_f32_store(o->y[i] + n, ew_f32_clamp(v, lo, hi));
  }
}

/* What all steps of one convolution share. */
typedef struct ew_winograd {
  ew_conv_shape s;
  int32_t across, down;   /* tiles of one of the interleaved images in x and y */
  int32_t tiles, block;   /* of all images, and at once */
  ptrdiff_t v_step, m_step;           /* floats between two of the 16 positions */
  float *zeros, *v, *m;
} ew_winograd;

/* The output pixel of a tile's upper left result. */
EW_INLINE ew_pixel ew_winograd_pixel(const ew_winograd *g, int32_t tile) {
  const int32_t row = tile / g->across, tx = tile - row * g->across;
  const int32_t part = row / g->down, ty = row - part * g->down;
  const int32_t line = part / g->s.dilation_w, left = part - line * g->s.dilation_w;
  const int32_t image = line / g->s.dilation_h, top = line - image * g->s.dilation_h;
  return (ew_pixel){image, top + 2 * ty * g->s.dilation_h, left + 2 * tx * g->s.dilation_w};
}

EW_INLINE void ew_winograd_inputs(const ew_winograd *g, const float *x, int32_t first,
                                  int32_t count) {
  const ew_conv_shape *const s = &g->s;
  for (int32_t t = 0; t < count; ++t) {
    const ew_pixel p = ew_winograd_pixel(g, first + t);
    float *const v = g->v + (ptrdiff_t)t * s->in_c;
#if !EW_SMALL
    const int32_t top = p.oy - s->pad_top, left = p.ox - s->pad_left;
    if (top >= 0 && left >= 0 && top + 3 * s->dilation_h < s->in_h &&
        left + 3 * s->dilation_w < s->in_w) {
      const ptrdiff_t line = (ptrdiff_t)s->in_w * s->in_c;
      ew_winograd_inside(x + ((ptrdiff_t)p.image * s->in_h + top) * line + left * s->in_c,
                         s->dilation_h * line, (ptrdiff_t)s->dilation_w * s->in_c, s->in_c, v,
                         g->v_step);
      continue;
    }
#endif
    const float *at[16];
    for (int32_t i = 0; i < 16; ++i) {
      const int32_t iy = p.oy - s->pad_top + i / 4 * s->dilation_h;
      const int32_t ix = p.ox - s->pad_left + i % 4 * s->dilation_w;
      const int inside = (uint32_t)iy < (uint32_t)s->in_h && (uint32_t)ix < (uint32_t)s->in_w;
      const ptrdiff_t pixel = ((ptrdiff_t)p.image * s->in_h + iy) * s->in_w + ix;
      at[i] = inside ? x + pixel * s->in_c : g->zeros;
    }
    ew_winograd_input(at, s->in_c, v, g->v_step);
  }
}

#if defined(EW_F32_WIDE_ROWS)
/* The products of EW_PANEL_TALL tiles, of which `count` exist, and 16 columns, for all positions:
   to begin and to end a tile of the general product takes a third of the time of 16 products. */
EW_KERNEL void ew_winograd_tall(const ew_panel_f32 *panel, int32_t count, ptrdiff_t v_step,
                                ptrdiff_t u_step, ptrdiff_t m_step) {
  ew_panel_f32 t = *panel;
  for (int i = 0; i < 16; ++i, t.x += v_step, t.w += u_step, t.y += m_step) {
    ew_panel_sums s;
    EW_UNROLL for (int row = 0; row < EW_PANEL_TALL; ++row) s.acc[row][0] = ew_f32_dup(0.0f);
    ew_panel_add(&t, t.x, 0, t.depth, EW_PANEL_TALL, 1, 0, &s);
    float *y = t.y;
    EW_UNROLL for (int row = 0; row < EW_PANEL_TALL; ++row, y += t.y_row)
      if (row < count) ew_f32_store(y, s.acc[row][0]);
  }
}

/* Whether tiles are multiplied so: few columns, and enough tiles for what is read behind them to be
   scratch memory. */
EW_INLINE int ew_winograd_is_tall(const ew_winograd *g, int32_t count, int32_t columns) {
  return columns <= 32 && g->s.in_c <= 64 && count > EW_PANEL_TALL / 2 && count <= EW_PANEL_TALL;
}
#endif

/* m[position][tile] = v[position][tile] * u[position] for up to EW_F32_COLUMNS columns. */
EW_INLINE void ew_winograd_products(const ew_winograd *g, const float *u, ptrdiff_t u_step,
                                    int32_t count, int32_t columns) {
  const int32_t channels = g->s.in_c;
#if defined(EW_F32_WIDE_ROWS)
  if (ew_winograd_is_tall(g, count, columns)) {
    for (int32_t j = 0; j < columns; j += 16) {
      const ew_panel_f32 t = {.x = g->v, .w = u + j * u_step, .y = g->m + j, .x_row = channels,
                              .y_row = columns, .depth = channels};
      ew_winograd_tall(&t, count, g->v_step, u_step, g->m_step);
    }
    return;
  }
#endif
  const void *rows[EW_F32_ROWS];
  for (int32_t i = 0; i < 16; ++i)
    for (int32_t t = 0; t < count; t += EW_F32_ROWS) {
      const int32_t m = ew_min_i32(count - t, EW_F32_ROWS);
      const int32_t part = t / EW_F32_ROWS * 2; /* of the next position's weights: fetched ahead */
      const float *const w = u + i * u_step;
      const int ahead = i < 15 && 16 * part < columns;
      const ew_tile_f32 tile = {.rows = rows, .w = w, .bias = g->zeros,
                                .y = g->m + i * g->m_step + (ptrdiff_t)t * columns,
                                .w_block = (ptrdiff_t)16 * u_step, .y_row = columns, .taps = 1,
                                .depth = channels, .m = m, .n = columns, .lo = -EW_INFINITY,
                                .hi = EW_INFINITY,
                                .ahead = ahead ? w + (1 + 16 * part) * u_step : w};
      ew_point_matrix(g->v + i * g->v_step + (ptrdiff_t)t * channels, channels * 4, m, EW_F32_ROWS,
                      rows);
      ew_tile_f32_run(&tile);
    }
}

EW_INLINE void ew_winograd_outputs(const ew_winograd *g, const float *bias, const float *skip,
                                   float lo, float hi, float *y, int32_t first, int32_t count,
                                   int32_t n, int32_t columns) {
  const ew_conv_shape *const s = &g->s;
  for (int32_t t = 0; t < count; ++t) {
    const ew_pixel p = ew_winograd_pixel(g, first + t);
    ew_winograd_out o = {.lo = lo, .hi = hi};
    for (int32_t i = 0; i < 4; ++i) {
      const int32_t oy = p.oy + i / 2 * s->dilation_h, ox = p.ox + i % 2 * s->dilation_w;
      const ptrdiff_t at = (((ptrdiff_t)p.image * s->out_h + oy) * s->out_w + ox) * s->out_c;
      const int inside = oy < s->out_h && ox < s->out_w;
      o.y[i] = inside ? y + at : (float *)0;
      o.skip[i] = inside && skip ? skip + at : (const float *)0;
    }
    for (int32_t j = 0; j < columns; j += 16)
      ew_winograd_output(g->m + (ptrdiff_t)t * columns + j, g->m_step, bias, n + j, &o);
  }
}

/* Divides the image into tiles and the scratch memory into its parts. */
EW_INLINE ew_winograd ew_winograd_of(const ew_conv_shape s, void *scratch) {
  ew_winograd g = {.s = s};
  g.across = ((s.out_w + s.dilation_w - 1) / s.dilation_w + 1) / 2;
  g.down = ((s.out_h + s.dilation_h - 1) / s.dilation_h + 1) / 2;
  g.tiles = s.batch * s.dilation_h * s.dilation_w * g.across * g.down;
  const int32_t columns = ew_min_i32(s.out_c, EW_WINOGRAD_COLUMNS);
  g.block = s.block ? ew_min_i32(s.block, g.tiles)
                    : ew_winograd_block(s.in_c, columns, g.tiles);
  g.v_step = (ptrdiff_t)g.block * s.in_c + 16; /* not a multiple of 4096 bytes: see caches */
  g.m_step = (ptrdiff_t)g.block * columns + 16;
  g.zeros = scratch;
  g.v = g.zeros + ew_max_i32(s.in_c, 64);
  g.m = g.v + 16 * g.v_step;
  __builtin_memset(g.zeros, 0, (size_t)ew_max_i32(s.in_c, 64) * 4);
  return g;
}

/* Some of the tiles and columns, each from a first to an end. */
typedef struct ew_winograd_part {
  int32_t tile, tiles_end, column, columns_end;
} ew_winograd_part;

EW_INLINE void ew_winograd_run(const ew_winograd g, const ew_winograd_part part, const float *x,
                               const float *u, const float *bias, const float *skip, float lo,
                               float hi, float *y) {
  const ptrdiff_t u_step = (ptrdiff_t)g.s.in_c * 16;
  for (int32_t first = part.tile; first < part.tiles_end; first += g.block) {
    const int32_t count = ew_min_i32(g.block, part.tiles_end - first);
    ew_winograd_inputs(&g, x, first, count);
    for (int32_t n = part.column; n < part.columns_end; n += EW_F32_COLUMNS) {
      const int32_t columns = ew_min_i32(EW_F32_COLUMNS, part.columns_end - n);
      ew_winograd_products(&g, u + n * u_step, u_step, count, columns);
      ew_winograd_outputs(&g, bias, skip, lo, hi, y, first, count, n, columns);
    }
  }
}

/* y = clamp(conv(x, w) + bias + skip, lo, hi); as ew_conv_f32, for 3x3 windows at stride 1.

   Channels in and out are multiples of 16. u [out_c / 16][16 positions][in_c][16] from
   pack_winograd_f32; bias [out_c]; scratch: winograd_scratch_bytes(…) bytes, aligned to 64. */
EW_INLINE void ew_conv_winograd_f32(const ew_conv_shape s, const float *x, const float *u,
                                    const float *bias, const float *skip, float lo, float hi,
                                    float *y, void *scratch) {
  const ew_winograd g = ew_winograd_of(s, scratch);
  const ew_winograd_part all = {0, g.tiles, 0, s.out_c};
  ew_winograd_run(g, all, x, u, bias, skip, lo, hi, y);
}

#endif
