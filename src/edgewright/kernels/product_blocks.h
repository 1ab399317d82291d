/* Products of float32 rows with weights of 8 or 4 bits, which are widened in registers: a product
   of one row takes as long as its weights take to arrive from memory.

   Weights have one scale for each block of `block` numbers along a column. 8 bits: int8
   [columns / 16][depth][16]; 4 bits, plus 8: [columns / 16][depth / 8][16][4], whose bytes hold the
   numbers 8k + j below and 8k + 4 + j above; 8 bits in quads (product_quads.h): [columns / 16]
   [depth / 4][16][4]. Scales and zero points are float32 [columns / 16][blocks][16]. */
#ifndef EW_PRODUCT_BLOCKS_H
#define EW_PRODUCT_BLOCKS_H
#include "digits.h"

/* y[i][c] = clamp(bias[c] + sum over blocks of scale * (sum of x * w - zero * sum of x), lo, hi) */
typedef struct ew_product_blocks {
  int32_t rows, depth, columns, block, blocks;
  const float *x;
  const void *w;
  const float *scale, *zero; /* zero: null where all of them are 0 */
  const float *sums;         /* of x: [rows][blocks]; unread where zero is null */
  const float *bias;
  float *y;
  float lo, hi;
} ew_product_blocks;

#define EW_PRODUCT_ROWS 4

/* How weights are stored. */
enum { EW_STORED_4 = 4, EW_STORED_8 = 8, EW_STORED_QUADS = 9 };

/* Adds columns * x for numbers k of all rows. */
EW_INLINE void ew_product_step(const float *const *x, ptrdiff_t k, const ew_f32x16 *columns,
                               const int rows, const int groups, ew_f32x16 part[][4]) {
  EW_UNROLL for (int i = 0; i < rows; ++i) {
    const ew_f32x16 value = ew_f32_dup(x[i][k]);
    EW_UNROLL for (int j = 0; j < groups; ++j) part[i][j] = ew_fma(value, columns[j], part[i][j]);
  }
}

EW_INLINE void ew_product_sum_8(const float *const *x, const int8_t *w, ptrdiff_t group,
                                ptrdiff_t from, ptrdiff_t to, const int rows, const int groups,
                                ew_f32x16 part[][4]) {
  for (ptrdiff_t k = from; k < to; ++k) {
    ew_f32x16 columns[4];
    EW_UNROLL for (int j = 0; j < groups; ++j)
      columns[j] = ew_f32_of_i32(ew_i32_load_s8(w + j * group + 16 * k));
    ew_product_step(x, k, columns, rows, groups, part);
  }
}

/* Eight numbers of sixteen columns as signed 4-bit ones, and number n of them. */
EW_INLINE ew_i32x16 ew_product_eight(const int32_t *w) {
  return ew_i32_xor(ew_i32_load(w), ew_i32_dup((int32_t)0x88888888));
}
EW_INLINE ew_f32x16 ew_product_one(ew_i32x16 eight, const int n) {
  const int bit = n < 4 ? 8 * n : 8 * n - 28;
  return ew_f32_of_i32(ew_i32_sra(ew_i32_shl(eight, 28 - bit), 28));
}

/* `from` is a multiple of eight. */
EW_INLINE void ew_product_sum_4(const float *const *x, const int32_t *w, ptrdiff_t group,
                                ptrdiff_t from, ptrdiff_t to, const int rows, const int groups,
                                ew_f32x16 part[][4]) {
  ptrdiff_t k = from;
  for (; k + 8 <= to; k += 8) {
    ew_i32x16 eight[4];
    EW_UNROLL for (int j = 0; j < groups; ++j) eight[j] = ew_product_eight(w + j * group + 2 * k);
    EW_UNROLL for (int n = 0; n < 8; ++n) {
      ew_f32x16 columns[4];
      EW_UNROLL for (int j = 0; j < groups; ++j) columns[j] = ew_product_one(eight[j], n);
      ew_product_step(x, k + n, columns, rows, groups, part);
    }
  }
  EW_ROLLED for (int n = 0; k + n < to; ++n) {
    ew_f32x16 columns[4];
    EW_UNROLL for (int j = 0; j < groups; ++j)
      columns[j] = ew_product_one(ew_product_eight(w + j * group + 2 * k), n);
    ew_product_step(x, k + n, columns, rows, groups, part);
  }
}

/* Number n of quads of sixteen columns. */
EW_INLINE ew_f32x16 ew_product_of_quad(const int32_t *w, const int n) {
  return ew_f32_of_i32(ew_i32_sra(ew_i32_shl(ew_i32_load(w), 24 - 8 * n), 24));
}

/* `from` is a multiple of four. */
EW_INLINE void ew_product_sum_quads(const float *const *x, const int32_t *w, ptrdiff_t group,
                                    ptrdiff_t from, ptrdiff_t to, const int rows, const int groups,
                                    ew_f32x16 part[][4]) {
  ptrdiff_t k = from;
  for (; k + 4 <= to; k += 4)
    EW_UNROLL for (int n = 0; n < 4; ++n) {
      ew_f32x16 columns[4];
      EW_UNROLL for (int j = 0; j < groups; ++j)
        columns[j] = ew_product_of_quad(w + j * group + 4 * k, n);
      ew_product_step(x, k + n, columns, rows, groups, part);
    }
  EW_ROLLED for (int n = 0; k + n < to; ++n) {
    ew_f32x16 columns[4];
    EW_UNROLL for (int j = 0; j < groups; ++j)
      columns[j] = ew_product_of_quad(w + j * group + 4 * k, n);
    ew_product_step(x, k + n, columns, rows, groups, part);
  }
}

/* int32 or, of plain bytes, bytes of sixteen columns. */
EW_INLINE ptrdiff_t ew_product_group(ptrdiff_t depth, const int stored) {
  if (stored == EW_STORED_8) return 16 * depth;
  return stored == EW_STORED_4 ? (depth + 7) / 8 * 16 : (depth + 3) / 4 * 16;
}

/* Rows m to m + rows, sixteens of columns g to g + groups. */
EW_INLINE void ew_product_tile(const ew_product_blocks *p, int32_t m, int32_t g, const int rows,
                               const int groups, const int stored) {
  ew_f32x16 total[EW_PRODUCT_ROWS][4];
  const float *x[EW_PRODUCT_ROWS];
  const ptrdiff_t depth = p->depth, group = ew_product_group(depth, stored);
  const int32_t *const words = (const int32_t *)p->w + (stored == EW_STORED_8 ? 0 : g * group);
  const ptrdiff_t scales = (ptrdiff_t)p->blocks * 16;
  EW_UNROLL for (int i = 0; i < rows; ++i) {
    x[i] = p->x + (m + i) * depth;
    EW_UNROLL for (int j = 0; j < groups; ++j) total[i][j] = ew_f32_load(p->bias + 16 * (g + j));
  }
  for (int32_t b = 0; b < p->blocks; ++b) {
    const ptrdiff_t from = (ptrdiff_t)b * p->block;
    const ptrdiff_t to = from + p->block < depth ? from + p->block : depth;
    ew_f32x16 part[EW_PRODUCT_ROWS][4];
    EW_UNROLL for (int i = 0; i < rows; ++i)
      EW_UNROLL for (int j = 0; j < groups; ++j) part[i][j] = ew_f32_dup(0.0f);
    if (stored == EW_STORED_8)
      ew_product_sum_8(x, (const int8_t *)p->w + g * group, group, from, to, rows, groups, part);
    else if (stored == EW_STORED_4)
      ew_product_sum_4(x, words, group, from, to, rows, groups, part);
    else
      ew_product_sum_quads(x, words, group, from, to, rows, groups, part);
    EW_UNROLL for (int j = 0; j < groups; ++j) {
      const ptrdiff_t at = (g + j) * scales + 16 * b;
      const ew_f32x16 scale = ew_f32_load(p->scale + at);
      EW_UNROLL for (int i = 0; i < rows; ++i) {
        if (p->zero) {
          const ew_f32x16 sum = ew_f32_dup(-p->sums[(ptrdiff_t)(m + i) * p->blocks + b]);
          part[i][j] = ew_fma(sum, ew_f32_load(p->zero + at), part[i][j]);
        }
        total[i][j] = ew_fma(scale, part[i][j], total[i][j]);
      }
    }
  }
  EW_UNROLL for (int i = 0; i < rows; ++i)
    EW_UNROLL for (int j = 0; j < groups; ++j) {
      const ew_f32x16 v = ew_f32_clamp(total[i][j], ew_f32_dup(p->lo), ew_f32_dup(p->hi));
      ew_f32_store_n(p->y + (ptrdiff_t)(m + i) * p->columns + 16 * (g + j), v,
                     ew_min_i32(16, p->columns - 16 * (g + j)));
    }
}

#define EW_PRODUCT_TILES(name, stored)                                                          \
  EW_KERNEL void ew_product_##name##_row_4(const ew_product_blocks *p, int32_t m, int32_t g) {  \
    ew_product_tile(p, m, g, 1, 4, stored);                                                     \
  }                                                                                             \
  EW_KERNEL void ew_product_##name##_row_1(const ew_product_blocks *p, int32_t m, int32_t g) {  \
    ew_product_tile(p, m, g, 1, 1, stored);                                                     \
  }                                                                                             \
  EW_KERNEL void ew_product_##name##_rows(const ew_product_blocks *p, int32_t m, int32_t g) {   \
    ew_product_tile(p, m, g, EW_PRODUCT_ROWS, 2, stored);                                       \
  }
EW_PRODUCT_TILES(w8, EW_STORED_8)
EW_PRODUCT_TILES(w4, EW_STORED_4)
EW_PRODUCT_TILES(quads, EW_STORED_QUADS)
#define EW_PRODUCT_OF(stored, size)                                                             \
  ((stored) == EW_STORED_8   ? ew_product_w8_##size                                             \
   : (stored) == EW_STORED_4 ? ew_product_w4_##size                                             \
                             : ew_product_quads_##size)

#if defined(EW_HAS_NIBBLES)
/* One row in digits, sixteens of columns g to g + groups: exact sums of each block. */
EW_INLINE void ew_product_digits(const ew_product_blocks *p, const ew_digits *d, int32_t m,
                                 int32_t g, const int groups) {
  const ptrdiff_t group = (p->depth + 7) / 8 * 16, scales = (ptrdiff_t)p->blocks * 16;
  const int32_t *const w = (const int32_t *)p->w + g * group;
  ew_f32x16 total[4];
  EW_UNROLL for (int j = 0; j < groups; ++j) total[j] = ew_f32_dup(0.0f);
  for (int32_t b = 0; b < p->blocks; ++b) {
    const int32_t from = b * p->block, to = ew_min_i32(from + p->block, d->padded);
    ew_i32x16 sum[3][4];
    EW_UNROLL for (int n = 0; n < 3; ++n)
      EW_UNROLL for (int j = 0; j < groups; ++j)
        sum[n][j] = ew_i32_dup(-8 * d->sums[3 * b + n]);
    for (ptrdiff_t k = from; k < to; k += 8)
      EW_UNROLL for (int j = 0; j < groups; ++j) {
        const ew_i32x16 both = ew_i32_load(w + j * group + 2 * k), mask = ew_i32_dup(0x0f0f0f0f);
        const ew_i32x16 low = ew_i32_and(both, mask), high = ew_i32_and(ew_i32_shr(both, 4), mask);
        EW_UNROLL for (int n = 0; n < 3; ++n) {
          sum[n][j] = ew_nibbles_dot(sum[n][j], low, d->digits + n * d->padded + k);
          sum[n][j] = ew_nibbles_dot(sum[n][j], high, d->digits + n * d->padded + k + 4);
        }
      }
    EW_UNROLL for (int j = 0; j < groups; ++j) {
      const ptrdiff_t at = (g + j) * scales + 16 * b;
      ew_f32x16 part = ew_fma(ew_f32_of_i32(sum[1][j]), ew_f32_dup(256.0f),
                              ew_f32_of_i32(sum[0][j]));
      part = ew_fma(ew_f32_of_i32(sum[2][j]), ew_f32_dup(65536.0f), part);
      if (p->zero) part = ew_fma(ew_f32_dup(-ew_digits_sum(d, b)), ew_f32_load(p->zero + at), part);
      total[j] = ew_fma(ew_f32_load(p->scale + at), part, total[j]);
    }
  }
  EW_UNROLL for (int j = 0; j < groups; ++j) {
    const ew_f32x16 v = ew_fma(total[j], ew_f32_dup(d->unit), ew_f32_load(p->bias + 16 * (g + j)));
    ew_f32_store_n(p->y + (ptrdiff_t)m * p->columns + 16 * (g + j),
                   ew_f32_clamp(v, ew_f32_dup(p->lo), ew_f32_dup(p->hi)),
                   ew_min_i32(16, p->columns - 16 * (g + j)));
  }
}
EW_KERNEL void ew_product_digits_many(const ew_product_blocks *p, const ew_digits *d, int32_t m,
                                      int32_t g) {
  ew_product_digits(p, d, m, g, EW_NIBBLE_GROUPS);
}
EW_KERNEL void ew_product_digits_one(const ew_product_blocks *p, const ew_digits *d, int32_t m,
                                     int32_t g) {
  ew_product_digits(p, d, m, g, 1);
}

/* Fewer rows than a tile has, in digits. Returns how many were done: not those that digits cannot
   hold, and what follows them. */
EW_INLINE int32_t ew_product_by_digits(const ew_product_blocks *p, void *scratch) {
  const int32_t groups = (p->columns + 15) / 16;
  for (int32_t m = 0; m < p->rows; ++m) {
    ew_digits d;
    if (!ew_digits_of(&d, p->x + (ptrdiff_t)m * p->depth, p->depth, p->block, p->blocks, scratch))
      return m;
    int32_t g = 0;
    for (; g + EW_NIBBLE_GROUPS <= groups; g += EW_NIBBLE_GROUPS)
      ew_product_digits_many(p, &d, m, g);
    for (; g < groups; ++g) ew_product_digits_one(p, &d, m, g);
  }
  return p->rows;
}
#endif

/* All rows, for the sixteens of columns g to g + count. */
EW_INLINE void ew_product_columns(const ew_product_blocks *p, int32_t g, int32_t count,
                                  const int stored) {
  int32_t m = 0;
  for (; m + EW_PRODUCT_ROWS <= p->rows && count == 2; m += EW_PRODUCT_ROWS)
    EW_PRODUCT_OF(stored, rows)(p, m, g);
  for (; m < p->rows; ++m) {
    if (count == 4) EW_PRODUCT_OF(stored, row_4)(p, m, g);
    else EW_ROLLED for (int32_t i = 0; i < count; ++i)
      EW_PRODUCT_OF(stored, row_1)(p, m, g + i);
  }
}

EW_INLINE void ew_product_all(const ew_product_blocks *p, const int stored) {
  const int32_t groups = (p->columns + 15) / 16, step = p->rows < EW_PRODUCT_ROWS ? 4 : 2;
  for (int32_t g = 0; g < groups; g += step)
    ew_product_columns(p, g, ew_min_i32(step, groups - g), stored);
}

/* Sums of the blocks of x, [rows][blocks]. */
EW_KERNEL void ew_product_sums(const ew_product_blocks *p, float *sums) {
  for (int32_t m = 0; m < p->rows; ++m)
    for (int32_t b = 0; b < p->blocks; ++b) {
      const float *const x = p->x + (ptrdiff_t)m * p->depth;
      const int32_t to = ew_min_i32(p->depth, (b + 1) * p->block);
      ew_f32x16 sum = ew_f32_dup(0.0f);
      for (int32_t k = b * p->block; k < to; k += 16)
        sum = ew_f32_add(sum, ew_f32_load_n(x + k, ew_min_i32(16, to - k)));
      *sums++ = ew_f32_sum(sum);
    }
}

/* scratch: rows * blocks floats, where there are zero points; before them with 4 bits: 3 * blocks
   int32 and 3 * depth bytes, each rounded up to 64 bytes. */
EW_DRIVER void ew_product_w8(ew_product_blocks p, void *scratch) {
  p.sums = scratch;
  if (p.zero) ew_product_sums(&p, scratch);
  ew_product_all(&p, EW_STORED_8);
}
EW_DRIVER void ew_product_w4(ew_product_blocks p, void *scratch) {
#if defined(EW_HAS_NIBBLES)
  if (p.rows < EW_PRODUCT_ROWS) {
    const int32_t done = ew_product_by_digits(&p, scratch);
    p.rows -= done;
    p.x += (ptrdiff_t)done * p.depth;
    p.y += (ptrdiff_t)done * p.columns;
    if (p.rows == 0) return;
  }
#endif
  float *const sums = (float *)((char *)scratch + ew_digits_bytes(p.depth, p.blocks));
  p.sums = sums;
  if (p.zero) ew_product_sums(&p, sums);
  ew_product_all(&p, EW_STORED_4);
}

#endif
