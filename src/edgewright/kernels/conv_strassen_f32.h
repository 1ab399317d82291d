/* float32 products of matrices, and 1x1 convolutions, by one level of Strassen's algorithm, in
   Winograd's form: seven products of halves instead of eight.

   Rows, depth and columns of y = x w are halved. With a11 to a22 for x and b11 to b22 for w,
     s1 = a21 + a22   s2 = s1 - a11   s3 = a11 - a21   s4 = a12 - s2
     y11 = a11 b11 + a12 b21          u = a11 b11 + s2 t2           v = u + s3 t3
     y12 = u + s1 t1 + s4 b22         y21 = v + a22 t4              y22 = v + s1 t1
   where t1 = b12 - b11, t2 = b22 - t1, t3 = b22 - b12 and t4 = b21 - t2 are packed weights.
   Rows are halved in blocks, whose sums of halves stay in the second cache; all rows of a block
   pass the seven factors of 64 columns in turn, and products are added up on their way out of the
   registers. Weights lie in the order in which they are read. */
#ifndef EW_CONV_STRASSEN_F32_H
#define EW_CONV_STRASSEN_F32_H
#include "conv_rows.h"
#include "tile_f32.h"

/* Bytes of s1 to s4, and the most and the fewest pairs of rows, of a block: few read the weights
   more often. ops/strassen.py says the same. */
#define EW_STRASSEN_BYTES (384 * 1024)
#define EW_STRASSEN_MOST 48
#define EW_STRASSEN_FEWEST 24
#define EW_STRASSEN_COLUMNS 64 /* of the sums u and v: EW_F32_COLUMNS of any ISA */
/* Products that are summed one after the other; fewer than EW_F32_SUM, which takes back half of
   what the larger factors add to rounding errors. */
#define EW_STRASSEN_SUM 96
/* Floats between two rows of s1 to s4 beside their own: rows a multiple of 4096 bytes apart would
   share one set of the first cache. */
#define EW_STRASSEN_GAP 16

#define EW_STRASSEN_HELD (16 * 24) /* of the largest tile of any ISA */

#if EW_F32_ROWS < 6
#define EW_STRASSEN_ROWS EW_F32_ROWS
#else
#define EW_STRASSEN_ROWS 6
#endif

/* The seven packed factors, in the order in which products are taken. */
enum { EW_STRASSEN_B11, EW_STRASSEN_B21, EW_STRASSEN_T2, EW_STRASSEN_T3, EW_STRASSEN_T4,
       EW_STRASSEN_T1, EW_STRASSEN_B22, EW_STRASSEN_PRODUCTS };

/* One product and what becomes of it: a sum, a result, or both.
   to = from + product; result = clamp(before + product + bias + skip), as `result` says. */
typedef struct ew_strassen_part {
  ew_tile_f32 result; /* y: null if there is none; m: rows of it that exist; ahead: see below */
  const float *x;       /* the left factor's rows, of which `count` exist */
  ptrdiff_t x_row;      /* floats between two of them */
  int32_t count;
  ptrdiff_t ahead_step; /* bytes to fetch ahead for each element of a row */
  const float *before;
  const float *from;  /* null: 0; may be `to` */
  float *to;          /* null: no sum */
  float *held;        /* EW_STRASSEN_HELD floats: the stack has no room for them */
  int32_t m;          /* rows of the product that are left */
} ew_strassen_part;

/* As ew_tile_f32_tap, but fetches the weights that are read next evenly: fewer would be there in
   time where few rows share them. */
EW_INLINE void ew_strassen_tap(const ew_strassen_part *p, int32_t first, int32_t end,
                               const int rows, const int blocks,
                               ew_f32x16 acc[EW_F32_ROWS][4]) {
  const ew_tile_f32 *const t = &p->result;
  const ptrdiff_t step = p->x_row;
  const float *x[EW_F32_ROWS];
  EW_UNROLL for (int i = 0; i < rows; ++i)
    x[i] = p->x + ew_min_i32(i, p->count - 1) * step + first;
#if defined(EW_NEON_TILES)
  ew_neon_f32_sum(x, t->w + (ptrdiff_t)first * 16, t->w_block, end - first, rows, blocks, acc);
#else
  const float *w = t->w + (ptrdiff_t)first * 16;
  const char *ahead = (const char *)t->ahead + first * p->ahead_step;
  for (ptrdiff_t k = 0; k < end - first; ++k, w += 16, ahead += p->ahead_step) {
    ew_f32x16 columns[4];
    EW_UNROLL for (int j = 0; j < blocks; ++j) columns[j] = ew_f32_load(w + j * t->w_block);
    __builtin_prefetch(ahead, 0, 2);
    EW_UNROLL for (int i = 0; i < rows; ++i) {
      const ew_f32x16 value = ew_f32_dup(x[i][k]);
      EW_UNROLL for (int j = 0; j < blocks; ++j)
        acc[i][j] = ew_fma(value, columns[j], acc[i][j]);
    }
  }
#endif
}

/* The products of one tile, in short sums. */
EW_INLINE void ew_strassen_product(const ew_strassen_part *p, const int rows, const int blocks,
                                   ew_f32x16 acc[EW_F32_ROWS][4]) {
  EW_UNROLL for (int i = 0; i < rows; ++i)
    EW_UNROLL for (int j = 0; j < blocks; ++j) acc[i][j] = ew_f32_dup(0.0f);
  float *const held = p->held;
  const int32_t depth = p->result.depth;
  int32_t k = 0;
  for (; k + EW_STRASSEN_SUM < depth; k += EW_STRASSEN_SUM) {
    ew_strassen_tap(p, k, k + EW_STRASSEN_SUM, rows, blocks, acc);
    ew_tile_f32_hold(held, k > 0, rows, blocks, acc);
  }
  ew_strassen_tap(p, k, depth, rows, blocks, acc);
  if (k == 0) return;
  EW_UNROLL for (int i = 0; i < rows; ++i)
    EW_UNROLL for (int j = 0; j < blocks; ++j)
      acc[i][j] = ew_f32_add(ew_f32_load(held + 16 * (i * blocks + j)), acc[i][j]);
}

EW_INLINE void ew_strassen_keep(const ew_strassen_part *p, const int rows, const int blocks,
                                ew_f32x16 acc[EW_F32_ROWS][4]) {
  EW_UNROLL for (int i = 0; i < rows; ++i) {
    if (i >= p->m) continue;
    EW_UNROLL for (int j = 0; j < blocks; ++j) {
      const ptrdiff_t at = i * EW_STRASSEN_COLUMNS + 16 * j;
      const ew_f32x16 v = acc[i][j];
      ew_f32_store(p->to + at, p->from ? ew_f32_add(ew_f32_load(p->from + at), v) : v);
    }
  }
}

EW_INLINE void ew_strassen_finish(const ew_strassen_part *p, const int rows, const int blocks,
                                  ew_f32x16 acc[EW_F32_ROWS][4]) {
  const ew_tile_f32 *const t = &p->result;
  EW_UNROLL for (int i = 0; i < rows; ++i) {
    if (i >= t->m) continue;
    EW_UNROLL for (int j = 0; j < blocks; ++j) {
      const ew_f32x16 before = ew_f32_load(p->before + i * EW_STRASSEN_COLUMNS + 16 * j);
      const ew_f32x16 v = ew_f32_add(ew_f32_add(before, acc[i][j]), ew_f32_load(t->bias + 16 * j));
      ew_tile_f32_store(t, i * t->y_row + 16 * j, v, 16);
    }
  }
}

/* Moves on by `rows` rows. */
EW_INLINE void ew_strassen_next(ew_strassen_part *p, const int rows) {
  ew_tile_f32 *const t = &p->result;
  t->ahead += p->ahead_step * t->depth / 4;
  t->m -= rows;
  p->m -= rows;
  p->x += ew_min_i32(rows, p->count - 1) * p->x_row;
  p->count = ew_max_i32(1, p->count - rows);
  if (t->y) t->y += rows * t->y_row;
  if (t->skip) t->skip += rows * t->y_row;
  if (p->before) p->before += rows * EW_STRASSEN_COLUMNS;
  if (p->from) p->from += rows * EW_STRASSEN_COLUMNS;
  if (p->to) p->to += rows * EW_STRASSEN_COLUMNS;
}

/* Runs `tiles` tiles, the last of which may have fewer rows, and moves on. */
EW_INLINE void ew_strassen_body(ew_strassen_part *part, int32_t tiles, const int rows,
                                const int blocks) {
  ew_strassen_part p = *part; /* a store of results could change the original */
  for (; tiles > 0; --tiles) {
    ew_f32x16 acc[EW_F32_ROWS][4];
    ew_strassen_product(&p, rows, blocks, acc);
    if (p.to) ew_strassen_keep(&p, rows, blocks, acc);
    if (p.result.y) ew_strassen_finish(&p, rows, blocks, acc);
    ew_strassen_next(&p, rows);
  }
  *part = p;
}

#define EW_STRASSEN_TILES(name, rows, blocks) \
  EW_KERNEL void name(ew_strassen_part *p, int32_t tiles) { \
    ew_strassen_body(p, tiles, rows, blocks); \
  }
#if defined(EW_F32_WIDE_ROWS)
EW_STRASSEN_TILES(ew_strassen_6_wide, 6, 4)
EW_STRASSEN_TILES(ew_strassen_5_wide, 5, 4)
EW_STRASSEN_TILES(ew_strassen_4_wide, 4, 4)
EW_STRASSEN_TILES(ew_strassen_6_half, 6, 2)
#endif
EW_STRASSEN_TILES(ew_strassen_6, EW_STRASSEN_ROWS, 1)
#if !defined(EW_F32_WIDE_ROWS) && EW_STRASSEN_ROWS == 6
EW_STRASSEN_TILES(ew_strassen_5, 5, 1)
EW_STRASSEN_TILES(ew_strassen_4, 4, 1)
#endif

typedef void (*ew_strassen_kernel)(ew_strassen_part *p, int32_t tiles);

/* All rows of a product in tiles of six, five and four rows, so that few tiles are cut short. */
EW_INLINE void ew_strassen_heights(ew_strassen_part *p, ew_strassen_kernel six,
                                   ew_strassen_kernel five, ew_strassen_kernel four) {
  const int32_t tiles = (p->m + 5) / 6, less = 6 * tiles - p->m;
  const int32_t lower = less > 2 * tiles ? 0 : less, fours = ew_max_i32(lower - tiles, 0);
  const int32_t fives = lower - 2 * fours;
  if (tiles > fives + fours) six(p, tiles - fives - fours);
  if (fives) five(p, fives);
  if (fours) four(p, fours);
}

/* All rows of a product, of as many columns as ew_strassen_columns says. */
EW_INLINE void ew_strassen_rows(ew_strassen_part *p) {
#if defined(EW_F32_WIDE_ROWS)
  if (p->result.n == 64)
    ew_strassen_heights(p, ew_strassen_6_wide, ew_strassen_5_wide, ew_strassen_4_wide);
  else (p->result.n == 32 ? ew_strassen_6_half : ew_strassen_6)(p, (p->m + 5) / 6);
#elif EW_STRASSEN_ROWS == 6
  ew_strassen_heights(p, ew_strassen_6, ew_strassen_5, ew_strassen_4);
#else
  ew_strassen_6(p, (p->m + EW_STRASSEN_ROWS - 1) / EW_STRASSEN_ROWS);
#endif
}

/* Columns that are taken at once where `left` are left: a multiple of 16. */
EW_INLINE int32_t ew_strassen_columns(int32_t left) {
#if defined(EW_F32_WIDE_ROWS)
  return left >= 64 ? 64 : left >= 32 ? 32 : 16;
#else
  (void)left;
  return 16;
#endif
}

/* What all steps of one layer share. */
typedef struct ew_strassen {
  int32_t pixels, channels, columns;  /* of x and y */
  int32_t pairs;                      /* of rows in a block */
  ptrdiff_t row, step;                /* floats between two rows of s1 to s4, and from s1 to s2 */
  float *s, *u, *v, *held;
} ew_strassen;

/* Blocks of one size. */
EW_INLINE int32_t ew_strassen_pairs(int32_t pixels, int32_t channels) {
  const int32_t pairs = (pixels + 1) / 2, bytes = 16 * (channels / 2 + EW_STRASSEN_GAP);
  const int32_t fit = ew_clamp_i32(EW_STRASSEN_BYTES / bytes, EW_STRASSEN_FEWEST, EW_STRASSEN_MOST);
  const int32_t blocks = ew_max_i32(1, (pairs + fit / 2) / fit);
  return (pairs + blocks - 1) / blocks;
}

EW_INLINE ew_strassen ew_strassen_of(const ew_conv_shape *s, void *scratch) {
  ew_strassen g = {.pixels = s->batch * s->out_h * s->out_w, .channels = s->in_c,
                   .columns = s->out_c, .s = scratch};
  g.pairs = ew_strassen_pairs(g.pixels, g.channels);
  g.row = g.channels / 2 + EW_STRASSEN_GAP;
  g.step = g.pairs * g.row;
  g.u = g.s + 4 * g.step;
  g.v = g.u + g.pairs * EW_STRASSEN_COLUMNS + 16;
  g.held = g.v + g.pairs * EW_STRASSEN_COLUMNS + 16;
  return g;
}

/* s1 to s4 of a block of `top` pairs; where there are fewer rows below, the upper ones stand in. */
EW_KERNEL void ew_strassen_inputs(const ew_strassen *g, const float *x, int32_t top,
                                  int32_t bottom) {
  const int32_t half = g->channels / 2;
  for (int32_t r = 0; r < top; ++r, x += g->channels) {
    const float *const below = r < bottom ? x + (ptrdiff_t)top * g->channels : x;
    float *const s = g->s + r * g->row;
    for (int32_t k = 0; k < half; k += 16) {
      const ew_f32x16 a11 = ew_f32_load(x + k), a12 = ew_f32_load(x + half + k);
      const ew_f32x16 a21 = ew_f32_load(below + k), a22 = ew_f32_load(below + half + k);
      const ew_f32x16 s1 = ew_f32_add(a21, a22), s2 = ew_f32_sub(s1, a11);
      ew_f32_store(s + k, s1);
      ew_f32_store(s + g->step + k, s2);
      ew_f32_store(s + 2 * g->step + k, ew_f32_sub(a11, a21));
      ew_f32_store(s + 3 * g->step + k, ew_f32_sub(a12, s2));
    }
  }
}

/* A left factor by the packed one that `part` names, for all columns of a panel. */
EW_KERNEL void ew_strassen_pass(const ew_strassen_part *part) {
  ew_strassen_part columns = *part;
  ew_tile_f32 *const t = &columns.result;
  const int32_t tiles = (part->m + EW_STRASSEN_ROWS - 1) / EW_STRASSEN_ROWS;
  for (int32_t n = part->result.n; n > 0; n -= t->n) {
    t->n = ew_strassen_columns(n);
    const int32_t floats = t->n * t->depth;
    columns.ahead_step = t->ahead != t->w ? 4 * t->n / tiles : 0; /* a line holds 16 columns */
    ew_strassen_part p = columns;
    ew_strassen_rows(&p);
    t->w += floats;
    t->ahead += floats;
    t->bias += t->n;
    if (t->y) t->y += t->n;
    if (t->skip) t->skip += t->n;
    if (columns.before) columns.before += t->n;
    if (columns.from) columns.from += t->n;
    if (columns.to) columns.to += t->n;
  }
}

/* The rows of one block: `top` pairs, of which `bottom` have a lower row. */
typedef struct ew_strassen_block {
  const float *x;
  int32_t top, bottom;
} ew_strassen_block;

/* A step: the rows of its left factor, where the product goes, and which quarter of the result it
   ends in: 0 for none, 1 to 4 for y11, y12, y21 and y22. */
typedef struct ew_strassen_step {
  const float *x;
  ptrdiff_t x_row;
  int32_t count;
  const float *from;
  float *to;
  const float *before;
  int32_t quarter;
} ew_strassen_step;

/* Points the part at its quarter of the result; returns how many rows that has. */
EW_INLINE int32_t ew_strassen_point(const ew_strassen *g, const ew_strassen_block *b,
                                    int32_t quarter, ew_tile_f32 *t) {
  const int lower = quarter > 2, right = quarter == 2 || quarter == 4;
  const ptrdiff_t at = (lower ? b->top * t->y_row : 0) + (right ? g->columns / 2 : 0);
  if (!quarter) {
    t->y = (float *)0;
    t->skip = (const float *)0;
    return 0;
  }
  t->y += at;
  if (t->skip) t->skip += at;
  if (right) t->bias += g->columns / 2;
  return lower ? b->bottom : b->top;
}

/* The seven products of one block for columns of one panel; `t`: where y11's lie, their weights,
   and with `ahead` those of the columns that follow. */
EW_KERNEL void ew_strassen_panel(const ew_strassen *g, const ew_strassen_block *b,
                                 const ew_tile_f32 *t, ptrdiff_t factor) {
  const ptrdiff_t own = g->channels, row = g->row;
  const float *const x = b->x, *const s = g->s;
  const float *const a22 = x + (b->bottom ? b->top * own : 0) + t->depth;
  const int32_t top = b->top, below = ew_max_i32(b->bottom, 1);
  float *const u = g->u, *const v = g->v;
  const ew_strassen_step steps[EW_STRASSEN_PRODUCTS] = {
      [EW_STRASSEN_B11] = {x, own, top, 0, u, 0, 0},
      [EW_STRASSEN_B21] = {x + t->depth, own, top, 0, 0, u, 1},
      [EW_STRASSEN_T2] = {s + g->step, row, top, u, u, 0, 0},
      [EW_STRASSEN_T3] = {s + 2 * g->step, row, top, u, v, 0, 0},
      [EW_STRASSEN_T4] = {a22, own, below, 0, 0, v, 3},
      [EW_STRASSEN_T1] = {s, row, top, u, u, v, 4},
      [EW_STRASSEN_B22] = {s + 3 * g->step, row, top, 0, 0, u, 2},
  };
  for (int32_t i = 0; i < EW_STRASSEN_PRODUCTS; ++i) {
    const ew_strassen_step e = steps[i];
    ew_strassen_part p = {.result = *t, .x = e.x, .x_row = e.x_row, .count = e.count, .m = top,
                          .before = e.before, .from = e.from, .to = e.to, .held = g->held};
    p.result.w += i * factor;
    if (i + 1 < EW_STRASSEN_PRODUCTS) p.result.ahead = p.result.w + factor;
    p.result.m = ew_strassen_point(g, b, e.quarter, &p.result);
    ew_strassen_pass(&p);
  }
}

/* Some of the blocks, and of the columns of a half, each from a first to an end. */
typedef struct ew_strassen_range {
  int32_t block, blocks_end, column, columns_end;
} ew_strassen_range;

EW_INLINE int32_t ew_strassen_blocks(const ew_strassen *g) {
  return (g->pixels + 2 * g->pairs - 1) / (2 * g->pairs);
}

/* Columns n to `end` of a half, all in one panel, of the block that starts at row m. */
EW_KERNEL void ew_strassen_columns_of(const ew_strassen *g, const ew_strassen_block *b,
                                      const ew_tile_f32 *first, int32_t m, int32_t n, int32_t end) {
  const int32_t start = n & -EW_STRASSEN_COLUMNS, half = g->columns / 2, depth = first->depth;
  const int32_t width = ew_min_i32(half - start, EW_STRASSEN_COLUMNS);
  const ptrdiff_t at = (ptrdiff_t)m * g->columns + n;
  const float *const panel = first->w + (ptrdiff_t)start * EW_STRASSEN_PRODUCTS * depth;
  ew_tile_f32 t = *first;
  t.n = end - n;
  t.w = panel + (ptrdiff_t)(n - start) * depth;
  t.ahead = start + width < half ? panel + (ptrdiff_t)width * EW_STRASSEN_PRODUCTS * depth : t.w;
  t.bias += n;
  t.y += at;
  if (t.skip) t.skip += at;
  ew_strassen_panel(g, b, &t, (ptrdiff_t)width * depth);
}

/* `first`: weights, bias, residual, results and clamp of the whole layer. */
EW_KERNEL void ew_strassen_run(const ew_strassen *g, const ew_strassen_range *range,
                               const float *x, const ew_tile_f32 *first) {
  for (int32_t i = range->block; i < range->blocks_end; ++i) {
    const int32_t m = i * 2 * g->pairs, rows = ew_min_i32(g->pixels - m, 2 * g->pairs);
    const int32_t top = (rows + 1) / 2;
    const ew_strassen_block b = {x + (ptrdiff_t)m * g->channels, top, rows - top};
    ew_strassen_inputs(g, b.x, b.top, b.bottom);
    for (int32_t n = range->column; n < range->columns_end;) {
      const int32_t next = (n & -EW_STRASSEN_COLUMNS) + EW_STRASSEN_COLUMNS;
      const int32_t end = ew_min_i32(next, range->columns_end);
      ew_strassen_columns_of(g, &b, first, m, n, end);
      n = end;
    }
  }
}

EW_INLINE ew_tile_f32 ew_strassen_layer(const ew_conv_shape *s, const float *w, const float *bias,
                                        const float *skip, float lo, float hi, float *y) {
  return (ew_tile_f32){.w = w, .bias = bias, .skip = skip, .y = y,
                       .w_block = (ptrdiff_t)s->in_c / 2 * 16, .y_row = s->out_c, .taps = 1,
                       .depth = s->in_c / 2, .lo = lo, .hi = hi};
}

/* y = clamp(x w + bias + skip, lo, hi); as ew_conv_f32, for what ew_conv_is_matrix.

   Channels in and out are multiples of 32. w [out_c / 128][7][4][in_c / 2][16], the last panel
   narrower, from strassen.weights; bias [out_c]; scratch: strassen.scratch_bytes(…) bytes, aligned
   to 64. */
EW_INLINE void ew_conv_strassen_f32(const ew_conv_shape s, const float *x, const float *w,
                                    const float *bias, const float *skip, float lo, float hi,
                                    float *y, void *scratch) {
  const ew_strassen g = ew_strassen_of(&s, scratch);
  const ew_strassen_range all = {0, ew_strassen_blocks(&g), 0, s.out_c / 2};
  const ew_tile_f32 layer = ew_strassen_layer(&s, w, bias, skip, lo, hi, y);
  ew_strassen_run(&g, &all, x, &layer);
}

#endif
