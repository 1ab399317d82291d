/* Softmax of 8-bit tensors (docs/reference/integer.md): rows of contiguous elements; y may be x. */
#ifndef EW_SOFTMAX_Q_H
#define EW_SOFTMAX_Q_H
#include "requantize.h"

/* Mode float: powers[d] = exp(-scale d); summed from the first column to the last.
   numbers are the scale of the result as bits, its zero point, lo and hi. */
EW_INLINE int32_t ew_round_away(float v) {
  const float size = v < 0.0f ? -v : v;
  if (!(size < 1073741824.0f)) return v < 0.0f ? -1073741824 : 1073741824;
  const int32_t whole = (int32_t)size;
  const int32_t rounded = whole + (size - (float)whole >= 0.5f);
  return v < 0.0f ? -rounded : rounded;
}

/* round(a * b / 2^31) for any signs: ew_mul_high_i32 wants b >= 0. */
EW_INLINE int32_t ew_q31_mul(int32_t a, int32_t b) {
  if (a == INT32_MIN && b == INT32_MIN) return INT32_MAX;
  const int64_t product = (int64_t)a * b;
  return (int32_t)((product + (product >= 0 ? 1 << 30 : 1 - (1 << 30))) / (INT64_C(1) << 31));
}

/* 1 / (1 + a) in Q0 for a in [0, 1] in Q0: three Newton steps in Q2. */
EW_INLINE int32_t ew_q31_inverse(int32_t a) {
  const int32_t half = (int32_t)(((int64_t)a + INT32_MAX + 1) / 2);
  int32_t x = 1515870810 + ew_q31_mul(half, -1010580540);
  for (int i = 0; i < 3; ++i) {
    const int32_t error = (1 << 29) - ew_q31_mul(half, x);
    const int64_t step = (int64_t)ew_q31_mul(x, error) * 4;
    x += (int32_t)(step > INT32_MAX ? INT32_MAX : step < INT32_MIN ? INT32_MIN : step);
  }
  const int64_t twice = (int64_t)x * 2;
  return (int32_t)(twice > INT32_MAX ? INT32_MAX : twice);
}

/* The numbers of mode fixed: a multiplier (or 0) and a shift bring results to their scale. */
typedef struct ew_softmax_units {
  int32_t zero, lo, hi, multiplier, bits;
} ew_softmax_units;

/* The last step of a row, y = powers[top - x] in units of the result. */
#if EW_SMALL
enum { EW_SOFTMAX_ROWS = 1 };
#define EW_SOFTMAX_ROW(suffix, type) \
  EW_INLINE void ew_softmax_float_row_##suffix( \
      const type *x, type *y, int32_t columns, int32_t top, const float *powers, float inverse, \
      const int32_t *numbers) { \
    for (int32_t i = 0; i < columns; ++i) { \
      const int32_t v = ew_round_away(powers[top - x[i]] * inverse) + numbers[1]; \
      y[i] = (type)ew_clamp_i32(v, numbers[2], numbers[3]); \
    } \
  } \
  EW_INLINE void ew_softmax_fixed_row_##suffix( \
      const type *x, type *y, int32_t columns, int32_t top, const int32_t *powers, \
      int32_t inverse, int32_t shift, const ew_softmax_units *q) { \
    for (int32_t i = 0; i < columns; ++i) { \
      int32_t part = ew_q31_mul(inverse, powers[top - x[i]]); \
      if (q->multiplier) part = ew_mul_high_i32(part, q->multiplier); \
      const int32_t v = shift > 31 ? 0 : ew_shift_round_i32(part, shift); \
      y[i] = (type)ew_clamp_i32(ew_min_i32(v, q->hi - q->zero) + q->zero, q->lo, q->hi); \
    } \
  }
#else
/* Powers are looked up one by one, for EW_SOFTMAX_CHUNK columns at a time; the rest is vectors. The
   sums of mode float wait for each other: EW_SOFTMAX_ROWS rows at a time hide that. */
enum { EW_SOFTMAX_ROWS = 4, EW_SOFTMAX_CHUNK = 256 };

/* As ew_round_away; no part is negative, and a NaN is the largest. */
EW_INLINE ew_i32x16 ew_softmax_float_units(ew_f32x16 part, const int32_t *numbers) {
  const ew_f32x16 v = ew_f32_min(part, ew_f32_dup(1073741824.0f)), whole = ew_f32_floor(v);
  const ew_mask16 up = ew_f32_le(ew_f32_dup(0.5f), ew_f32_sub(v, whole));
  const ew_f32x16 one = ew_f32_select(up, ew_f32_dup(1.0f), ew_f32_dup(0.0f));
  const ew_i32x16 y = ew_i32_add(ew_i32_of_f32(ew_f32_add(whole, one)), ew_i32_dup(numbers[1]));
  return ew_i32_min(ew_i32_max(y, ew_i32_dup(numbers[2])), ew_i32_dup(numbers[3]));
}
EW_INLINE ew_i32x16 ew_softmax_fixed_units(ew_i32x16 power, int32_t inverse, int32_t shift,
                                           const ew_softmax_units *q) {
  ew_i32x16 v = ew_i32_mul_high(power, ew_i32_dup(inverse));
  if (q->multiplier) v = ew_i32_mul_high(v, ew_i32_dup(q->multiplier));
  v = shift > 31 ? ew_i32_dup(0) : ew_i32_shift_round(v, ew_i32_dup(shift));
  v = ew_i32_add(ew_i32_min(v, ew_i32_dup(q->hi - q->zero)), ew_i32_dup(q->zero));
  return ew_i32_min(ew_i32_max(v, ew_i32_dup(q->lo)), ew_i32_dup(q->hi));
}

#define EW_SOFTMAX_ROW(suffix, type) \
  EW_INLINE void ew_softmax_float_row_##suffix( \
      const type *x, type *y, int32_t columns, int32_t top, const float *powers, float inverse, \
      const int32_t *numbers) { \
    const int32_t units[4] = {0, numbers[1], numbers[2], numbers[3]}; \
    float held[EW_SOFTMAX_CHUNK]; \
    for (int32_t at = 0; at < columns; at += EW_SOFTMAX_CHUNK) { \
      const int32_t count = ew_min_i32(columns - at, EW_SOFTMAX_CHUNK); \
      for (int32_t i = 0; i < count; ++i) held[i] = powers[top - x[at + i]]; \
      for (int32_t i = 0; i < count; i += 16) { \
        const int32_t n = ew_min_i32(count - i, 16); \
        const ew_f32x16 power = n < 16 ? ew_f32_load_n(held + i, n) : ew_f32_load(held + i); \
        const ew_f32x16 part = ew_f32_mul(power, ew_f32_dup(inverse)); \
        const ew_i32x16 v = ew_softmax_float_units(part, units); \
        if (n < 16) ew_i32_store_##suffix##_n(y + at + i, v, n); \
        else ew_i32_store_##suffix(y + at + i, v); \
      } \
    } \
  } \
  EW_INLINE void ew_softmax_fixed_row_##suffix( \
      const type *x, type *y, int32_t columns, int32_t top, const int32_t *powers, \
      int32_t inverse, int32_t shift, const ew_softmax_units *units) { \
    const ew_softmax_units q = *units; \
    int32_t held[EW_SOFTMAX_CHUNK]; \
    for (int32_t at = 0; at < columns; at += EW_SOFTMAX_CHUNK) { \
      const int32_t count = ew_min_i32(columns - at, EW_SOFTMAX_CHUNK); \
      for (int32_t i = 0; i < count; ++i) held[i] = powers[top - x[at + i]]; \
      for (int32_t i = 0; i < count; i += 16) { \
        const int32_t n = ew_min_i32(count - i, 16); \
        const ew_i32x16 power = n < 16 ? ew_i32_load_n(held + i, n) : ew_i32_load(held + i); \
        const ew_i32x16 v = ew_softmax_fixed_units(power, inverse, shift, &q); \
        if (n < 16) ew_i32_store_##suffix##_n(y + at + i, v, n); \
        else ew_i32_store_##suffix(y + at + i, v); \
      } \
    } \
  }
#endif

#define EW_SOFTMAX_Q(suffix, type) \
  EW_SOFTMAX_ROW(suffix, type) \
  EW_INLINE int32_t ew_row_top_##suffix(const type *x, int32_t n) { \
    int32_t top = x[0]; \
    for (int32_t i = 1; i < n; ++i) top = x[i] > top ? x[i] : top; \
    return top; \
  } \
  EW_INLINE void ew_softmax_float_rows_##suffix( \
      const type *x, type *y, const int32_t rows, int32_t columns, const float *powers, \
      const int32_t *numbers) { \
    const float scale = ew_float_of_bits(numbers[0]); \
    int32_t top[EW_SOFTMAX_ROWS]; \
    float total[EW_SOFTMAX_ROWS]; \
    EW_UNROLL for (int32_t r = 0; r < rows; ++r) { \
      top[r] = ew_row_top_##suffix(x + r * (ptrdiff_t)columns, columns); \
      total[r] = 0.0f; \
    } \
    for (int32_t i = 0; i < columns; ++i) \
      EW_UNROLL for (int32_t r = 0; r < rows; ++r) \
        total[r] += powers[top[r] - x[r * (ptrdiff_t)columns + i]]; \
    for (int32_t r = 0; r < rows; ++r, x += columns, y += columns) \
      ew_softmax_float_row_##suffix(x, y, columns, top[r], powers, 1.0f / (total[r] * scale), \
                                    numbers); \
  } \
  EW_KERNEL void ew_softmax_float_##suffix( \
      const type *x, type *y, int32_t rows, int32_t columns, const float *powers, \
      const int32_t *numbers) { \
    int32_t r = 0; \
    const ptrdiff_t step = (ptrdiff_t)EW_SOFTMAX_ROWS * columns; \
    if (EW_SOFTMAX_ROWS > 1) \
      for (; r + EW_SOFTMAX_ROWS <= rows; r += EW_SOFTMAX_ROWS, x += step, y += step) \
        ew_softmax_float_rows_##suffix(x, y, EW_SOFTMAX_ROWS, columns, powers, numbers); \
    for (; r < rows; ++r, x += columns, y += columns) \
      ew_softmax_float_rows_##suffix(x, y, 1, columns, powers, numbers); \
  } \
  /* Mode fixed: powers[d] in Q0 (0 where d counts as nothing), sums in Q12. */ \
  EW_KERNEL void ew_softmax_fixed_##suffix( \
      const type *x, type *y, int32_t rows, int32_t columns, const int32_t *powers, \
      const int32_t *numbers) { \
    ew_softmax_units q; \
    __builtin_memcpy(&q, numbers, sizeof q); \
    for (int32_t r = 0; r < rows; ++r, x += columns, y += columns) { \
      const int32_t top = ew_row_top_##suffix(x, columns); \
      int32_t total = 0; \
      for (int32_t i = 0; i < columns; ++i) total += ew_shift_round_i32(powers[top - x[i]], 12); \
      const int32_t headroom = __builtin_clz((uint32_t)total); \
      const int32_t inverse = \
          ew_q31_inverse((int32_t)(((uint32_t)total << headroom) - 0x80000000u)); \
      const int32_t shift = ew_max_i32(12 - headroom + 31 - q.bits, 0); \
      ew_softmax_fixed_row_##suffix(x, y, columns, top, powers, inverse, shift, &q); \
    } \
  }
EW_SOFTMAX_Q(s8, int8_t)
EW_SOFTMAX_Q(u8, uint8_t)

/* A function given at 513 points, at an int16 argument: 9 bits choose the point, 7 interpolate. */
EW_INLINE int32_t ew_between_points(int32_t v, const int16_t *points) {
  const int16_t *at = points + (v >> 7) + 256;
  return at[0] + (((at[1] - at[0]) * (v & 127) + 64) >> 7);
}

/* int16: powers has e^x over [-10, 0], inverses 1 / (1 + x) over [0, 1]; factor brings differences to
   the units of the first. The result is in units of 1/32768. */
EW_KERNEL void ew_softmax_s16(const int16_t *x, int16_t *y, int32_t rows, int32_t columns,
                              const int16_t *powers, const int16_t *inverses,
                              const int32_t *factor) {
  for (int32_t r = 0; r < rows; ++r, x += columns, y += columns) {
    int32_t top = x[0], total = 0;
    for (int32_t i = 1; i < columns; ++i) top = x[i] > top ? x[i] : top;
    for (int32_t i = 0; i < columns; ++i) {
      const int32_t v = ew_multiply_i32(x[i] - top, factor[0], factor[1]) + 32767;
      const int32_t power = ew_between_points(ew_clamp_i32(v, -32768, 32767), powers);
      y[i] = (int16_t)power;
      total += power;
    }
    const int32_t headroom = __builtin_clz((uint32_t)total), shift = 31 - headroom;
    const int64_t normal = (((int64_t)total << (headroom - 1)) + (1 << 13)) >> 14;
    const int32_t place = ew_clamp_i32((int32_t)normal - (1 << 15) - (1 << 16), -32768, 32767);
    const int32_t inverse = ew_between_points(place, inverses);
    for (int32_t i = 0; i < columns; ++i)
      y[i] = (int16_t)ew_clamp_i32((y[i] * inverse + (1 << (shift - 1))) >> shift, 0, 32767);
  }
}

#endif
