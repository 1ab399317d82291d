/* From int32 sums back to 8 bits: the two modes of docs/reference/integer.md. */
#ifndef EW_REQUANTIZE_H
#define EW_REQUANTIZE_H
#include "simd.h"

/* EW_REQUANT_ONCE is mode `fixed` as LiteRT's fully connected has it: one rounding. */
enum { EW_REQUANT_FLOAT = 0, EW_REQUANT_FIXED = 1, EW_REQUANT_ONCE = 2 };

/* The trained numbers of one 8-bit layer; `pack_q8_params` in ops/packing.py writes it. A factor is
   a multiplier and its shift; in mode `float` only the sum has a shift (and no multiplier). */
typedef struct ew_q8_params {
  int32_t x_zero;            /* padding reads this */
  int32_t y_zero, lo, hi;    /* of the layer's own result */
  int32_t x_sum_multiplier;  /* times the sum of a row of x; 0 unless weights have a zero point */
  int32_t skip_zero;         /* the residual, and the sum of both: */
  int32_t sum_zero, sum_lo, sum_hi;
  int32_t y_factor[2], skip_factor[2], sum_factor[2];
} ew_q8_params;

/* Per-channel numbers, in blocks of 16 channels: bias, then the factor's one (float) or two (fixed)
   rows; `pack_q8_channels` writes them. */
EW_INLINE int ew_q8_channel_rows(const int mode) { return mode == EW_REQUANT_FLOAT ? 2 : 3; }

/* round(v / 2^by), halves away from zero; some ISAs have a shorter form of their own. */
#if !defined(EW_HAS_SHIFT_ROUND)
EW_INLINE ew_i32x16 ew_i32_shift_round(ew_i32x16 v, ew_i32x16 by) {
  const ew_i32x16 one = ew_i32_dup(1);
  const ew_i32x16 mask = ew_i32_sub(ew_i32_shlv(one, by), one);
  const ew_i32x16 half = ew_i32_sub(ew_i32_shr(mask, 1), ew_i32_sra(v, 31));
  const ew_mask16 up = ew_i32_gt(ew_i32_and(v, mask), half);
  return ew_i32_add(ew_i32_srav(v, by), ew_i32_select(up, one, ew_i32_dup(0)));
}
#endif

/* The vector form of ew_multiply_i32. */
EW_INLINE ew_i32x16 ew_i32_multiply(ew_i32x16 v, ew_i32x16 multiplier, ew_i32x16 shift) {
  const ew_i32x16 zero = ew_i32_dup(0);
  const ew_i32x16 left = ew_i32_max(shift, zero);
  const ew_i32x16 right = ew_i32_sub(left, shift);
  return ew_i32_shift_round(ew_i32_mul_high(ew_i32_shlv(v, left), multiplier), right);
}

/* round(v * multiplier * 2^(shift - 31)), halves away from zero, in 64 bits: lane by lane, as it is only used
   once per result of a product with long rows. */
EW_INLINE ew_i32x16 ew_i32_multiply_once(ew_i32x16 v, ew_i32x16 multiplier, ew_i32x16 shift) {
  int32_t values[16], factors[16], shifts[16];
  ew_i32_store(values, v);
  ew_i32_store(factors, multiplier);
  ew_i32_store(shifts, shift);
  EW_ROLLED for (int i = 0; i < 16; ++i) {
    const int bits = 31 - shifts[i];
    const int64_t product = (int64_t)values[i] * factors[i];
    values[i] = (int32_t)((product + ((int64_t)1 << (bits - 1)) - (product < 0)) >> bits);
  }
  return ew_i32_load(values);
}

/* Clamps before rounding at the top: a float above int32's range has no integer. */
EW_INLINE ew_i32x16 ew_round_within(ew_f32x16 v, int32_t lo, int32_t hi) {
  const ew_f32x16 below = ew_f32_min(v, ew_f32_dup((float)hi));
  return ew_i32_max(ew_i32_of_f32(below), ew_i32_dup(lo));
}

/* The factors of 16 channels, from one block of per-channel numbers. */
typedef struct ew_q8_scale {
  ew_i32x16 multiplier, shift;
} ew_q8_scale;

EW_INLINE ew_q8_scale ew_q8_load_scale(const int32_t *channels, const int mode) {
  const ew_i32x16 multiplier = ew_i32_load(channels + 16);
  return (ew_q8_scale){multiplier, mode != EW_REQUANT_FLOAT ? ew_i32_load(channels + 32)
                                                            : multiplier};
}

/* Sums to 8-bit values less y_zero, within [lo, hi]. */
EW_INLINE ew_i32x16 ew_requantize(ew_i32x16 acc, const ew_q8_scale scale, const ew_q8_params *p,
                                  const int mode) {
  const int32_t lo = p->lo - p->y_zero, hi = p->hi - p->y_zero;
  if (mode == EW_REQUANT_FLOAT)
    return ew_round_within(ew_f32_mul(ew_f32_of_i32(acc), ew_f32_of_bits(scale.multiplier)), lo,
                           hi);
  const ew_i32x16 v = mode == EW_REQUANT_ONCE
                          ? ew_i32_multiply_once(acc, scale.multiplier, scale.shift)
                          : ew_i32_multiply(acc, scale.multiplier, scale.shift);
  return ew_i32_min(ew_i32_max(v, ew_i32_dup(lo)), ew_i32_dup(hi));
}

EW_INLINE ew_i32x16 ew_i32_multiply_by(ew_i32x16 v, const int32_t factor[2]) {
  return ew_i32_multiply(v, ew_i32_dup(factor[0]), ew_i32_dup(factor[1]));
}

/* The quantised sum of a residual and a layer's result (both less their zero points), less
   sum_zero and without limits. */
EW_INLINE ew_i32x16 ew_skip_sum(ew_i32x16 y, ew_i32x16 skip, const ew_q8_params *p,
                                const int mode) {
  if (mode == EW_REQUANT_FLOAT) {
    const int32_t shift = p->sum_factor[1];
    const ew_i32x16 first = ew_i32_mul(y, ew_i32_dup(p->y_factor[0]));
    const ew_i32x16 sum = ew_i32_add(first, ew_i32_mul(skip, ew_i32_dup(p->skip_factor[0])));
    return ew_i32_sra(ew_i32_add(sum, ew_i32_dup((int32_t)(1u << (shift - 1)))), shift);
  }
  const ew_i32x16 a = ew_i32_multiply_by(ew_i32_shl(y, 20), p->y_factor);
  const ew_i32x16 b = ew_i32_multiply_by(ew_i32_shl(skip, 20), p->skip_factor);
  return ew_i32_multiply_by(ew_i32_add(a, b), p->sum_factor);
}
EW_INLINE ew_i32x16 ew_add_skip(ew_i32x16 y, ew_i32x16 skip, const ew_q8_params *p,
                                const int mode) {
  const int32_t lo = p->sum_lo - p->sum_zero, hi = p->sum_hi - p->sum_zero;
  const ew_i32x16 sum = ew_skip_sum(y, skip, p, mode);
  const ew_i32x16 limited = ew_i32_min(ew_i32_max(sum, ew_i32_dup(lo)), ew_i32_dup(hi));
  return ew_i32_add(limited, ew_i32_dup(p->sum_zero));
}

#if EW_HAS_BYTES_JOIN
/* Mode float in fewer steps: a product has no integer only where its scale is 1 or larger. There,
   and nowhere else, sums are limited first, to what is far above 8 bits times the scale. */
EW_INLINE int ew_q8_is_large(ew_i32x16 multiplier) {
  return ew_mask_any(ew_f32_le(ew_f32_dup(1.0f), ew_f32_of_bits(multiplier)));
}
EW_INLINE ew_i32x16 ew_q8_most(ew_i32x16 multiplier) {
  const ew_f32x16 one = ew_f32_dup(1.0f), scale = ew_f32_of_bits(multiplier);
  const ew_i32x16 most = ew_i32_of_f32(ew_f32_div(ew_f32_dup(1073741824.0f), scale));
  return ew_i32_select(ew_f32_le(one, scale), most, ew_i32_dup(INT32_MAX));
}
EW_INLINE ew_i32x16 ew_q8_product(ew_i32x16 acc, ew_i32x16 multiplier) {
  return ew_i32_of_f32(ew_f32_mul(ew_f32_of_i32(acc), ew_f32_of_bits(multiplier)));
}
#endif

/* n <= 16 elements, int8 or uint8. */
EW_INLINE ew_i32x16 ew_load_8(const uint8_t *p, int n, const int is_signed) {
  if (is_signed)
    return n < 16 ? ew_i32_load_s8_n((const int8_t *)p, n) : ew_i32_load_s8((const int8_t *)p);
  return n < 16 ? ew_i32_load_u8_n(p, n) : ew_i32_load_u8(p);
}

/* The sum of n bytes of the dot product's type. */
#if !defined(EW_HAS_SUM_8)
EW_INLINE int32_t ew_sum_8(const uint8_t *p, int32_t n) {
  ew_i32x16 sum = ew_i32_dup(0);
  for (int32_t k = 0; k < n; k += 16)
    sum = ew_i32_add(sum, ew_load_8(p + k, ew_min_i32(n - k, 16), !EW_DOT_US));
  return ew_i32_sum(sum);
}
#endif

EW_INLINE void ew_store_8(uint8_t *p, ew_i32x16 v, int n, const int is_signed) {
  if (is_signed) {
    if (n < 16) ew_i32_store_s8_n((int8_t *)p, v, n);
    else ew_i32_store_s8((int8_t *)p, v);
  } else {
    if (n < 16) ew_i32_store_u8_n(p, v, n);
    else ew_i32_store_u8(p, v);
  }
}

/* Requantises, adds the residual where there is one, and stores n channels. */
EW_INLINE void ew_finish_q8(ew_i32x16 acc, const ew_q8_scale scale, const ew_q8_params *p,
                            const uint8_t *skip, uint8_t *y, int n, const int is_signed,
                            const int mode) {
  ew_i32x16 v = ew_requantize(acc, scale, p, mode);
  if (skip) {
    const ew_i32x16 other = ew_load_8(skip, n, is_signed);
    v = ew_add_skip(v, ew_i32_sub(other, ew_i32_dup(p->skip_zero)), p, mode);
  } else {
    v = ew_i32_add(v, ew_i32_dup(p->y_zero));
  }
  ew_store_8(y, v, n, is_signed);
}

/* Finishes n channels of `rows` rows of sums [rows][16]; skip, or null, is laid out as y. Where
   EW_SMALL says so, all kernels leave their sums in memory and call one of these. */
typedef void ew_finish_rows(const int32_t *sums, int32_t rows, int32_t n, const int32_t *channels,
                            const ew_q8_params *params, const uint8_t *skip, uint8_t *y,
                            ptrdiff_t y_row);
#define EW_FINISH_ROWS(name, is_signed, mode, skip_row) \
  EW_KERNEL void name(const int32_t *sums, int32_t rows, int32_t n, const int32_t *channels, \
                      const ew_q8_params *params, const uint8_t *skip, uint8_t *y, \
                      ptrdiff_t y_row) { \
    const ew_q8_params p = *params; /* a store of bytes could change the original */ \
    const ew_q8_scale scale = ew_q8_load_scale(channels, mode); \
    (void)skip; \
    EW_ROLLED for (ptrdiff_t i = 0; i < rows; ++i) \
      ew_finish_q8(ew_i32_load(sums + 16 * i), scale, &p, skip_row, y + i * y_row, n, is_signed, \
                   mode); \
  }
#define EW_FINISH_SET(type, is_signed, mode_name, mode) \
  EW_FINISH_ROWS(ew_finish_##type##_##mode_name, is_signed, mode, (const uint8_t *)0) \
  EW_FINISH_ROWS(ew_finish_##type##_##mode_name##_skip, is_signed, mode, skip + i * y_row)
EW_FINISH_SET(s8, 1, float, EW_REQUANT_FLOAT)
EW_FINISH_SET(u8, 0, float, EW_REQUANT_FLOAT)
EW_FINISH_SET(s8, 1, fixed, EW_REQUANT_FIXED)
EW_FINISH_SET(u8, 0, fixed, EW_REQUANT_FIXED)
EW_FINISH_SET(s8, 1, once, EW_REQUANT_ONCE)
EW_FINISH_SET(u8, 0, once, EW_REQUANT_ONCE)

/* What stays the same for a whole call and decides which code runs; all constants. */
typedef struct ew_q8_variant {
  ew_finish_rows *finish;
  int16_t mode;         /* EW_REQUANT_… */
  int8_t is_signed;     /* int8 or uint8 */
  int8_t weight_zero;   /* weights may have a zero point: row sums of x are needed */
} ew_q8_variant;

#define EW_FINISH_OF(type, mode, skip) \
  ((mode) == EW_REQUANT_FLOAT   ? ew_finish_##type##_float##skip \
   : (mode) == EW_REQUANT_FIXED ? ew_finish_##type##_fixed##skip \
                                : ew_finish_##type##_once##skip)
EW_INLINE ew_q8_variant ew_q8_variant_of(const int is_signed, const int mode,
                                         const int weight_zero, const int has_skip) {
  ew_finish_rows *const finish =
      is_signed ? (has_skip ? EW_FINISH_OF(s8, mode, _skip) : EW_FINISH_OF(s8, mode, ))
                : (has_skip ? EW_FINISH_OF(u8, mode, _skip) : EW_FINISH_OF(u8, mode, ));
  return (ew_q8_variant){finish, (int16_t)mode, (int8_t)is_signed, (int8_t)weight_zero};
}

#endif
