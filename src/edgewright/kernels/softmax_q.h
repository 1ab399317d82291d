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

#define EW_SOFTMAX_Q(suffix, type) \
  EW_INLINE int32_t ew_row_top_##suffix(const type *x, int32_t n) { \
    int32_t top = x[0]; \
    for (int32_t i = 1; i < n; ++i) top = x[i] > top ? x[i] : top; \
    return top; \
  } \
  EW_KERNEL void ew_softmax_float_##suffix( \
      const type *x, type *y, int32_t rows, int32_t columns, const float *powers, \
      const int32_t *numbers) { \
    const float scale = ew_float_of_bits(numbers[0]); \
    for (int32_t r = 0; r < rows; ++r, x += columns, y += columns) { \
      const int32_t top = ew_row_top_##suffix(x, columns); \
      float total = 0.0f; \
      for (int32_t i = 0; i < columns; ++i) total += powers[top - x[i]]; \
      const float inverse = 1.0f / (total * scale); \
      for (int32_t i = 0; i < columns; ++i) { \
        const int32_t v = ew_round_away(powers[top - x[i]] * inverse) + numbers[1]; \
        y[i] = (type)ew_clamp_i32(v, numbers[2], numbers[3]); \
      } \
    } \
  } \
  /* Mode fixed: powers[d] in Q0 (0 where d counts as nothing), sums in Q12. numbers are the zero \
     point, lo, hi, and what brings results to their scale: a multiplier (or 0) and a shift. */ \
  EW_KERNEL void ew_softmax_fixed_##suffix( \
      const type *x, type *y, int32_t rows, int32_t columns, const int32_t *powers, \
      const int32_t *numbers) { \
    int32_t q[5]; \
    __builtin_memcpy(q, numbers, sizeof q); \
    for (int32_t r = 0; r < rows; ++r, x += columns, y += columns) { \
      const int32_t top = ew_row_top_##suffix(x, columns); \
      int32_t total = 0; \
      for (int32_t i = 0; i < columns; ++i) total += ew_shift_round_i32(powers[top - x[i]], 12); \
      const int32_t headroom = __builtin_clz((uint32_t)total); \
      const int32_t inverse = \
          ew_q31_inverse((int32_t)(((uint32_t)total << headroom) - 0x80000000u)); \
      const int32_t shift = ew_max_i32(12 - headroom + 31 - q[4], 0); \
      for (int32_t i = 0; i < columns; ++i) { \
        int32_t part = ew_q31_mul(inverse, powers[top - x[i]]); \
        if (q[3]) part = ew_mul_high_i32(part, q[3]); \
        const int32_t v = shift > 31 ? 0 : ew_shift_round_i32(part, shift); \
        y[i] = (type)ew_clamp_i32(ew_min_i32(v, q[2] - q[0]) + q[0], q[1], q[2]); \
      } \
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
