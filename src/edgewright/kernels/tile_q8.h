/* Micro-kernels of the 8-bit matrix product: one register tile each. */
#ifndef EW_TILE_Q8_H
#define EW_TILE_Q8_H
#include "requantize.h"
#include "tile_neon.h"

/* y[i][c] = requantize(bias[c] + sums[i] * multiplier + sum over depth of x * w) (+ skip) */
typedef struct ew_tile_q8 {
  const void *const *rows;  /* [taps][EW_Q8_ROWS]: `depth` bytes each, of the dot product's type */
  const int8_t *w;          /* blocks of 16 columns: [taps][depth / 4][16][4] */
  const int32_t *channels;  /* blocks of 16 columns: see requantize.h */
  const ew_q8_params *params;
  const int32_t *sums;      /* of each row of x, times x_sum_multiplier, or null */
  const uint8_t *skip;      /* laid out as y, or null; may be y */
  uint8_t *y;
  ptrdiff_t w_block, y_row; /* bytes between two blocks of w, two rows of y */
  int32_t taps, depth;      /* a multiple of 4; one tap where EW_SMALL says so */
  int32_t m, n;             /* rows and columns that exist */
  ew_q8_variant variant;
} ew_tile_q8;

/* Accumulators that hold the bias and what a zero point of the weights makes of the row sums. */
EW_INLINE void ew_tile_q8_begin(const ew_tile_q8 *t, const int rows, const int blocks,
                                const int mode, ew_i32x16 acc[EW_Q8_ROWS][4]) {
  EW_UNROLL for (int j = 0; j < blocks; ++j) {
    const ew_i32x16 bias = ew_i32_load(t->channels + 16 * j * ew_q8_channel_rows(mode));
    EW_UNROLL for (int i = 0; i < rows; ++i) acc[i][j] = bias;
  }
  if (t->sums)
    EW_UNROLL for (int i = 0; i < rows; ++i) {
      const ew_i32x16 sum = ew_i32_dup(t->sums[i]);
      EW_UNROLL for (int j = 0; j < blocks; ++j) acc[i][j] = ew_i32_add(acc[i][j], sum);
    }
}

EW_INLINE void ew_tile_q8_sum(const ew_tile_q8 *t, const int rows, const int blocks,
                              ew_i32x16 acc[EW_Q8_ROWS][4]) {
  const uint8_t *x[EW_Q8_ROWS];
  const int8_t *w = t->w;
#if defined(EW_NEON_TILES) && defined(__ARM_FEATURE_DOTPROD)
  EW_UNROLL for (int i = 0; i < rows; ++i) x[i] = t->rows[i];
#endif
#if defined(EW_NEON_TILES) && defined(__ARM_FEATURE_MATMUL_INT8)
  if (rows % 2 == 0 && blocks == 1) ew_neon_q8_matrix_sum(x, w, t->depth, rows, acc);
  else ew_neon_q8_sum(x, w, t->w_block, t->depth, rows, blocks, acc);
#elif defined(EW_NEON_TILES) && defined(__ARM_FEATURE_DOTPROD)
  ew_neon_q8_sum(x, w, t->w_block, t->depth, rows, blocks, acc);
#else
  const int32_t taps = EW_SMALL ? 1 : t->taps;
  for (int32_t tap = 0; tap < taps; ++tap) {
    EW_UNROLL for (int i = 0; i < rows; ++i) x[i] = t->rows[tap * EW_Q8_ROWS + i];
    for (ptrdiff_t k = 0; k < t->depth; k += 4) {
      ew_dot_w columns[4];
      EW_UNROLL for (int j = 0; j < blocks; ++j) columns[j] = ew_dot_load_w(w + j * t->w_block);
      w += 64;
      EW_UNROLL for (int i = 0; i < rows; ++i) {
        const ew_dot_x four = ew_dot_load_x(x[i] + k);
        EW_UNROLL for (int j = 0; j < blocks; ++j)
          acc[i][j] = ew_dot4(acc[i][j], four, columns[j]);
      }
    }
  }
#endif
}

#if EW_SMALL
/* One copy of each kernel for all variants: sums go through memory to the variant's epilogue. */
EW_INLINE void ew_tile_q8_body(const ew_tile_q8 *t, const int rows, const int blocks) {
  int32_t sums[16 * (EW_Q8_ROWS * EW_Q8_BLOCKS > 4 ? EW_Q8_ROWS * EW_Q8_BLOCKS : 4)];
  ew_i32x16 acc[EW_Q8_ROWS][4];
  const int mode = t->variant.mode;
  ew_tile_q8_begin(t, rows, blocks, mode, acc);
  ew_tile_q8_sum(t, rows, blocks, acc);
  EW_UNROLL for (int j = 0; j < blocks; ++j)
    EW_UNROLL for (int i = 0; i < rows; ++i) ew_i32_store(sums + 16 * (j * rows + i), acc[i][j]);
  EW_ROLLED for (int j = 0; j < blocks; ++j)
    t->variant.finish(sums + 16 * j * rows, ew_min_i32(rows, t->m), ew_min_i32(16, t->n - 16 * j),
                      t->channels + 16 * j * ew_q8_channel_rows(mode), t->params,
                      t->skip ? t->skip + 16 * j : t->skip, t->y + 16 * j, t->y_row);
}

#define EW_TILE_Q8(name, rows, blocks) \
  EW_KERNEL void name(const ew_tile_q8 *t) { ew_tile_q8_body(t, rows, blocks); }
EW_TILE_Q8(ew_tile_q8_full, EW_Q8_ROWS, EW_Q8_BLOCKS)
EW_TILE_Q8(ew_tile_q8_half, EW_Q8_ROWS / 2, EW_Q8_BLOCKS)
#if EW_Q8_BLOCKS > 1
EW_TILE_Q8(ew_tile_q8_full_narrow, EW_Q8_ROWS, 1)
EW_TILE_Q8(ew_tile_q8_half_narrow, EW_Q8_ROWS / 2, 1)
#else
#define ew_tile_q8_full_narrow ew_tile_q8_full
#define ew_tile_q8_half_narrow ew_tile_q8_half
#endif
EW_TILE_Q8(ew_tile_q8_row_1, 1, 1)
EW_TILE_Q8(ew_tile_q8_row_4, 1, 4)

/* One row: four blocks of columns at once while there are as many. */
EW_KERNEL void ew_tile_q8_row(ew_tile_q8 t) {
  const int32_t n = t.n;
  for (int32_t at = 0; at < n;) {
    const int32_t left = n - at, blocks = left > 48 ? 4 : 1;
    t.n = ew_min_i32(left, 16 * blocks);
    (blocks == 4 ? ew_tile_q8_row_4 : ew_tile_q8_row_1)(&t);
    at += 16 * blocks;
    t.w += blocks * t.w_block;
    t.channels += 16 * blocks * ew_q8_channel_rows(t.variant.mode);
    t.y += 16 * blocks;
    if (t.skip) t.skip += 16 * blocks;
  }
}

/* t->m rows, t->n columns; more than one row: at most 16 * EW_Q8_BLOCKS columns. */
EW_INLINE void ew_tile_q8_run(const ew_tile_q8 *t, const ew_q8_variant v) {
  const int narrow = t->n <= 16;
  (void)v;
  if (t->m == 1) ew_tile_q8_row(*t);
  else if (t->m > EW_Q8_ROWS / 2) (narrow ? ew_tile_q8_full_narrow : ew_tile_q8_full)(t);
  else (narrow ? ew_tile_q8_half_narrow : ew_tile_q8_half)(t);
}
#else
#if EW_HAS_BYTES_JOIN
/* Sums to int32 that saturate to what they become as 8 bits less `y_zero`. */
EW_INLINE ew_i32x16 ew_tile_q8_value(ew_i32x16 acc, const ew_q8_scale scale, const ew_q8_params *p,
                                     const int mode) {
  if (mode != EW_REQUANT_FLOAT) return ew_requantize(acc, scale, p, mode);
  const ew_f32x16 v = ew_f32_mul(ew_f32_of_i32(acc), ew_f32_of_bits(scale.multiplier));
  return ew_i32_of_f32(ew_f32_min(v, ew_f32_dup((float)(p->hi - p->y_zero))));
}

/* The same with a residual, less `sum_zero`. */
EW_INLINE ew_i32x16 ew_tile_q8_sum_value(ew_i32x16 acc, const ew_q8_scale scale,
                                         const ew_q8_params *p, const uint8_t *skip, int n,
                                         const int is_signed, const int mode) {
  const ew_i32x16 v = ew_requantize(acc, scale, p, mode), other = ew_load_8(skip, n, is_signed);
  if (mode != EW_REQUANT_FLOAT)
    return ew_skip_sum(v, ew_i32_sub(other, ew_i32_dup(p->skip_zero)), p, mode);
  /* As ew_skip_sum has it, with what is the same for all results in one constant. */
  const int32_t half = (int32_t)(1u << (p->sum_factor[1] - 1));
  const int32_t offset = ew_sub_wrap(half, ew_mul_wrap(p->skip_zero, p->skip_factor[0]));
  const ew_i32x16 first = ew_i32_add(ew_i32_mul(v, ew_i32_dup(p->y_factor[0])),
                                     ew_i32_dup(offset));
  const ew_i32x16 second = ew_i32_mul(other, ew_i32_dup(p->skip_factor[0]));
  return ew_i32_sra(ew_i32_add(first, second), p->sum_factor[1]);
}

/* Stores the results of two or four rows from i on, n columns from block j on. Those of as many
   columns as there are lie together in memory. */
EW_INLINE void ew_tile_q8_lines(const ew_tile_q8 *t, const int i, const int j, const int lines,
                                const int n, const ew_bytes results) {
  const int columns = 64 / lines;
  uint8_t *const y = t->y + 16 * j, *to[4];
  if (t->y_row == columns && n >= columns) {
    const int32_t left = t->m - i;
    *to = y + i * columns;
    ew_bytes_store_lines(to, 0, results, 1, left < lines ? left * columns : 64);
    return;
  }
  EW_UNROLL for (int k = 0; k < lines; ++k) to[k] = y + ew_min_i32(i + k, t->m - 1) * t->y_row;
  ew_bytes_store_lines(to, 0, results, lines, n < columns ? n : columns);
}

/* All results of a tile, four vectors at a time: two or four rows. Rows that do not exist repeat
   the last one, and so do their results. */
EW_INLINE void ew_tile_q8_finish(const ew_tile_q8 *t, const ew_q8_params *p, const int rows,
                                 const int blocks, const int n, const int has_skip,
                                 const int is_signed, const int mode,
                                 ew_i32x16 acc[EW_Q8_ROWS][4]) {
  const int across = blocks == 1 ? 1 : 2, lines = 4 / across;
  const int zero = has_skip ? p->sum_zero : p->y_zero;
  const ew_bytes lo = ew_bytes_dup((int8_t)(has_skip ? p->sum_lo : p->lo));
  const ew_bytes hi = ew_bytes_dup((int8_t)(has_skip ? p->sum_hi : p->hi));
  const int is_short = mode == EW_REQUANT_FLOAT && !has_skip;
  EW_UNROLL for (int j = 0; j < blocks; j += across) {
    ew_q8_scale scale[2];
    EW_UNROLL for (int b = 0; b < across; ++b) {
      scale[b] = ew_q8_load_scale(t->channels + 16 * (j + b) * ew_q8_channel_rows(mode), mode);
      if (!is_short || !ew_q8_is_large(scale[b].multiplier)) continue;
      const ew_i32x16 most = ew_q8_most(scale[b].multiplier);
      EW_UNROLL for (int i = 0; i < rows; ++i) acc[i][j + b] = ew_i32_min(acc[i][j + b], most);
    }
    EW_UNROLL for (int i = 0; i < rows; i += lines) {
      if (i && i >= t->m) break;
      ew_i32x16 parts[4];
      EW_UNROLL for (int k = 0; k < lines; ++k) {
        const ptrdiff_t at = has_skip ? ew_min_i32(i + k, t->m - 1) * t->y_row + 16 * j : 0;
        EW_UNROLL for (int b = 0; b < across; ++b) {
          const ew_i32x16 sum = acc[i + k < rows ? i + k : rows - 1][j + b];
          const int some = n - 16 * (j + b);
          parts[across * k + b] =
              has_skip ? ew_tile_q8_sum_value(sum, scale[b], p, t->skip + at + 16 * b,
                                              some < 16 ? some : 16, is_signed, mode)
              : is_short ? ew_q8_product(sum, scale[b].multiplier)
                         : ew_tile_q8_value(sum, scale[b], p, mode);
        }
      }
      const ew_bytes joined = ew_bytes_join(parts, ew_words_dup((int16_t)zero), is_signed);
      ew_tile_q8_lines(t, i, j, lines, n - 16 * j, ew_bytes_limit(joined, lo, hi, is_signed));
    }
  }
}

EW_INLINE void ew_tile_q8_store(const ew_tile_q8 *t, const ew_q8_params *p, const int rows,
                                const int blocks, const int is_signed, const int mode,
                                ew_i32x16 acc[EW_Q8_ROWS][4]) {
  if (t->skip) ew_tile_q8_finish(t, p, rows, blocks, t->n, 1, is_signed, mode, acc);
  else ew_tile_q8_finish(t, p, rows, blocks, t->n, 0, is_signed, mode, acc);
}
#else
/* Block j of the tile with a residual: through memory, so that the code stays small. */
EW_INLINE void ew_tile_q8_store_sum(const ew_tile_q8 *t, const ew_q8_scale scale,
                                    const ew_q8_params *p, const int rows, const int j, const int n,
                                    const int is_signed, const int mode,
                                    ew_i32x16 acc[EW_Q8_ROWS][4], int32_t *sums) {
  EW_UNROLL for (int from = 0; from < rows; from += EW_Q8_ROWS / 2) {
    const int some = rows < EW_Q8_ROWS / 2 ? rows : EW_Q8_ROWS / 2;
    EW_UNROLL for (int i = 0; i < some; ++i) ew_i32_store(sums + 16 * i, acc[from + i][j]);
    for (int i = 0; i < some && from + i < t->m; ++i) {
      const ptrdiff_t at = (from + i) * t->y_row + 16 * j;
      ew_finish_q8(ew_i32_load(sums + 16 * i), scale, p, t->skip + at, t->y + at, n, is_signed,
                   mode);
    }
  }
}

EW_INLINE void ew_tile_q8_store_block(const ew_tile_q8 *t, const ew_q8_params *p,
                                      const int rows, const int j, const int n, const int is_signed, const int mode,
                                ew_i32x16 acc[EW_Q8_ROWS][4], int32_t *sums) {
  const int32_t *channels = t->channels + 16 * j * ew_q8_channel_rows(mode);
  const ew_q8_scale scale = ew_q8_load_scale(channels, mode);
  if (t->skip) {
    ew_tile_q8_store_sum(t, scale, p, rows, j, n, is_signed, mode, acc, sums);
    return;
  }
  EW_UNROLL for (int i = 0; i < rows; ++i) {
    if (i >= t->m) continue;
    uint8_t *y = t->y + i * t->y_row + 16 * j;
    ew_finish_q8(acc[i][j], scale, p, (const uint8_t *)0, y, n, is_signed, mode);
  }
}

EW_INLINE void ew_tile_q8_store(const ew_tile_q8 *t, const ew_q8_params *p, const int rows,
                                const int blocks, const int is_signed, const int mode,
                                ew_i32x16 acc[EW_Q8_ROWS][4]) {
  int32_t sums[8 * EW_Q8_ROWS]; /* of half a block, where there is a residual */
  EW_UNROLL for (int j = 0; j + 1 < blocks; ++j)
    ew_tile_q8_store_block(t, p, rows, j, 16, is_signed, mode, acc, sums);
  ew_tile_q8_store_block(t, p, rows, blocks - 1, t->n - 16 * (blocks - 1), is_signed, mode, acc,
                         sums);
}
#endif

EW_INLINE void ew_tile_q8_body(const ew_tile_q8 *tile, const int rows, const int blocks,
                               const int is_signed, const int mode) {
  /* Copies: a store of bytes could change the originals, as far as the compiler knows. */
  const ew_tile_q8 t = *tile;
  const ew_q8_params p = *tile->params;
  ew_i32x16 acc[EW_Q8_ROWS][4];
  ew_tile_q8_begin(&t, rows, blocks, mode, acc);
  ew_tile_q8_sum(&t, rows, blocks, acc);
  ew_tile_q8_store(&t, &p, rows, blocks, is_signed, mode, acc);
}

/* Wide tiles of a number of rows between half and all of them, where there is such a number. */
#if defined(EW_Q8_MIDDLE_ROWS)
#define EW_TILE_Q8_MIDDLE(name, is_signed, mode) \
  EW_TILE_Q8(name, EW_Q8_MIDDLE_ROWS, EW_Q8_BLOCKS, is_signed, mode)
#else
#define EW_Q8_MIDDLE_ROWS 0
#define EW_TILE_Q8_MIDDLE(name, is_signed, mode) \
  EW_INLINE void name(const ew_tile_q8 *t) { (void)t; }
#endif

/* The kernels of one element type and mode, and the choice between them. */
#define EW_TILE_Q8(name, rows, blocks, is_signed, mode) \
  EW_KERNEL void name(const ew_tile_q8 *t) { ew_tile_q8_body(t, rows, blocks, is_signed, mode); }
#define EW_TILE_Q8_SET(set, is_signed, mode) \
  EW_TILE_Q8(set##_full, EW_Q8_ROWS, EW_Q8_BLOCKS, is_signed, mode) \
  EW_TILE_Q8_MIDDLE(set##_middle, is_signed, mode) \
  EW_TILE_Q8(set##_half, EW_Q8_ROWS / 2, EW_Q8_BLOCKS, is_signed, mode) \
  EW_TILE_Q8(set##_full_narrow, EW_Q8_ROWS, 1, is_signed, mode) \
  EW_TILE_Q8(set##_half_narrow, EW_Q8_ROWS / 2, 1, is_signed, mode) \
  EW_TILE_Q8(set##_row_1, 1, 1, is_signed, mode) \
  EW_TILE_Q8(set##_row_2, 1, 2, is_signed, mode) \
  EW_TILE_Q8(set##_row_4, 1, 4, is_signed, mode) \
  /* One row: as many columns at once as there are. */ \
  EW_KERNEL void set##_row(ew_tile_q8 t) { \
    const int32_t n = t.n; \
    for (int32_t at = 0; at < n;) { \
      const int32_t left = n - at, blocks = left > 48 ? 4 : left > 16 ? 2 : 1; \
      t.n = ew_min_i32(left, 16 * blocks); \
      if (blocks == 4) set##_row_4(&t); \
      else if (blocks == 2) set##_row_2(&t); \
      else set##_row_1(&t); \
      at += 16 * blocks; \
      t.w += blocks * t.w_block; \
      t.channels += 16 * blocks * ew_q8_channel_rows(mode); \
      t.y += 16 * blocks; \
      if (t.skip) t.skip += 16 * blocks; \
    } \
  } \
  /* t->m rows, t->n columns; more than one row: at most 16 * EW_Q8_BLOCKS columns. */ \
  EW_INLINE void set##_run(const ew_tile_q8 *t) { \
    const int narrow = EW_Q8_BLOCKS > 1 && t->n <= 16; \
    const int middle = !narrow && t->m <= EW_Q8_MIDDLE_ROWS; \
    if (t->m == 1) set##_row(*t); \
    else if (t->m > EW_Q8_ROWS / 2 && middle) set##_middle(t); \
    else if (t->m > EW_Q8_ROWS / 2) (narrow ? set##_full_narrow : set##_full)(t); \
    else (narrow ? set##_half_narrow : set##_half)(t); \
  }
EW_TILE_Q8_SET(ew_tile_s8_float, 1, EW_REQUANT_FLOAT)
EW_TILE_Q8_SET(ew_tile_u8_float, 0, EW_REQUANT_FLOAT)
EW_TILE_Q8_SET(ew_tile_s8_fixed, 1, EW_REQUANT_FIXED)
EW_TILE_Q8_SET(ew_tile_u8_fixed, 0, EW_REQUANT_FIXED)
EW_TILE_Q8_SET(ew_tile_s8_once, 1, EW_REQUANT_ONCE)
EW_TILE_Q8_SET(ew_tile_u8_once, 0, EW_REQUANT_ONCE)

EW_INLINE void ew_tile_q8_run(const ew_tile_q8 *t, const ew_q8_variant v) {
  const int is_signed = v.is_signed, mode = v.mode;
  if (is_signed && mode == EW_REQUANT_FLOAT) ew_tile_s8_float_run(t);
  else if (mode == EW_REQUANT_FLOAT) ew_tile_u8_float_run(t);
  else if (is_signed && mode == EW_REQUANT_ONCE) ew_tile_s8_once_run(t);
  else if (mode == EW_REQUANT_ONCE) ew_tile_u8_once_run(t);
  else if (is_signed) ew_tile_s8_fixed_run(t);
  else ew_tile_u8_fixed_run(t);
}
#endif

/* Columns to take at once for a product of m rows. */
EW_INLINE int32_t ew_tile_q8_columns(int32_t m) { return m == 1 ? 1 << 28 : 16 * EW_Q8_BLOCKS; }

/* The sum of each row, in the dot product's type, times a multiplier: `bytes` of each tap. */
EW_KERNEL void ew_row_sums_q8(const void *const *rows, int32_t taps, int32_t bytes,
                              int32_t multiplier, int32_t *sums) {
#if EW_HAS_SUM_8
  const uint8_t *const first = rows[0], *const last = rows[EW_Q8_ROWS - 1];
  if (bytes == 8 && taps == 1 && last - first == 8 * (EW_Q8_ROWS - 1)) {
    ew_sums_of_eights(first, EW_Q8_ROWS, multiplier, sums);
    return;
  }
#endif
  for (int i = 0; i < EW_Q8_ROWS; ++i) {
    int32_t sum = 0;
    for (int32_t tap = 0; tap < taps; ++tap)
      sum = ew_add_wrap(sum, ew_sum_8(rows[tap * EW_Q8_ROWS + i], bytes));
    sums[i] = ew_mul_wrap(sum, multiplier);
  }
}

#endif
