/* Register tiles of a product whose weights are stored in 16 bits and widened as they are read. */
#ifndef EW_TILE_H16_H
#define EW_TILE_H16_H
#include "half.h"

/* y[i][c] = clamp(bias[c] + sum over taps and depth of x[i][k] * w[k][c] (+ skip[i][c])) */
typedef struct ew_tile_h16 {
  const void *const *rows; /* [taps][EW_F32_ROWS]: `depth` floats (or bfloat16: pairs) each */
  const uint16_t *w;       /* blocks of 16 columns: [taps * depth][16]; pairs: [depth / 2][16][2] */
  const float *bias;       /* [16 * blocks] */
  const float *skip;       /* laid out as y, or null; may be y */
  float *y;
  ptrdiff_t w_block, y_row; /* numbers between two blocks of w, two rows of y */
  int32_t taps, depth;
  int32_t m, n; /* rows and columns that exist */
  float lo, hi;
} ew_tile_h16;

/* Adds the products of one tap to the sums. */
EW_INLINE void ew_tile_h16_tap(const ew_tile_h16 *t, int32_t tap, const int rows,
                                const int blocks, const int stored,
                                ew_f32x16 acc[EW_F32_ROWS][4]) {
  const float *x[EW_F32_ROWS];
  const uint16_t *w = t->w + (ptrdiff_t)tap * t->depth * 16;
  EW_UNROLL for (int i = 0; i < rows; ++i) x[i] = t->rows[tap * EW_F32_ROWS + i];
  for (ptrdiff_t k = 0; k < t->depth; ++k, w += 16) {
    ew_f32x16 columns[4];
    EW_UNROLL for (int j = 0; j < blocks; ++j)
      columns[j] = ew_half_load(w + j * t->w_block, stored);
    EW_UNROLL for (int i = 0; i < rows; ++i) {
      const ew_f32x16 value = ew_f32_dup(x[i][k]);
      EW_UNROLL for (int j = 0; j < blocks; ++j) acc[i][j] = ew_fma(value, columns[j], acc[i][j]);
    }
  }
}

/* The same where x and w are bfloat16, two numbers at a time. */
EW_INLINE void ew_tile_pairs_tap(const ew_tile_h16 *t, int32_t tap, const int rows,
                                 const int blocks, ew_f32x16 acc[EW_F32_ROWS][4]) {
  const uint16_t *x[EW_F32_ROWS];
  const uint16_t *w = t->w + (ptrdiff_t)tap * t->depth * 16;
  EW_UNROLL for (int i = 0; i < rows; ++i) x[i] = t->rows[tap * EW_F32_ROWS + i];
  for (ptrdiff_t k = 0; k < t->depth; k += 2, w += 32) {
    ew_i32x16 columns[4];
    EW_UNROLL for (int j = 0; j < blocks; ++j)
      columns[j] = ew_i32_load((const int32_t *)(const void *)(w + j * t->w_block));
    EW_UNROLL for (int i = 0; i < rows; ++i) {
      int32_t two;
      __builtin_memcpy(&two, x[i] + k, 4);
      EW_UNROLL for (int j = 0; j < blocks; ++j)
        acc[i][j] = ew_bf16_dot(acc[i][j], ew_i32_dup(two), columns[j]);
    }
  }
}

EW_INLINE void ew_tile_h16_store(const ew_tile_h16 *t, ptrdiff_t at, ew_f32x16 v, int n) {
  if (t->skip) v = ew_f32_add(v, ew_f32_load_n(t->skip + at, n));
  v = ew_f32_clamp(v, ew_f32_dup(t->lo), ew_f32_dup(t->hi));
  ew_f32_store_n(t->y + at, v, n);
}

EW_INLINE void ew_tile_h16_body(const ew_tile_h16 *tile, const int rows, const int blocks,
                                 const int stored) {
  const ew_tile_h16 copy = *tile; /* a store of results could change the original */
  const ew_tile_h16 *const t = &copy;
  ew_f32x16 acc[EW_F32_ROWS][4];
  EW_UNROLL for (int j = 0; j < blocks; ++j) {
    const ew_f32x16 bias = ew_f32_load(t->bias + 16 * j);
    EW_UNROLL for (int i = 0; i < rows; ++i) acc[i][j] = bias;
  }
  for (int32_t tap = 0; tap < t->taps; ++tap) {
    if (stored == EW_STORED_PAIRS) ew_tile_pairs_tap(t, tap, rows, blocks, acc);
    else ew_tile_h16_tap(t, tap, rows, blocks, stored, acc);
  }
  EW_UNROLL for (int i = 0; i < rows; ++i) {
    if (i >= t->m) continue;
    EW_UNROLL for (int j = 0; j < blocks; ++j)
      ew_tile_h16_store(t, i * t->y_row + 16 * j, acc[i][j], ew_min_i32(16, t->n - 16 * j));
  }
}

/* One row takes four blocks at once, since it is bound by latency or memory. */
#define EW_TILE_H16(form, stored)                                                                \
  EW_KERNEL void ew_tile_##form##_full(const ew_tile_h16 *t) {                                   \
    ew_tile_h16_body(t, EW_F32_ROWS, EW_F32_BLOCKS, stored);                                     \
  }                                                                                               \
  EW_KERNEL void ew_tile_##form##_half(const ew_tile_h16 *t) {                                   \
    ew_tile_h16_body(t, EW_F32_ROWS / 2, EW_F32_BLOCKS, stored);                                 \
  }                                                                                               \
  EW_KERNEL void ew_tile_##form##_narrow(const ew_tile_h16 *t) {                                 \
    ew_tile_h16_body(t, EW_F32_ROWS / 2, 1, stored);                                             \
  }                                                                                               \
  EW_KERNEL void ew_tile_##form##_row_4(const ew_tile_h16 *t) {                                  \
    ew_tile_h16_body(t, 1, 4, stored);                                                           \
  }                                                                                               \
  EW_KERNEL void ew_tile_##form##_row_1(const ew_tile_h16 *t) {                                  \
    ew_tile_h16_body(t, 1, 1, stored);                                                           \
  }
EW_TILE_H16(f16, EW_STORED_F16)
EW_TILE_H16(bf16, EW_STORED_BF16)
EW_TILE_H16(pairs, EW_STORED_PAIRS)

/* The kernel of a form, whose number is a constant. */
#define EW_TILE_OF(stored, size)                                                                  \
  ((stored) == EW_STORED_F16    ? ew_tile_f16_##size                                              \
   : (stored) == EW_STORED_BF16 ? ew_tile_bf16_##size                                             \
                                : ew_tile_pairs_##size)

/* Runs columns [0, t.n) of one row. */
EW_INLINE void ew_tile_h16_row(ew_tile_h16 t, const int stored) {
  const int32_t n = t.n;
  for (int32_t at = 0; at < n;) {
    const int32_t blocks = n - at > 48 ? 4 : 1;
    t.n = ew_min_i32(n - at, 16 * blocks);
    if (blocks == 4) EW_TILE_OF(stored, row_4)(&t);
    else EW_TILE_OF(stored, row_1)(&t);
    at += 16 * blocks;
    t.w += blocks * t.w_block;
    t.bias += 16 * blocks;
    t.y += 16 * blocks;
    if (t.skip) t.skip += 16 * blocks;
  }
}

/* Runs the tile; more than EW_F32_ROWS / 2 rows: at most 16 * EW_F32_BLOCKS columns. */
EW_INLINE void ew_tile_h16_run(ew_tile_h16 t, const int stored) {
  if (t.m == 1) {
    ew_tile_h16_row(t, stored);
    return;
  }
  if (t.n > 16 || EW_F32_BLOCKS == 1) {
    if (t.m > EW_F32_ROWS / 2) EW_TILE_OF(stored, full)(&t);
    else EW_TILE_OF(stored, half)(&t);
    return;
  }
  const int32_t m = t.m;
  for (int32_t i = 0; i < m; i += EW_F32_ROWS / 2) {
    t.m = ew_min_i32(m - i, EW_F32_ROWS / 2);
    EW_TILE_OF(stored, narrow)(&t);
    t.rows += EW_F32_ROWS / 2;
    t.y += EW_F32_ROWS / 2 * t.y_row;
    if (t.skip) t.skip += EW_F32_ROWS / 2 * t.y_row;
  }
}

#endif
