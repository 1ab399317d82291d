/* The SIMD vocabulary in plain C: sixteen lanes in an array. This file defines what the words mean.

   Loads and stores need no alignment. `_n` forms touch only the first n lanes (0 <= n <= 16);
   lanes that are not loaded are 0. Integer sums and products wrap around. */
#ifndef EW_SIMD_SCALAR_H
#define EW_SIMD_SCALAR_H

#define EW_ISA_NAME "scalar"
/* Register tiles: rows x blocks of 16 columns. */
#define EW_F32_ROWS 2
#define EW_F32_BLOCKS 1
#define EW_Q8_ROWS 2
#define EW_Q8_BLOCKS 1
/* Output pixels at a time in a depthwise convolution. */
#define EW_DEPTHWISE_PIXELS 2

typedef struct ew_f32x16 { float v[16]; } ew_f32x16;
typedef struct ew_i32x16 { int32_t v[16]; } ew_i32x16;
typedef struct ew_mask16 { int32_t v[16]; } ew_mask16; /* 0 or 1 */

#define EW_EACH for (int i = 0; i < 16; ++i)
#define EW_F32_OP1(name, expression) \
  EW_INLINE ew_f32x16 name(ew_f32x16 a) { ew_f32x16 r; EW_EACH r.v[i] = (expression); return r; }
#define EW_F32_OP2(name, expression) \
  EW_INLINE ew_f32x16 name(ew_f32x16 a, ew_f32x16 b) { \
    ew_f32x16 r; EW_EACH r.v[i] = (expression); return r; }
#define EW_I32_OP2(name, expression) \
  EW_INLINE ew_i32x16 name(ew_i32x16 a, ew_i32x16 b) { \
    ew_i32x16 r; EW_EACH r.v[i] = (expression); return r; }
#define EW_I32_SHIFT(name, expression) \
  EW_INLINE ew_i32x16 name(ew_i32x16 a, int by) { \
    ew_i32x16 r; EW_EACH r.v[i] = (expression); return r; }
#define EW_MASK_OP2(name, type, expression) \
  EW_INLINE ew_mask16 name(type a, type b) { \
    ew_mask16 r; EW_EACH r.v[i] = (expression); return r; }

/* --- float32 ------------------------------------------------------------------------------- */
EW_INLINE ew_f32x16 ew_f32_dup(float s) { ew_f32x16 r; EW_EACH r.v[i] = s; return r; }
EW_INLINE ew_f32x16 ew_f32_load(const float *p) { ew_f32x16 r; EW_EACH r.v[i] = p[i]; return r; }
EW_INLINE ew_f32x16 ew_f32_load_n(const float *p, int n) {
  ew_f32x16 r;
  EW_EACH r.v[i] = i < n ? p[i] : 0.0f;
  return r;
}
EW_INLINE void ew_f32_store(float *p, ew_f32x16 a) { EW_EACH p[i] = a.v[i]; }
EW_INLINE void ew_f32_store_n(float *p, ew_f32x16 a, int n) {
  EW_EACH if (i < n) p[i] = a.v[i];
}
EW_F32_OP2(ew_f32_add, a.v[i] + b.v[i])
EW_F32_OP2(ew_f32_sub, a.v[i] - b.v[i])
EW_F32_OP2(ew_f32_mul, a.v[i] * b.v[i])
EW_F32_OP2(ew_f32_div, a.v[i] / b.v[i])
/* The second operand unless the first is greater (less): so the second if either is a NaN. */
EW_F32_OP2(ew_f32_max, a.v[i] > b.v[i] ? a.v[i] : b.v[i])
EW_F32_OP2(ew_f32_min, a.v[i] < b.v[i] ? a.v[i] : b.v[i])
EW_F32_OP1(ew_f32_abs, ew_float_of_bits(ew_bits_of_float(a.v[i]) & INT32_MAX))
EW_F32_OP1(ew_f32_neg, -a.v[i])
/* To a whole number: half to even, down, up. */
EW_F32_OP1(ew_f32_round, ew_round_f32(a.v[i]))
EW_INLINE float ew_floor_f32(float v) {
  const float whole = ew_round_f32(v);
  return whole > v ? whole - 1.0f : whole;
}
EW_F32_OP1(ew_f32_floor, ew_floor_f32(a.v[i]))
EW_F32_OP1(ew_f32_ceil, -ew_floor_f32(-a.v[i]))
/* Correctly rounded without the FPU instruction: Newton steps in double, which has bits to spare. */
EW_INLINE float ew_sqrt_f32(float v) {
#if defined(__SSE2__) || defined(__aarch64__) || (defined(__ARM_FP) && (__ARM_FP & 4))
  return __builtin_sqrtf(v); /* one instruction with -fno-math-errno */
#else
  if (!(v > 0.0f) || v > 3.402823466e38f) return v < 0.0f ? __builtin_nanf("") : v;
  double scale = 1.0, x = (double)v;
  if (x < 1.0e-30) { x *= 18446744073709551616.0; scale = 2.3283064365386963e-10; }
  double root = (double)ew_float_of_bits((ew_bits_of_float((float)x) >> 1) + 0x1fbd1df5);
  for (int i = 0; i < 5; ++i) root = 0.5 * (root + x / root);
  return (float)(root * scale);
#endif
}
EW_F32_OP1(ew_f32_sqrt, ew_sqrt_f32(a.v[i]))
/* a * b + c; rounded once where the ISA has a fused instruction. */
EW_INLINE ew_f32x16 ew_fma(ew_f32x16 a, ew_f32x16 b, ew_f32x16 c) {
  ew_f32x16 r;
  EW_EACH r.v[i] = a.v[i] * b.v[i] + c.v[i];
  return r;
}
EW_INLINE float ew_f32_sum(ew_f32x16 a) {
  for (int step = 8; step > 0; step /= 2)
    for (int i = 0; i < step; ++i) a.v[i] += a.v[i + step];
  return a.v[0];
}
EW_INLINE float ew_f32_top(ew_f32x16 a) {
  float top = a.v[0];
  EW_EACH top = top > a.v[i] ? top : a.v[i];
  return top;
}

/* --- int32 --------------------------------------------------------------------------------- */
EW_INLINE ew_i32x16 ew_i32_dup(int32_t s) { ew_i32x16 r; EW_EACH r.v[i] = s; return r; }
EW_INLINE ew_i32x16 ew_i32_load(const int32_t *p) { ew_i32x16 r; EW_EACH r.v[i] = p[i]; return r; }
EW_INLINE ew_i32x16 ew_i32_load_n(const int32_t *p, int n) {
  ew_i32x16 r;
  EW_EACH r.v[i] = i < n ? p[i] : 0;
  return r;
}
EW_INLINE void ew_i32_store(int32_t *p, ew_i32x16 a) { EW_EACH p[i] = a.v[i]; }
EW_INLINE void ew_i32_store_n(int32_t *p, ew_i32x16 a, int n) {
  EW_EACH if (i < n) p[i] = a.v[i];
}
EW_I32_OP2(ew_i32_add, ew_add_wrap(a.v[i], b.v[i]))
EW_I32_OP2(ew_i32_sub, ew_sub_wrap(a.v[i], b.v[i]))
EW_I32_OP2(ew_i32_mul, ew_mul_wrap(a.v[i], b.v[i]))
EW_I32_OP2(ew_i32_max, a.v[i] > b.v[i] ? a.v[i] : b.v[i])
EW_I32_OP2(ew_i32_min, a.v[i] < b.v[i] ? a.v[i] : b.v[i])
EW_I32_OP2(ew_i32_and, a.v[i] & b.v[i])
EW_I32_OP2(ew_i32_or, a.v[i] | b.v[i])
EW_I32_OP2(ew_i32_xor, a.v[i] ^ b.v[i])
/* Shifts by one count for all lanes, or (`v`) by one for each; 0 <= count <= 31. */
EW_I32_SHIFT(ew_i32_shl, ew_shl_wrap(a.v[i], by))
EW_I32_SHIFT(ew_i32_shr, (int32_t)((uint32_t)a.v[i] >> by))
EW_I32_SHIFT(ew_i32_sra, a.v[i] >> by)
EW_I32_OP2(ew_i32_shlv, ew_shl_wrap(a.v[i], b.v[i]))
EW_I32_OP2(ew_i32_srav, a.v[i] >> b.v[i])
/* round(a * b / 2^31), halves up; b >= 0. */
EW_I32_OP2(ew_i32_mul_high, ew_mul_high_i32(a.v[i], b.v[i]))
EW_INLINE int32_t ew_i32_sum(ew_i32x16 a) {
  uint32_t sum = 0;
  EW_EACH sum += (uint32_t)a.v[i];
  return (int32_t)sum;
}

/* --- conversions --------------------------------------------------------------------------- */
EW_INLINE ew_f32x16 ew_f32_of_i32(ew_i32x16 a) {
  ew_f32x16 r;
  EW_EACH r.v[i] = (float)a.v[i];
  return r;
}
/* Half to even; any value for lanes outside int32's range. */
EW_INLINE ew_i32x16 ew_i32_of_f32(ew_f32x16 a) {
  ew_i32x16 r;
  EW_EACH r.v[i] = ew_round_i32(a.v[i]);
  return r;
}
EW_INLINE ew_f32x16 ew_f32_of_bits(ew_i32x16 a) {
  ew_f32x16 r;
  EW_EACH r.v[i] = ew_float_of_bits(a.v[i]);
  return r;
}
EW_INLINE ew_i32x16 ew_bits_of_f32(ew_f32x16 a) {
  ew_i32x16 r;
  EW_EACH r.v[i] = ew_bits_of_float(a.v[i]);
  return r;
}
/* Widening loads and saturating, narrowing stores. */
#define EW_NARROW(suffix, type, lo, hi) \
  EW_INLINE ew_i32x16 ew_i32_load_##suffix##_n(const type *p, int n) { \
    ew_i32x16 r; EW_EACH r.v[i] = i < n ? p[i] : 0; return r; } \
  EW_INLINE ew_i32x16 ew_i32_load_##suffix(const type *p) { \
    ew_i32x16 r; EW_EACH r.v[i] = p[i]; return r; } \
  EW_INLINE void ew_i32_store_##suffix##_n(type *p, ew_i32x16 a, int n) { \
    EW_EACH if (i < n) p[i] = (type)ew_clamp_i32(a.v[i], lo, hi); } \
  EW_INLINE void ew_i32_store_##suffix(type *p, ew_i32x16 a) { \
    EW_EACH p[i] = (type)ew_clamp_i32(a.v[i], lo, hi); }
EW_NARROW(s8, int8_t, -128, 127)
EW_NARROW(u8, uint8_t, 0, 255)
EW_NARROW(s16, int16_t, -32768, 32767)

/* --- masks --------------------------------------------------------------------------------- */
EW_MASK_OP2(ew_f32_lt, ew_f32x16, a.v[i] < b.v[i])
EW_MASK_OP2(ew_f32_le, ew_f32x16, a.v[i] <= b.v[i])
EW_MASK_OP2(ew_f32_eq, ew_f32x16, a.v[i] == b.v[i])
EW_MASK_OP2(ew_i32_gt, ew_i32x16, a.v[i] > b.v[i])
EW_MASK_OP2(ew_i32_eq, ew_i32x16, a.v[i] == b.v[i])
EW_MASK_OP2(ew_mask_and, ew_mask16, a.v[i] & b.v[i])
EW_MASK_OP2(ew_mask_or, ew_mask16, a.v[i] | b.v[i])
EW_INLINE ew_mask16 ew_mask_not(ew_mask16 a) { ew_mask16 r; EW_EACH r.v[i] = !a.v[i]; return r; }
EW_INLINE ew_f32x16 ew_f32_select(ew_mask16 m, ew_f32x16 a, ew_f32x16 b) {
  ew_f32x16 r;
  EW_EACH r.v[i] = m.v[i] ? a.v[i] : b.v[i];
  return r;
}
EW_INLINE ew_i32x16 ew_i32_select(ew_mask16 m, ew_i32x16 a, ew_i32x16 b) {
  ew_i32x16 r;
  EW_EACH r.v[i] = m.v[i] ? a.v[i] : b.v[i];
  return r;
}

/* --- integer products ---------------------------------------------------------------------- */
/* Sixteen int16 multipliers for ew_i32_mac, in whatever form the ISA likes best. */
EW_INLINE ew_i32x16 ew_i32_load_mac(const int16_t *p) { return ew_i32_load_s16(p); }
/* acc + x * w; both in int16's range, w from ew_i32_load_mac. */
EW_INLINE ew_i32x16 ew_i32_mac(ew_i32x16 acc, ew_i32x16 x, ew_i32x16 w) {
  return ew_i32_add(acc, ew_i32_mul(x, w));
}

/* Four bytes of one row (from int8 if is_signed, else from uint8), ready for ew_dot4. */
typedef struct ew_dot_x { int32_t v[4]; } ew_dot_x;
/* Weights of 16 columns x 4 rows of the product: int8 [16][4]. */
typedef struct ew_dot_w { const int8_t *p; } ew_dot_w;
EW_INLINE ew_dot_x ew_dot_load_x(const void *p, int is_signed) {
  ew_dot_x r;
  const int32_t offset = is_signed ? (EW_DOT_US ? 128 : 0) : (EW_DOT_US ? 0 : -128);
  for (int i = 0; i < 4; ++i)
    r.v[i] = (is_signed ? ((const int8_t *)p)[i] : ((const uint8_t *)p)[i]) + offset;
  return r;
}
EW_INLINE ew_dot_w ew_dot_load_w(const int8_t *p) { ew_dot_w r = {p}; return r; }
/* acc[c] + sum of x[i] * w[c][i] over i < 4, exact and wrapping around in int32. */
EW_INLINE ew_i32x16 ew_dot4(ew_i32x16 acc, ew_dot_x x, ew_dot_w w) {
  EW_EACH {
    const int8_t *p = w.p + 4 * i;
    const int32_t sum = x.v[0] * p[0] + x.v[1] * p[1] + x.v[2] * p[2] + x.v[3] * p[3];
    acc.v[i] = ew_add_wrap(acc.v[i], sum);
  }
  return acc;
}

#endif
