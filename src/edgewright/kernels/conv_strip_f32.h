/* float32 convolution with windows of one row or column, 3 to 8 taps at stride 1, by products of
   halves (Karatsuba): y0 = (x0 - x1) g0 + x1 (g0 + g1) and y1 = x1 (g0 + g1) + (x2 - x1) g1 take
   three products instead of four, and each may stand for half of a longer window. Three levels give
   eight results of seven taps by 26 products instead of 56, without a larger rounding error. */
#ifndef EW_CONV_STRIP_F32_H
#define EW_CONV_STRIP_F32_H
#include "conv_rows.h"
#include "tile_f32.h"

#define EW_STRIP_RESULTS 8
#define EW_STRIP_INPUTS 15
#define EW_STRIP_PRODUCTS 27
#define EW_STRIP_COLUMNS 64

/* Tiles that are worked on at once, about: of many channels more, since their weights exceed the
   second cache (17x17x192: 48 tiles take 796 us, 24 take 870). ops/strips.py says the same. */
EW_INLINE int32_t ew_strip_tiles(int32_t channels) { return channels > 64 ? 48 : 24; }

/* What all steps of one convolution share. A tile is eight results of a line, or what is left. */
typedef struct ew_strip {
  ew_conv_shape s;
  int32_t taps, pad, lines, length; /* of one image: lines, and results of each */
  int32_t full, rest;               /* whole tiles of a line, results of the last one */
  int32_t whole, tiles, block;      /* of all images: whole tiles (they come first), all, at once */
  ptrdiff_t along, beside;          /* pixels from one result, or line, to the next */
  ptrdiff_t v_step, m_step;         /* floats between two products */
  float *zeros, *v, *m;
} ew_strip;

/* The first tap, or result, that product q belongs to; digits 0, 1, 2 are x0 - x1, x1, x2 - x1. */
EW_INLINE int32_t ew_strip_least(int32_t q) {
  return (q / 9 == 2) * 4 + (q / 3 % 3 == 2) * 2 + (q % 3 == 2);
}

EW_INLINE ew_strip ew_strip_of(const ew_conv_shape s, void *scratch) {
  ew_strip g = {.s = s};
  const int tall = s.kernel_w == 1;
  g.taps = tall ? s.kernel_h : s.kernel_w;
  g.pad = tall ? s.pad_top : s.pad_left;
  g.length = tall ? s.out_h : s.out_w;
  g.lines = tall ? s.out_w : s.out_h;
  g.along = tall ? s.in_w : 1;
  g.beside = tall ? 1 : s.in_w;
  g.full = g.length / EW_STRIP_RESULTS;
  g.rest = g.length - g.full * EW_STRIP_RESULTS;
  g.whole = s.batch * g.lines * g.full;
  g.tiles = g.whole + (g.rest ? s.batch * g.lines : 0);
  const int32_t fit = ew_strip_tiles(s.in_c);
  const int32_t blocks = ew_max_i32(1, (g.tiles + fit / 2) / fit);
  g.block = (g.tiles + blocks - 1) / blocks;
  g.v_step = (ptrdiff_t)g.block * s.in_c + 16; /* not a multiple of 4096 bytes: see caches */
  g.m_step = (ptrdiff_t)g.block * ew_min_i32(s.out_c, EW_STRIP_COLUMNS) + 16;
  g.zeros = scratch;
  g.v = g.zeros + ew_max_i32(s.in_c, 64);
  g.m = g.v + EW_STRIP_PRODUCTS * g.v_step;
  __builtin_memset(g.zeros, 0, (size_t)ew_max_i32(s.in_c, 64) * 4);
  return g;
}

/* Where a tile lies: its line (of all images), its first result, and how many it has. */
typedef struct ew_strip_tile {
  int32_t line, first, count;
} ew_strip_tile;

EW_INLINE ew_strip_tile ew_strip_at(const ew_strip *g, int32_t tile) {
  if (tile >= g->whole)
    return (ew_strip_tile){tile - g->whole, g->full * EW_STRIP_RESULTS, g->rest};
  const int32_t line = tile / g->full;
  return (ew_strip_tile){line, (tile - line * g->full) * EW_STRIP_RESULTS, EW_STRIP_RESULTS};
}

/* Pixels before input `at` of a line; images have `image` pixels. */
EW_INLINE ptrdiff_t ew_strip_pixel(const ew_strip *g, int32_t line, int32_t at, ptrdiff_t image) {
  const int32_t which = line / g->lines;
  return which * image + (line - which * g->lines) * g->beside + at * g->along;
}

/* Three differences of parts that overlap by half: of 2 n - 1 values each. */
EW_INLINE void ew_strip_split(const ew_f32x16 *x, const int n, ew_f32x16 *parts) {
  EW_UNROLL for (int i = 0; i < 2 * n - 1; ++i) {
    parts[i] = ew_f32_sub(x[i], x[n + i]);
    parts[2 * n - 1 + i] = x[n + i];
    parts[2 * (2 * n - 1) + i] = ew_f32_sub(x[2 * n + i], x[n + i]);
  }
}

/* Transforms one tile for all channels: v[product][channel]. */
EW_KERNEL void ew_strip_input(const float *const at[EW_STRIP_INPUTS], int32_t channels, float *v,
                              ptrdiff_t v_step) {
  for (int32_t c = 0; c < channels; c += 16) {
    ew_f32x16 x[EW_STRIP_INPUTS], four[21], two[9], one[3];
    EW_UNROLL for (int i = 0; i < EW_STRIP_INPUTS; ++i) x[i] = ew_f32_load(at[i] + c);
    ew_strip_split(x, 4, four);
    EW_UNROLL for (int i = 0; i < 3; ++i) {
      ew_strip_split(four + 7 * i, 2, two);
      EW_UNROLL for (int j = 0; j < 3; ++j) {
        ew_strip_split(two + 3 * j, 1, one);
        EW_UNROLL for (int k = 0; k < 3; ++k)
          ew_f32_store(v + (9 * i + 3 * j + k) * v_step + c, one[k]);
      }
    }
  }
}

EW_INLINE void ew_strip_inputs(const ew_strip *g, const float *x, int32_t first, int32_t count) {
  const ew_conv_shape *const s = &g->s;
  const int32_t size = s->kernel_w == 1 ? s->in_h : s->in_w;
  for (int32_t t = 0; t < count; ++t) {
    const ew_strip_tile tile = ew_strip_at(g, first + t);
    const float *at[EW_STRIP_INPUTS];
    for (int32_t i = 0; i < EW_STRIP_INPUTS; ++i) {
      const int32_t from = tile.first - g->pad + i;
      const ptrdiff_t pixel = ew_strip_pixel(g, tile.line, from, (ptrdiff_t)s->in_h * s->in_w);
      at[i] = (uint32_t)from < (uint32_t)size ? x + pixel * s->in_c : g->zeros;
    }
    ew_strip_input(at, s->in_c, g->v + (ptrdiff_t)t * s->in_c, g->v_step);
  }
}

/* m[product][tile] = v[product][tile] * u[product] for up to EW_F32_COLUMNS columns. */
EW_INLINE void ew_strip_products(const ew_strip *g, const float *u, ptrdiff_t w_block,
                                 int32_t first, int32_t count, int32_t columns) {
  const int32_t channels = g->s.in_c;
  const void *rows[EW_F32_ROWS];
  for (int32_t q = 0; q < EW_STRIP_PRODUCTS; ++q) {
    const int32_t least = ew_strip_least(q);
    if (least >= g->taps) continue;
    const int32_t end = least < g->rest ? count : ew_min_i32(count, g->whole - first);
    const float *const next = u + (ptrdiff_t)channels * 16;
    for (int32_t t = 0; t < end; t += EW_F32_ROWS) {
      const int32_t part = t / EW_F32_ROWS * 2; /* of the next product's weights: fetched ahead */
      const ew_tile_f32 tile = {.rows = rows, .w = u, .bias = g->zeros, .w_block = w_block,
                                .y = g->m + q * g->m_step + (ptrdiff_t)t * columns,
                                .y_row = columns, .taps = 1, .depth = channels,
                                .m = ew_min_i32(end - t, EW_F32_ROWS), .n = columns,
                                .lo = -EW_INFINITY, .hi = EW_INFINITY,
                                .ahead = 16 * part < columns ? next + part * w_block : u};
      ew_point_matrix(g->v + q * g->v_step + (ptrdiff_t)t * channels, channels * 4, tile.m,
                      EW_F32_ROWS, rows);
      ew_tile_f32_run(&tile);
    }
    u = next;
  }
}

/* The sums of three parts: n results of the first and the middle one, n of that and the last. */
EW_INLINE void ew_strip_join(const ew_f32x16 *parts, const int n, ew_f32x16 *y) {
  EW_UNROLL for (int i = 0; i < n; ++i) {
    y[i] = ew_f32_add(parts[i], parts[n + i]);
    y[n + i] = ew_f32_add(parts[n + i], parts[2 * n + i]);
  }
}

/* Eight results of 16 channels. Products that are left out for want of taps are 0; those for want
   of results may be anything, and belong to results that are not stored. */
EW_INLINE void ew_strip_results(const float *m, ptrdiff_t m_step, int32_t taps, ew_f32x16 *y) {
  ew_f32x16 one[3], two[6], four[12];
  EW_UNROLL for (int i = 0; i < 3; ++i) {
    EW_UNROLL for (int j = 0; j < 3; ++j) {
      EW_UNROLL for (int k = 0; k < 3; ++k) {
        const int q = 9 * i + 3 * j + k;
        one[k] = ew_strip_least(q) < taps ? ew_f32_load(m + q * m_step) : ew_f32_dup(0.0f);
      }
      ew_strip_join(one, 1, two + 2 * j);
    }
    ew_strip_join(two, 2, four + 4 * i);
  }
  ew_strip_join(four, 4, y);
}

/* Where the results of a tile go. */
typedef struct ew_strip_out {
  float *y;
  const float *skip; /* or null */
  ptrdiff_t step;    /* floats between two results */
  float lo, hi;
  int32_t count, taps;
} ew_strip_out;

EW_KERNEL void ew_strip_output(const float *m, ptrdiff_t m_step, const float *bias,
                               const ew_strip_out *o) {
  ew_f32x16 y[EW_STRIP_RESULTS];
  ew_strip_results(m, m_step, o->taps, y);
  const ew_f32x16 offset = ew_f32_load(bias), lo = ew_f32_dup(o->lo), hi = ew_f32_dup(o->hi);
  EW_UNROLL for (int i = 0; i < EW_STRIP_RESULTS; ++i) {
    if (i >= o->count) break;
    ew_f32x16 v = ew_f32_add(y[i], offset);
    if (o->skip) v = ew_f32_add(v, ew_f32_load(o->skip + i * o->step));
    ew_f32_store(o->y + i * o->step, ew_f32_clamp(v, lo, hi));
  }
}

EW_INLINE void ew_strip_outputs(const ew_strip *g, const float *bias, const float *skip, float lo,
                                float hi, float *y, int32_t first, int32_t count, int32_t n,
                                int32_t columns) {
  const ew_conv_shape *const s = &g->s;
  const int tall = s->kernel_w == 1;
  const ptrdiff_t along = tall ? s->out_w : 1, beside = tall ? 1 : s->out_w;
  for (int32_t t = 0; t < count; ++t) {
    const ew_strip_tile tile = ew_strip_at(g, first + t);
    const int32_t image = tile.line / g->lines;
    const ptrdiff_t pixel = (ptrdiff_t)image * s->out_h * s->out_w +
                            (tile.line - image * g->lines) * beside + tile.first * along;
    for (int32_t j = 0; j < columns; j += 16) {
      const ptrdiff_t at = pixel * s->out_c + n + j;
      const ew_strip_out o = {y + at, skip ? skip + at : skip, along * s->out_c, lo, hi,
                              tile.count, g->taps};
      ew_strip_output(g->m + (ptrdiff_t)t * columns + j, g->m_step, bias + n + j, &o);
    }
  }
}

/* Columns `column` to `end`, of which `column` is a multiple of 16. */
EW_DRIVER void ew_conv_strip_f32_part(const ew_conv_shape s, int32_t column, int32_t end,
                                      const float *x, const float *u, const float *bias,
                                      const float *skip, float lo, float hi, float *y,
                                      void *scratch) {
  const ew_strip g = ew_strip_of(s, scratch);
  int32_t products = 0;
  for (int32_t q = 0; q < EW_STRIP_PRODUCTS; ++q) products += ew_strip_least(q) < g.taps;
  const ptrdiff_t w_block = (ptrdiff_t)products * s.in_c * 16;
  for (int32_t first = 0; first < g.tiles; first += g.block) {
    const int32_t count = ew_min_i32(g.block, g.tiles - first);
    ew_strip_inputs(&g, x, first, count);
    for (int32_t n = column; n < end; n += EW_F32_COLUMNS) {
      const int32_t columns = ew_min_i32(EW_F32_COLUMNS, end - n);
      ew_strip_products(&g, u + n / 16 * w_block, w_block, first, count, columns);
      ew_strip_outputs(&g, bias, skip, lo, hi, y, first, count, n, columns);
    }
  }
}

/* As ew_conv_f32, for windows of one row or column at stride 1 without dilation along them.

   Channels in and out are multiples of 16. u [out_c / 16][products][in_c][16] from
   strips.weights; bias [out_c]; scratch: strips.scratch_bytes(…) bytes, aligned to 64. */
EW_INLINE void ew_conv_strip_f32(const ew_conv_shape s, const float *x, const float *u,
                                 const float *bias, const float *skip, float lo, float hi,
                                 float *y, void *scratch) {
  ew_conv_strip_f32_part(s, 0, s.out_c, x, u, bias, skip, lo, hi, y, scratch);
}

#endif
