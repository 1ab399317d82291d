/* Micro-kernels of the float32 matrix product: one register tile each. */
#ifndef EW_TILE_F32_H
#define EW_TILE_F32_H
#include "tile_neon.h"

/* Accumulators of the largest tile. */
#define EW_F32_TILE (EW_F32_ROWS * EW_F32_BLOCKS > 4 ? EW_F32_ROWS * EW_F32_BLOCKS : 4)

#if defined(EW_F32_WIDE_ROWS)
#define EW_F32_COLUMNS 64 /* that a tile has at most */
#define EW_F32_AHEAD(statement) statement
#else
#define EW_F32_COLUMNS (16 * EW_F32_BLOCKS)
#define EW_F32_AHEAD(statement)
#endif

/* y[i][c] = clamp(bias[c] + sum over taps and depth of x[i][k] * w[k][c] (+ skip[i][c])) */
typedef struct ew_tile_f32 {
  const void *const *rows; /* [taps][EW_F32_ROWS]: `depth` floats each */
  const float *w;          /* blocks of 16 columns: [taps * depth][16] */
  const float *bias;       /* [16 * blocks] */
  const float *skip;       /* laid out as y, or null; may be y */
  float *y;
  ptrdiff_t w_block, y_row; /* floats between two blocks of w, two rows of y */
  int32_t taps, depth;
  int32_t across;           /* taps of a line after which `gap` floats of w are left out, or 0 */
  ptrdiff_t gap;
  int32_t m, n;             /* rows and columns that exist */
  float lo, hi;
  const float *ahead;       /* as many floats as one block of w: what is read soon; may be w */
} ew_tile_f32;

/* Products that are summed one after the other: longer sums are split, since rounding errors grow
   with the length. Moving them costs less than can be measured. */
#define EW_F32_SUM 128

/* Adds the products of elements [first, end) of one tap, whose weights start at t->w + at, to the
   accumulators. */
EW_INLINE void ew_tile_f32_tap(const ew_tile_f32 *t, int32_t tap, ptrdiff_t at, int32_t first,
                               int32_t end, const int rows, const int blocks,
                               ew_f32x16 acc[EW_F32_ROWS][4]) {
  const float *x[EW_F32_ROWS];
  at += (ptrdiff_t)first * 16;
  const float *w = t->w + at;
  EW_UNROLL for (int i = 0; i < rows; ++i)
    x[i] = (const float *)t->rows[tap * EW_F32_ROWS + i] + first;
#if defined(EW_NEON_TILES)
  ew_neon_f32_sum(x, w, t->w_block, end - first, rows, blocks, acc);
#else
  EW_F32_AHEAD(const char *const ahead = (const char *)(t->ahead + at);)
  for (ptrdiff_t k = 0; k < end - first; ++k) {
    ew_f32x16 columns[4];
    EW_UNROLL for (int j = 0; j < blocks; ++j) columns[j] = ew_f32_load(w + j * t->w_block);
    w += 16;
    EW_F32_AHEAD(if (rows > 1 && blocks == 4) __builtin_prefetch(ahead + k * 64, 0, 2);)
    EW_UNROLL for (int i = 0; i < rows; ++i) {
      const ew_f32x16 value = ew_f32_dup(x[i][k]);
      EW_UNROLL for (int j = 0; j < blocks; ++j)
        acc[i][j] = ew_fma(value, columns[j], acc[i][j]);
    }
  }
#endif
}

/* Moves the accumulators to `held`, and adds what is there already. */
EW_INLINE void ew_tile_f32_hold(float *held, int more, const int rows, const int blocks,
                                ew_f32x16 acc[EW_F32_ROWS][4]) {
  EW_UNROLL for (int i = 0; i < rows; ++i)
    EW_UNROLL for (int j = 0; j < blocks; ++j) {
      float *const p = held + 16 * (i * blocks + j);
      if (more) acc[i][j] = ew_f32_add(ew_f32_load(p), acc[i][j]);
      ew_f32_store(p, acc[i][j]);
      __asm__ volatile("" ::: "memory"); /* one by one: there are no registers for more */
      acc[i][j] = ew_f32_dup(0.0f);
    }
}

EW_INLINE void ew_tile_f32_store(const ew_tile_f32 *t, ptrdiff_t at, ew_f32x16 v, int n) {
  if (t->skip)
    v = ew_f32_add(v, n < 16 ? ew_f32_load_n(t->skip + at, n) : ew_f32_load(t->skip + at));
  v = ew_f32_clamp(v, ew_f32_dup(t->lo), ew_f32_dup(t->hi));
  if (n < 16) ew_f32_store_n(t->y + at, v, n);
  else ew_f32_store(t->y + at, v);
}

EW_INLINE void ew_tile_f32_sum(const ew_tile_f32 *t, const int rows, const int blocks,
                               ew_f32x16 acc[EW_F32_ROWS][4]) {
  EW_UNROLL for (int j = 0; j < blocks; ++j) {
    const ew_f32x16 bias = ew_f32_load(t->bias + 16 * j);
    EW_UNROLL for (int i = 0; i < rows; ++i) acc[i][j] = bias;
  }
  float held[16 * EW_F32_TILE];
  __asm__("" : "=m"(held)); /* nothing; gcc does not see that it is written before it is read */
  int32_t length = 0;
  int more = 0;
  ptrdiff_t at = 0;
  for (int32_t tap = 0, column = 0; tap < t->taps; ++tap) {
    for (int32_t k = 0; k < t->depth; k += EW_F32_SUM) {
      const int32_t end = ew_min_i32(t->depth, k + EW_F32_SUM);
      if (length + end - k > EW_F32_SUM) {
        ew_tile_f32_hold(held, more, rows, blocks, acc);
        more = 1;
        length = 0;
      }
      length += end - k;
      ew_tile_f32_tap(t, tap, at, k, end, rows, blocks, acc);
    }
    at += (ptrdiff_t)t->depth * 16;
    if (++column != t->across) continue;
    at += t->gap;
    column = 0;
  }
  if (!more) return;
  EW_UNROLL for (int i = 0; i < rows; ++i)
    EW_UNROLL for (int j = 0; j < blocks; ++j)
      acc[i][j] = ew_f32_add(ew_f32_load(held + 16 * (i * blocks + j)), acc[i][j]);
}

#if EW_SMALL
/* Finishes block j of the sums [rows][16]: one copy for all kernels. */
EW_KERNEL void ew_tile_f32_finish(const ew_tile_f32 *tile, const float *sums, int32_t rows,
                                  int32_t j) {
  const ew_tile_f32 t = *tile; /* a store of results could change the original */
  const int32_t n = ew_min_i32(16, t.n - 16 * j);
  EW_ROLLED for (int32_t i = 0; i < ew_min_i32(rows, t.m); ++i)
    ew_tile_f32_store(&t, i * t.y_row + 16 * j, ew_f32_load(sums + 16 * i), n);
}
EW_INLINE void ew_tile_f32_body(const ew_tile_f32 *t, const int rows, const int blocks) {
  float sums[16 * EW_F32_TILE];
  ew_f32x16 acc[EW_F32_ROWS][4];
  ew_tile_f32_sum(t, rows, blocks, acc);
  EW_UNROLL for (int j = 0; j < blocks; ++j)
    EW_UNROLL for (int i = 0; i < rows; ++i) ew_f32_store(sums + 16 * (j * rows + i), acc[i][j]);
  EW_ROLLED for (int j = 0; j < blocks; ++j) ew_tile_f32_finish(t, sums + 16 * j * rows, rows, j);
}
#else
EW_INLINE void ew_tile_f32_body(const ew_tile_f32 *tile, const int rows, const int blocks) {
  const ew_tile_f32 copy = *tile; /* a store of results could change the original */
  const ew_tile_f32 *const t = &copy;
  ew_f32x16 acc[EW_F32_ROWS][4];
  ew_tile_f32_sum(t, rows, blocks, acc);
  const int last = t->n - 16 * (blocks - 1);
  EW_UNROLL for (int i = 0; i < rows; ++i) {
    if (i >= t->m) continue;
    EW_UNROLL for (int j = 0; j < blocks; ++j)
      ew_tile_f32_store(t, i * t->y_row + 16 * j, acc[i][j], j + 1 < blocks ? 16 : last);
  }
}
#endif

#define EW_TILE_F32(name, rows, blocks) \
  EW_KERNEL void name(const ew_tile_f32 *t) { ew_tile_f32_body(t, rows, blocks); }
EW_TILE_F32(ew_tile_f32_full, EW_F32_ROWS, EW_F32_BLOCKS)
EW_TILE_F32(ew_tile_f32_half, EW_F32_ROWS / 2, EW_F32_BLOCKS)
#if EW_F32_BLOCKS > 1
EW_TILE_F32(ew_tile_f32_full_narrow, EW_F32_ROWS, 1)
EW_TILE_F32(ew_tile_f32_half_narrow, EW_F32_ROWS / 2, 1)
#else
#define ew_tile_f32_full_narrow ew_tile_f32_full
#define ew_tile_f32_half_narrow ew_tile_f32_half
#endif
#if EW_F32_ROWS == 12
EW_TILE_F32(ew_tile_f32_eight, 8, EW_F32_BLOCKS)
#else
#define ew_tile_f32_eight ew_tile_f32_full
#endif
EW_TILE_F32(ew_tile_f32_row_1, 1, 1)
EW_TILE_F32(ew_tile_f32_row_2, 1, 2)
EW_TILE_F32(ew_tile_f32_row_4, 1, 4)

/* One row: as many columns at once as there are, since it is bound by latency or memory. */
EW_KERNEL void ew_tile_f32_row(ew_tile_f32 t) {
  const int32_t n = t.n;
  for (int32_t at = 0; at < n;) {
    const int32_t left = n - at, blocks = left > 48 ? 4 : left > 16 ? 2 : 1;
    t.n = ew_min_i32(left, 16 * blocks);
    if (blocks == 4) ew_tile_f32_row_4(&t);
    else if (blocks == 2) ew_tile_f32_row_2(&t);
    else ew_tile_f32_row_1(&t);
    at += 16 * blocks;
    t.w += blocks * t.w_block;
    t.bias += 16 * blocks;
    t.y += 16 * blocks;
    if (t.skip) t.skip += 16 * blocks;
  }
}

#if defined(EW_F32_WIDE_ROWS)
/* Fewer rows by 64 columns: rows that lie a multiple of 4096 bytes apart all share one set of the
   first cache, which has room for eight of them. Layers of 1024 and 2048 channels are 10 to 15 %
   faster than in tiles of 12 by 32, others 1 to 4 %. Four rows: sizes of square images leave 0, 1,
   3 or 4 of six. */
EW_TILE_F32(ew_tile_f32_wide, EW_F32_WIDE_ROWS, 4)
EW_TILE_F32(ew_tile_f32_wide_4, 4, 4)

EW_KERNEL void ew_tile_f32_run_wide(const ew_tile_f32 *tile) {
  ew_tile_f32 t = *tile;
  for (int32_t left = tile->m; left > 0; left -= EW_F32_WIDE_ROWS) {
    t.m = ew_min_i32(left, EW_F32_WIDE_ROWS);
    if (t.m == 1) ew_tile_f32_row(t);
    else (t.m <= 4 ? ew_tile_f32_wide_4 : ew_tile_f32_wide)(&t);
    t.rows += EW_F32_WIDE_ROWS;
    t.y += EW_F32_WIDE_ROWS * t.y_row;
    if (t.skip) t.skip += EW_F32_WIDE_ROWS * t.y_row;
    if (t.ahead != t.w) t.ahead += t.w_block;
  }
}
#endif

/* At most 16 * EW_F32_BLOCKS columns. */
EW_INLINE void ew_tile_f32_run_tall(const ew_tile_f32 *t) {
  const int narrow = t->n <= 16;
  if (t->m > EW_F32_ROWS / 2) (narrow ? ew_tile_f32_full_narrow : ew_tile_f32_full)(t);
  else (narrow ? ew_tile_f32_half_narrow : ew_tile_f32_half)(t);
}

/* Runs the tile with t->m rows and t->n columns; more than one row: at most EW_F32_COLUMNS. */
EW_INLINE void ew_tile_f32_run(const ew_tile_f32 *t) {
  if (t->m == 1) {
    ew_tile_f32_row(*t);
    return;
  }
#if defined(EW_F32_WIDE_ROWS)
  if (t->n > 48) {
    ew_tile_f32_run_wide(t);
    return;
  }
  if (t->n > 32) { /* two tall tiles */
    ew_tile_f32 part = *t;
    part.n = 32;
    ew_tile_f32_run_tall(&part);
    part.n = t->n - 32;
    part.w += 2 * t->w_block;
    part.bias += 32;
    part.y += 32;
    if (part.skip) part.skip += 32;
    ew_tile_f32_run_tall(&part);
    return;
  }
#endif
  ew_tile_f32_run_tall(t);
}

/* Rows of the tiles that compute least beyond m rows: 128 are ten tiles of twelve and two thirds of
   another, or sixteen of eight. */
EW_INLINE int32_t ew_tile_f32_height(int32_t m) {
  const int32_t over = m % 12, beyond = over > 6 ? 12 - over : over > 1 ? 6 - over : 0;
  return EW_F32_ROWS == 12 && m % 8 == 0 && beyond ? 8 : EW_F32_ROWS;
}

/* Columns to take at once for a product of m rows. */
EW_INLINE int32_t ew_tile_f32_columns(int32_t m, int32_t most) {
  return m == 1 ? 1 << 28 : most;
}

#endif
