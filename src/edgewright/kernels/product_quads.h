/* Products of float32 rows with 8-bit weights in quads, on CPUs with a dot product of bytes or
   int16.

   A row becomes integers of 23 bits, as digits.h has them, in digits that the CPU multiplies: sums
   are exact, so that all of them give the same result, for blocks of at most 4096 numbers.
   Converting weights to float32 takes three times as long, where they come from a cache. */
#ifndef EW_PRODUCT_QUADS_H
#define EW_PRODUCT_QUADS_H
#include "product_blocks.h"

/* Bytes of scratch: digits of either kind, and the sums of each block. */
EW_INLINE int32_t ew_quads_bytes(int32_t depth, int32_t blocks) {
  return ew_digits_sums_bytes(blocks) + ((4 * ((depth + 7) & -8) + 63) & -64);
}

#if EW_HAS_BYTES_JOIN || defined(EW_HAS_DOT_PAIRS)
/* 65536 * high + low, whatever digits the two are made of; 0 <= low < 2^17. */
EW_INLINE ew_f32x16 ew_quads_value(ew_i32x16 high, ew_i32x16 low) {
  const ew_i32x16 whole = ew_i32_add(high, ew_i32_sra(low, 16));
  const ew_i32x16 rest = ew_i32_and(low, ew_i32_dup(0xffff));
  return ew_fma(ew_f32_of_i32(whole), ew_f32_dup(65536.0f), ew_f32_of_i32(rest));
}

/* The sum of the numbers of block b, in units. */
EW_KERNEL float ew_quads_total(const ew_product_blocks *p, const float *x, float unit, int32_t b) {
  const int32_t from = b * p->block, to = ew_min_i32(from + p->block, p->depth);
  const ew_f32x16 factor = ew_f32_dup(1.0f / unit);
  int32_t high = 0, low = 0;
  for (int32_t k = from; k < to; k += 16) {
    const ew_f32x16 v = ew_f32_load_n(x + k, ew_min_i32(16, to - k));
    const ew_i32x16 n = ew_i32_of_f32(ew_f32_mul(v, factor));
    high += ew_i32_sum(ew_i32_sra(n, 16));
    low += ew_i32_sum(ew_i32_and(n, ew_i32_dup(0xffff)));
  }
  return (float)(high + (low >> 16)) * 65536.0f + (float)(low & 0xffff);
}
#endif

#if EW_HAS_BYTES_JOIN
#define EW_QUADS_GROUPS 4 /* of sixteen columns at a time */
/* Three signed bytes, times weights plus 128. */
#define ew_quads_of ew_digits_of
EW_INLINE void ew_quads_sum(const ew_product_blocks *p, const ew_digits *d, int32_t g, int32_t b,
                            const int groups, ew_f32x16 part[4]) {
  const ptrdiff_t group = ew_product_group(p->depth, EW_STORED_QUADS);
  const int32_t *const w = (const int32_t *)p->w + g * group;
  const int32_t from = b * p->block, to = ew_min_i32(from + p->block, p->depth);
  const ew_i32x16 flip = ew_i32_dup((int32_t)0x80808080u);
  ew_i32x16 sum[3][4];
  EW_UNROLL for (int n = 0; n < 3; ++n)
    EW_UNROLL for (int j = 0; j < groups; ++j)
      sum[n][j] = ew_i32_dup(-128 * d->sums[3 * b + n]);
  for (ptrdiff_t k = from; k < to; k += 4) {
    ew_i32x16 columns[4];
    EW_UNROLL for (int j = 0; j < groups; ++j)
      columns[j] = ew_i32_xor(ew_i32_load(w + j * group + 4 * k), flip);
    EW_UNROLL for (int n = 0; n < 3; ++n) {
      int32_t four;
      __builtin_memcpy(&four, d->digits + n * d->padded + k, 4);
      EW_UNROLL for (int j = 0; j < groups; ++j)
        sum[n][j] = ew_bytes_dot(sum[n][j], columns[j], ew_i32_dup(four));
    }
  }
  EW_UNROLL for (int j = 0; j < groups; ++j) {
    const ew_i32x16 low = ew_i32_add(ew_i32_and(sum[0][j], ew_i32_dup(0xffff)),
                                     ew_i32_shl(ew_i32_and(sum[1][j], ew_i32_dup(0xff)), 8));
    const ew_i32x16 high = ew_i32_add(ew_i32_sra(sum[0][j], 16), ew_i32_sra(sum[1][j], 8));
    part[j] = ew_quads_value(ew_i32_add(high, sum[2][j]), low);
  }
}
#elif defined(EW_HAS_DOT_PAIRS)
#define EW_QUADS_GROUPS 2
/* Two int16, of 11 bits and of the rest: numbers 0, 2, 1, 3 of each four, as the dot product has
   them. */
EW_INLINE void ew_quads_store(int16_t *to, ew_i32x16 v) {
  int16_t plain[16];
  ew_i32_store_s16(plain, v);
  EW_UNROLL for (int i = 0; i < 16; i += 4) {
    to[i] = plain[i];
    to[i + 1] = plain[i + 2];
    to[i + 2] = plain[i + 1];
    to[i + 3] = plain[i + 3];
  }
}

EW_KERNEL int ew_quads_of(ew_digits *d, const float *x, int32_t depth, int32_t block,
                          int32_t blocks, void *scratch) {
  const int32_t exponent = ew_digits_largest(x, depth) >> 23, padded = (depth + 15) & -16;
  int16_t *const digits = scratch;
  (void)block, (void)blocks;
  if (exponent < 22 || exponent >= 255) return 0;
  const ew_f32x16 factor = ew_f32_dup(ew_float_of_bits((275 - exponent) << 23));
  for (int32_t k = 0; k < depth; k += 16) {
    const ew_f32x16 v = ew_f32_load_n(x + k, ew_min_i32(16, depth - k));
    const ew_i32x16 n = ew_i32_of_f32(ew_f32_mul(v, factor));
    const ew_i32x16 low = ew_i32_sra(ew_i32_shl(n, 21), 21);
    ew_quads_store(digits + k, low);
    ew_quads_store(digits + padded + k, ew_i32_sra(ew_i32_sub(n, low), 11));
  }
  *d = (ew_digits){(const int8_t *)digits, 0, ew_float_of_bits((exponent - 21) << 23), padded};
  return 1;
}

EW_INLINE void ew_quads_sum(const ew_product_blocks *p, const ew_digits *d, int32_t g, int32_t b,
                            const int groups, ew_f32x16 part[4]) {
  const ptrdiff_t group = ew_product_group(p->depth, EW_STORED_QUADS);
  const int8_t *const w = (const int8_t *)((const int32_t *)p->w + g * group);
  const int16_t *const digits = (const int16_t *)(const void *)d->digits;
  const int32_t from = b * p->block, to = ew_min_i32(from + p->block, p->depth);
  ew_i32x16 low[4], high[4];
  EW_UNROLL for (int j = 0; j < groups; ++j) low[j] = high[j] = ew_i32_dup(0);
  for (ptrdiff_t k = from; k < to; k += 4) {
    const ew_dot_x x0 = ew_dot_load_pairs(digits + k);
    const ew_dot_x x1 = ew_dot_load_pairs(digits + d->padded + k);
    EW_UNROLL for (int j = 0; j < groups; ++j) {
      const ew_dot_w columns = ew_dot_load_w(w + 4 * j * group + 16 * k);
      low[j] = ew_dot4(low[j], x0, columns);
      high[j] = ew_dot4(high[j], x1, columns);
    }
  }
  EW_UNROLL for (int j = 0; j < groups; ++j) {
    const ew_i32x16 b0 = ew_i32_add(ew_i32_and(low[j], ew_i32_dup(0xffff)),
                                    ew_i32_shl(ew_i32_and(high[j], ew_i32_dup(31)), 11));
    part[j] = ew_quads_value(ew_i32_add(ew_i32_sra(low[j], 16), ew_i32_sra(high[j], 5)), b0);
  }
}
#endif

#if EW_HAS_BYTES_JOIN || defined(EW_HAS_DOT_PAIRS)
/* One row, sixteens of columns g to g + groups. */
EW_INLINE void ew_quads_columns(const ew_product_blocks *p, const ew_digits *d, const float *totals,
                                float *y, int32_t g, const int groups) {
  const ptrdiff_t scales = (ptrdiff_t)p->blocks * 16;
  ew_f32x16 total[4], part[4];
  EW_UNROLL for (int j = 0; j < groups; ++j) total[j] = ew_f32_dup(0.0f);
  for (int32_t b = 0; b < p->blocks; ++b) {
    ew_quads_sum(p, d, g, b, groups, part);
    EW_UNROLL for (int j = 0; j < groups; ++j) {
      const ptrdiff_t at = (g + j) * scales + 16 * b;
      if (p->zero) part[j] = ew_fma(ew_f32_dup(-totals[b]), ew_f32_load(p->zero + at), part[j]);
      total[j] = ew_fma(ew_f32_load(p->scale + at), part[j], total[j]);
    }
  }
  EW_UNROLL for (int j = 0; j < groups; ++j) {
    const int32_t n = 16 * (g + j);
    const ew_f32x16 v = ew_fma(total[j], ew_f32_dup(d->unit), ew_f32_load(p->bias + n));
    ew_f32_store_n(y + n, ew_f32_clamp(v, ew_f32_dup(p->lo), ew_f32_dup(p->hi)),
                   ew_min_i32(16, p->columns - n));
  }
}
EW_KERNEL void ew_quads_many(const ew_product_blocks *p, const ew_digits *d, const float *totals,
                             float *y, int32_t g) {
  ew_quads_columns(p, d, totals, y, g, EW_QUADS_GROUPS);
}
EW_KERNEL void ew_quads_one(const ew_product_blocks *p, const ew_digits *d, const float *totals,
                            float *y, int32_t g) {
  ew_quads_columns(p, d, totals, y, g, 1);
}

/* Rows in digits; returns how many were done: not those that digits cannot hold, and what follows
   them. */
EW_INLINE int32_t ew_quads_rows(const ew_product_blocks *p, float *totals, void *scratch) {
  const int32_t groups = (p->columns + 15) / 16;
  for (int32_t m = 0; m < p->rows; ++m) {
    const float *const x = p->x + (ptrdiff_t)m * p->depth;
    float *const y = p->y + (ptrdiff_t)m * p->columns;
    ew_digits d;
    if (!ew_quads_of(&d, x, p->depth, p->block, p->blocks, scratch)) return m;
    for (int32_t b = 0; b < p->blocks && p->zero; ++b)
      totals[b] = ew_quads_total(p, x, d.unit, b);
    int32_t g = 0;
    for (; g + EW_QUADS_GROUPS <= groups; g += EW_QUADS_GROUPS)
      ew_quads_many(p, &d, totals, y, g);
    for (; g < groups; ++g) ew_quads_one(p, &d, totals, y, g);
  }
  return p->rows;
}
#endif

/* scratch: ew_quads_bytes(depth, blocks), then, where there are zero points, rows * blocks floats
   more. */
EW_DRIVER void ew_product_quads(ew_product_blocks p, void *scratch) {
  float *const sums = (float *)((char *)scratch + ew_quads_bytes(p.depth, p.blocks));
#if EW_HAS_BYTES_JOIN || defined(EW_HAS_DOT_PAIRS)
  const int32_t done = ew_quads_rows(&p, sums, scratch);
  p.rows -= done;
  p.x += (ptrdiff_t)done * p.depth;
  p.y += (ptrdiff_t)done * p.columns;
  if (p.rows == 0) return;
#endif
  p.sums = sums;
  if (p.zero) ew_product_sums(&p, sums);
  ew_product_all(&p, EW_STORED_QUADS);
}

#endif
