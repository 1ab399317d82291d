/* Products of float32 rows with weights of 8 or 4 bits, which are widened in registers: a product
   of one row takes as long as its weights take to arrive from memory.

   Weights have one scale for each block of `block` numbers along a column. 8 bits: int8
   [columns / 16][depth][16]; 4 bits: int32 [columns / 16][depth / 8][16], whose bits 4j to 4j + 3
   are number 8k + j. Scales and zero points are float32 [columns / 16][blocks][16]. */
#ifndef EW_PRODUCT_BLOCKS_H
#define EW_PRODUCT_BLOCKS_H
#include "simd.h"

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

/* `from` is a multiple of eight. */
EW_INLINE void ew_product_sum_4(const float *const *x, const int32_t *w, ptrdiff_t group,
                                ptrdiff_t from, ptrdiff_t to, const int rows, const int groups,
                                ew_f32x16 part[][4]) {
  ptrdiff_t k = from;
  for (; k + 8 <= to; k += 8) {
    ew_i32x16 eight[4];
    EW_UNROLL for (int j = 0; j < groups; ++j) eight[j] = ew_i32_load(w + j * group + 2 * k);
    EW_UNROLL for (int n = 0; n < 8; ++n) {
      ew_f32x16 columns[4];
      EW_UNROLL for (int j = 0; j < groups; ++j)
        columns[j] = ew_f32_of_i32(ew_i32_sra(ew_i32_shl(eight[j], 28 - 4 * n), 28));
      ew_product_step(x, k + n, columns, rows, groups, part);
    }
  }
  EW_ROLLED for (int n = 0; k + n < to; ++n) {
    ew_f32x16 columns[4];
    EW_UNROLL for (int j = 0; j < groups; ++j) {
      const ew_i32x16 eight = ew_i32_load(w + j * group + 2 * k);
      columns[j] = ew_f32_of_i32(ew_i32_sra(ew_i32_shl(eight, 28 - 4 * n), 28));
    }
    ew_product_step(x, k + n, columns, rows, groups, part);
  }
}

/* Rows m to m + rows, sixteens of columns g to g + groups. */
EW_INLINE void ew_product_tile(const ew_product_blocks *p, int32_t m, int32_t g, const int rows,
                               const int groups, const int bits) {
  ew_f32x16 total[EW_PRODUCT_ROWS][4];
  const float *x[EW_PRODUCT_ROWS];
  const ptrdiff_t depth = p->depth, group = bits == 8 ? depth * 16 : (depth + 7) / 8 * 16;
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
    if (bits == 8)
      ew_product_sum_8(x, (const int8_t *)p->w + g * group, group, from, to, rows, groups, part);
    else
      ew_product_sum_4(x, (const int32_t *)p->w + g * group, group, from, to, rows, groups, part);
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

#define EW_PRODUCT_TILES(bits)                                                                  \
  EW_KERNEL void ew_product_w##bits##_row_4(const ew_product_blocks *p, int32_t m, int32_t g) { \
    ew_product_tile(p, m, g, 1, 4, bits);                                                       \
  }                                                                                             \
  EW_KERNEL void ew_product_w##bits##_row_1(const ew_product_blocks *p, int32_t m, int32_t g) { \
    ew_product_tile(p, m, g, 1, 1, bits);                                                       \
  }                                                                                             \
  EW_KERNEL void ew_product_w##bits##_rows(const ew_product_blocks *p, int32_t m, int32_t g) {  \
    ew_product_tile(p, m, g, EW_PRODUCT_ROWS, 2, bits);                                         \
  }
EW_PRODUCT_TILES(8)
EW_PRODUCT_TILES(4)

/* All rows, for the sixteens of columns g to g + count. */
EW_INLINE void ew_product_columns(const ew_product_blocks *p, int32_t g, int32_t count,
                                  const int bits) {
  int32_t m = 0;
  for (; m + EW_PRODUCT_ROWS <= p->rows && count == 2; m += EW_PRODUCT_ROWS)
    (bits == 8 ? ew_product_w8_rows : ew_product_w4_rows)(p, m, g);
  for (; m < p->rows; ++m) {
    if (count == 4) (bits == 8 ? ew_product_w8_row_4 : ew_product_w4_row_4)(p, m, g);
    else EW_ROLLED for (int32_t i = 0; i < count; ++i)
      (bits == 8 ? ew_product_w8_row_1 : ew_product_w4_row_1)(p, m, g + i);
  }
}

EW_INLINE void ew_product_all(const ew_product_blocks *p, const int bits) {
  const int32_t groups = (p->columns + 15) / 16, step = p->rows < EW_PRODUCT_ROWS ? 4 : 2;
  for (int32_t g = 0; g < groups; g += step)
    ew_product_columns(p, g, ew_min_i32(step, groups - g), bits);
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

/* scratch: rows * blocks floats, where there are zero points. */
EW_DRIVER void ew_product_w8(ew_product_blocks p, void *scratch) {
  p.sums = scratch;
  if (p.zero) ew_product_sums(&p, scratch);
  ew_product_all(&p, 8);
}
EW_DRIVER void ew_product_w4(ew_product_blocks p, void *scratch) {
  p.sums = scratch;
  if (p.zero) ew_product_sums(&p, scratch);
  ew_product_all(&p, 4);
}

#endif
