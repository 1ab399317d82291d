/* A row of float32 numbers as integers of 23 bits in three signed digits of base 256, so that
   products with small integers are sums of exact byte products.

   One unit is a power of two, 2^-21 of the power below the largest magnitude: what is rounded off
   is at most 2^-22 of the largest number, about what float32 sums round off. */
#ifndef EW_DIGITS_H
#define EW_DIGITS_H
#include "simd.h"

typedef struct ew_digits {
  const int8_t *digits; /* [3][padded], from the lowest */
  const int32_t *sums;  /* [blocks][3] */
  float unit;
  int32_t padded;       /* the depth, rounded up to eight */
} ew_digits;

EW_INLINE int32_t ew_digits_sums_bytes(int32_t blocks) { return (12 * blocks + 63) & -64; }

/* Bytes of the scratch memory that ew_digits_of takes. */
EW_INLINE int32_t ew_digits_bytes(int32_t depth, int32_t blocks) {
  return ew_digits_sums_bytes(blocks) + ((3 * ((depth + 7) & -8) + 63) & -64);
}

/* The bits of the largest magnitude; those of infinity or more if any number is not finite. */
EW_INLINE int32_t ew_digits_largest(const float *x, int32_t depth) {
  ew_i32x16 most = ew_i32_dup(0);
  for (int32_t k = 0; k < depth; k += 16) {
    const ew_f32x16 v = ew_f32_load_n(x + k, ew_min_i32(16, depth - k));
    most = ew_i32_max(most, ew_bits_of_f32(ew_f32_abs(v)));
  }
  int32_t lanes[16], largest = 0;
  ew_i32_store(lanes, most);
  for (int i = 0; i < 16; ++i) largest = ew_max_i32(largest, lanes[i]);
  return largest;
}

EW_INLINE void ew_digits_store(int8_t *to, ew_i32x16 v, int32_t padded, int n) {
  const ew_i32x16 low = ew_i32_sra(ew_i32_shl(v, 24), 24);
  const ew_i32x16 rest = ew_i32_sra(ew_i32_sub(v, low), 8);
  const ew_i32x16 middle = ew_i32_sra(ew_i32_shl(rest, 24), 24);
  ew_i32_store_s8_n(to, low, n);
  ew_i32_store_s8_n(to + padded, middle, n);
  ew_i32_store_s8_n(to + 2 * (ptrdiff_t)padded, ew_i32_sra(ew_i32_sub(rest, middle), 8), n);
}

/* Sum of the numbers of block b, in units. */
EW_INLINE float ew_digits_sum(const ew_digits *d, int32_t b) {
  const int32_t *const s = d->sums + 3 * b;
  return (float)s[2] * 65536.0f + ((float)s[1] * 256.0f + (float)s[0]);
}

/* Makes the digits of x [depth]; 0 where it has numbers that are not finite, or none but tiny ones.
   scratch: ew_digits_bytes(depth, blocks). */
EW_KERNEL int ew_digits_of(ew_digits *d, const float *x, int32_t depth, int32_t block,
                           int32_t blocks, void *scratch) {
  const int32_t exponent = ew_digits_largest(x, depth) >> 23, padded = (depth + 7) & -8;
  int32_t *const sums = scratch;
  int8_t *const digits = (int8_t *)scratch + ew_digits_sums_bytes(blocks);
  if (exponent < 22 || exponent >= 255) return 0;
  const ew_f32x16 factor = ew_f32_dup(ew_float_of_bits((275 - exponent) << 23));
  for (int32_t k = 0; k < padded; k += 16) {
    const ew_f32x16 v = ew_f32_load_n(x + k, ew_min_i32(16, ew_max_i32(depth - k, 0)));
    ew_digits_store(digits + k, ew_i32_of_f32(ew_f32_mul(v, factor)), padded,
                    ew_min_i32(16, padded - k));
  }
  for (int32_t b = 0; b < blocks; ++b)
    for (int32_t n = 0; n < 3; ++n) {
      const int32_t to = ew_min_i32((b + 1) * block, padded);
      ew_i32x16 sum = ew_i32_dup(0);
      for (int32_t k = b * block; k < to; k += 16)
        sum = ew_i32_add(sum, ew_i32_load_s8_n(digits + n * padded + k, ew_min_i32(16, to - k)));
      sums[3 * b + n] = ew_i32_sum(sum);
    }
  *d = (ew_digits){digits, sums, ew_float_of_bits((exponent - 21) << 23), padded};
  return 1;
}

#endif
