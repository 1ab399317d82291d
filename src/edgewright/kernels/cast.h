/* Conversions between element types that C leaves undefined or does not know. Floats go to integers
   towards zero, saturating, and NaN goes to 0. */
#ifndef EW_CAST_H
#define EW_CAST_H
#include "ew.h"

/* qemu 7, which Debian 12 has, stops at vfcvt.rtz: RISC-V truncates number by number. */
#if defined(__riscv_v)
#define EW_ALONE(v) __asm__("" : "+f"(v))
#else
#define EW_ALONE(v) (void)0
#endif

/* name(x): `type` from `low` to `high`; `below` is the least float that still fits, and `above` the
   least that is too large. */
#define EW_TRUNCATE(name, real, type, below, above, low, high)                                     \
  EW_INLINE type name(real v) {                                                                    \
    real inside = v >= (below) && v < (above) ? v : (real)0;                                       \
    EW_ALONE(inside);                                                                              \
    const type whole = (type)inside, top = v >= (above) ? high : whole;                            \
    return v < (below) ? low : top;                                                                \
  }

EW_TRUNCATE(ew_trunc_i8_f32, float, int8_t, -128.0f, 128.0f, INT8_MIN, INT8_MAX)
EW_TRUNCATE(ew_trunc_i16_f32, float, int16_t, -32768.0f, 32768.0f, INT16_MIN, INT16_MAX)
EW_TRUNCATE(ew_trunc_i32_f32, float, int32_t, -0x1p31f, 0x1p31f, INT32_MIN, INT32_MAX)
EW_TRUNCATE(ew_trunc_i64_f32, float, int64_t, -0x1p63f, 0x1p63f, INT64_MIN, INT64_MAX)
EW_TRUNCATE(ew_trunc_u8_f32, float, uint8_t, 0.0f, 256.0f, 0, UINT8_MAX)
EW_TRUNCATE(ew_trunc_u16_f32, float, uint16_t, 0.0f, 65536.0f, 0, UINT16_MAX)
EW_TRUNCATE(ew_trunc_u32_f32, float, uint32_t, 0.0f, 0x1p32f, 0, UINT32_MAX)
EW_TRUNCATE(ew_trunc_i8_f64, double, int8_t, -128.0, 128.0, INT8_MIN, INT8_MAX)
EW_TRUNCATE(ew_trunc_i16_f64, double, int16_t, -32768.0, 32768.0, INT16_MIN, INT16_MAX)
EW_TRUNCATE(ew_trunc_i32_f64, double, int32_t, -0x1p31, 0x1p31, INT32_MIN, INT32_MAX)
EW_TRUNCATE(ew_trunc_i64_f64, double, int64_t, -0x1p63, 0x1p63, INT64_MIN, INT64_MAX)
EW_TRUNCATE(ew_trunc_u8_f64, double, uint8_t, 0.0, 256.0, 0, UINT8_MAX)
EW_TRUNCATE(ew_trunc_u16_f64, double, uint16_t, 0.0, 65536.0, 0, UINT16_MAX)
EW_TRUNCATE(ew_trunc_u32_f64, double, uint32_t, 0.0, 0x1p32, 0, UINT32_MAX)

/* float16 by bits: no ISA needs to have the type. */
EW_INLINE float ew_f32_of_f16(uint16_t half) {
  const int32_t sign = (int32_t)((uint32_t)(half & 0x8000) << 16);
  const int32_t rest = half & 0x7fff;
  /* Multiplying moves the exponent's bias and makes denormals normal in one step. */
  const float moved = ew_float_of_bits(rest << 13) * 0x1p112f;
  const int32_t bits = rest >= 0x7c00 ? (rest << 13) | 0x7f800000 : ew_bits_of_float(moved);
  return ew_float_of_bits(bits | sign);
}

/* Rounds half to even; what is too large becomes infinity, NaN stays NaN. */
EW_INLINE uint16_t ew_f16_of_f32(float v) {
  const uint32_t bits = (uint32_t)ew_bits_of_float(v), sign = bits >> 16 & 0x8000;
  const uint32_t size = bits & 0x7fffffff;
  if (size > 0x7f800000) return (uint16_t)(sign | 0x7e00 | (size >> 13 & 0x3ff));
  if (size >= 0x477ff000) return (uint16_t)(sign | 0x7c00);
  if (size < 0x38800000) { /* a denormal: adding 1/2 puts its last bit where float32 rounds */
    const float shifted = ew_float_of_bits((int32_t)size) + 0.5f;
    return (uint16_t)(sign | ((uint32_t)ew_bits_of_float(shifted) - 0x3f000000));
  }
  return (uint16_t)(sign | ((size - 0x38000000 + 0xfff + (size >> 13 & 1)) >> 13));
}

EW_INLINE uint16_t ew_bf16_of_f32(float v) {
  const uint32_t bits = (uint32_t)ew_bits_of_float(v);
  if ((bits & 0x7fffffff) > 0x7f800000) return (uint16_t)(bits >> 16 | 0x40);
  return (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

/* A function that converts `count` elements; `expression` is in terms of `v`. */
#define EW_CAST(name, source, target, expression)                                                  \
  EW_INLINE void name(target *restrict to, const source *restrict from, int32_t count) {           \
    for (int32_t i = 0; i < count; ++i) {                                                          \
      const source v = from[i];                                                                    \
      to[i] = (target)(expression);                                                                \
    }                                                                                              \
  }

#endif
