/* Between real numbers and integers, and from one quantisation to another. */
#ifndef EW_QUANTIZE_H
#define EW_QUANTIZE_H
#include "requantize.h"

/* Units of the result less the zero point: half to even after a product with the inverse scale
   (mode float), or half away from zero after a division by the scale. NaN becomes 0. */
EW_INLINE ew_i32x16 ew_quantize_units(ew_f32x16 x, float scale, int32_t lo, int32_t hi,
                                      const int mode) {
  const ew_f32x16 factor = ew_f32_dup(scale), zero = ew_f32_dup(0.0f);
  ew_f32x16 v = mode == EW_REQUANT_FLOAT ? ew_f32_mul(x, factor) : ew_f32_div(x, factor);
  v = ew_f32_select(ew_f32_eq(v, v), v, zero);
  v = ew_f32_min(ew_f32_dup((float)hi), ew_f32_max(ew_f32_dup((float)lo), v));
  if (mode == EW_REQUANT_FLOAT) return ew_i32_of_f32(v);
  /* The whole part is exact, and so is what is left of it. */
  const ew_f32x16 size = ew_f32_abs(v), whole = ew_f32_floor(size);
  const ew_mask16 up = ew_f32_le(ew_f32_dup(0.5f), ew_f32_sub(size, whole));
  const ew_f32x16 rounded = ew_f32_add(whole, ew_f32_select(up, ew_f32_dup(1.0f), zero));
  const ew_mask16 negative = ew_f32_lt(v, zero);
  return ew_i32_of_f32(ew_f32_select(negative, ew_f32_neg(rounded), rounded));
}

/* numbers are the scale (its inverse in mode float) as bits, the zero point, lo and hi. */
#define EW_QUANTIZE(suffix, type) \
  EW_KERNEL void ew_quantize_##suffix(const float *x, type *y, int n, const int32_t *numbers, \
                                      const int mode) { \
    const float scale = ew_float_of_bits(numbers[0]); \
    const int32_t zero = numbers[1], lo = numbers[2] - zero, hi = numbers[3] - zero; \
    int i = 0; \
    for (; i + 16 <= n; i += 16) { \
      const ew_i32x16 v = ew_quantize_units(ew_f32_load(x + i), scale, lo, hi, mode); \
      ew_i32_store_##suffix(y + i, ew_i32_add(v, ew_i32_dup(zero))); \
    } \
    if (i < n) { \
      const ew_i32x16 v = ew_quantize_units(ew_f32_load_n(x + i, n - i), scale, lo, hi, mode); \
      ew_i32_store_##suffix##_n(y + i, ew_i32_add(v, ew_i32_dup(zero)), n - i); \
    } \
  }
EW_QUANTIZE(s8, int8_t)
EW_QUANTIZE(u8, uint8_t)
EW_QUANTIZE(s16, int16_t)

/* y = scale * (x - zero) for a row with one scale. */
#define EW_DEQUANTIZE(suffix, type) \
  EW_KERNEL void ew_dequantize_##suffix(const type *x, float *y, int n, float scale, \
                                        int32_t zero) { \
    const ew_f32x16 factor = ew_f32_dup(scale); \
    const ew_i32x16 offset = ew_i32_dup(zero); \
    int i = 0; \
    for (; i + 16 <= n; i += 16) { \
      const ew_i32x16 v = ew_i32_sub(ew_i32_load_##suffix(x + i), offset); \
      ew_f32_store(y + i, ew_f32_mul(factor, ew_f32_of_i32(v))); \
    } \
    if (i < n) { \
      const ew_i32x16 v = ew_i32_sub(ew_i32_load_##suffix##_n(x + i, n - i), offset); \
      ew_f32_store_n(y + i, ew_f32_mul(factor, ew_f32_of_i32(v)), n - i); \
    } \
  }
EW_DEQUANTIZE(s8, int8_t)
EW_DEQUANTIZE(u8, uint8_t)
EW_DEQUANTIZE(s16, int16_t)
EW_INLINE ew_i32x16 ew_i32_load_s32(const int32_t *p) { return ew_i32_load(p); }
EW_INLINE ew_i32x16 ew_i32_load_s32_n(const int32_t *p, int n) { return ew_i32_load_n(p, n); }
EW_DEQUANTIZE(s32, int32_t)

/* From one quantisation to another where one side is wider than 8 bits: numbers are x_zero, y_zero,
   lo, hi, multiplier, shift. */
#define EW_REQUANTIZE(from, from_type, to, to_type) \
  EW_KERNEL void ew_requantize_##from##_##to(const from_type *x, to_type *y, int n, \
                                             const int32_t *numbers) { \
    int32_t q[6]; \
    __builtin_memcpy(q, numbers, sizeof q); \
    for (int i = 0; i < n; i += 16) { \
      const int rest = n - i < 16 ? n - i : 16; \
      const ew_i32x16 v = ew_i32_sub(ew_i32_load_##from##_n(x + i, rest), ew_i32_dup(q[0])); \
      const ew_i32x16 w = ew_i32_add(ew_i32_multiply_by(v, q + 4), ew_i32_dup(q[1])); \
      const ew_i32x16 above = ew_i32_max(w, ew_i32_dup(q[2])); \
      ew_i32_store_##to##_n(y + i, ew_i32_min(above, ew_i32_dup(q[3])), rest); \
    } \
  }
EW_REQUANTIZE(s16, int16_t, s16, int16_t)
EW_REQUANTIZE(s16, int16_t, s8, int8_t)
EW_REQUANTIZE(s16, int16_t, u8, uint8_t)
EW_REQUANTIZE(s8, int8_t, s16, int16_t)
EW_REQUANTIZE(u8, uint8_t, s16, int16_t)
EW_REQUANTIZE(s32, int32_t, s16, int16_t)
EW_REQUANTIZE(s32, int32_t, s8, int8_t)
EW_REQUANTIZE(s32, int32_t, u8, uint8_t)

#endif
